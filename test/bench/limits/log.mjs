// The least that a log costs: a job's output, prefixed line by line on stdout and kept on disk.
// `log.mjs chunk|readline SCRIPT LOG_FILE`
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

const [, , mode, script, path] = process.argv;
const prefix = 'logger | ';
const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
const log = createWriteStream(path);

async function write(stream, data) {
  if (!stream.write(data)) await new Promise((resolve) => stream.once('drain', resolve));
}

if (mode === 'chunk') {
  let tail = '';
  for await (const chunk of child.stdout) {
    const text = tail + chunk.toString('latin1');
    const end = text.lastIndexOf('\n') + 1;
    tail = text.slice(end);
    const lines = end === 0 ? '' : prefix + text.slice(0, end - 1).replaceAll('\n', `\n${prefix}`) + '\n';
    await write(log, chunk);
    await write(process.stdout, Buffer.from(lines, 'latin1'));
  }
  if (tail !== '') await write(process.stdout, Buffer.from(`${prefix}${tail}\n`, 'latin1'));
} else {
  for await (const line of createInterface({ input: child.stdout })) {
    await write(log, `${line}\n`);
    await write(process.stdout, `${prefix}${line}\n`);
  }
}
log.end();
