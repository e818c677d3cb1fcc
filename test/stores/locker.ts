import { appendFileSync } from 'node:fs';
import { resourceLocks } from '../../src/stores/resource-locks.ts';

/** Child of a test: holds a lock until it is killed, or takes it ten times and notes when it is in and out. */
const [directory, mode, log] = process.argv.slice(2);
const { signal } = new AbortController();
const locks = resourceLocks(directory!);
if (mode === 'hold') {
  await locks.acquire('x', signal);
  process.stdout.write('held\n');
  setInterval(() => {}, 1000);
} else {
  for (let i = 0; i < 10; i++) {
    await using _lock = await locks.acquire('x', signal);
    appendFileSync(log!, `in ${process.pid} ${i}\n`);
    await new Promise((resolve) => setImmediate(resolve));
    appendFileSync(log!, `out ${process.pid} ${i}\n`);
  }
}
