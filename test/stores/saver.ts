import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheStore } from '../../src/stores/cache-store.ts';

/** Child of a test: saves one cache over and over until it is killed; says so once the first one is there. */
const store = cacheStore({ directory: process.argv[2]!, now: Date.now });
const signal = new AbortController().signal;
for (let round = 0; ; round++) {
  await store.save(
    'k',
    { overwrite: true },
    async (into) => {
      for (let i = 0; i < 20; i++) writeFileSync(join(into, `f${i}`), `${round}-${process.pid}`.padEnd(100 + round));
      return { entries: [{ path: 'f0', type: 'file', sizeBytes: 1 }], totalBytes: 1, unmatched: [], outside: [] };
    },
    signal,
  );
  if (round === 0) process.stdout.write('ready\n');
}
