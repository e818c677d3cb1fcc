// `node --import` this: writes what was loaded as lines of the file $COUNT_LOADS (each CommonJS file, and the name of
// each function of the bundle that ran), the program of each process that is started as a line of $COUNT_SPAWNS, and how
// many promises were made to $COUNT_PROMISES.

import { createHook } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const { COUNT_LOADS, COUNT_PROMISES, COUNT_SPAWNS } = process.env;

if (isMainThread && COUNT_LOADS) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  process.on('exit', () => {
    session.post('Profiler.takePreciseCoverage', (_, { result }) => {
      const bundle = result.find(({ url }) => url === 'ci.js')?.functions ?? [];
      const ran = bundle.filter(({ functionName, ranges }) => functionName !== '' && ranges[0].count > 0);
      const files = Object.keys(createRequire(import.meta.url).cache);
      appendFileSync(COUNT_LOADS, [...files, ...ran.map(({ functionName }) => functionName), ''].join('\n'));
    });
  });
}
if (isMainThread && COUNT_SPAWNS) {
  subscribe('child_process', ({ process: child }) => {
    const note = () => appendFileSync(COUNT_SPAWNS, `${child.spawnfile}\n`);
    child.once('spawn', note);
  });
}
if (isMainThread && COUNT_PROMISES) {
  let count = 0;
  createHook({ init: (_, type) => (count += type === 'PROMISE' ? 1 : 0) }).enable();
  process.on('exit', () => appendFileSync(COUNT_PROMISES, `${count}\n`));
}
