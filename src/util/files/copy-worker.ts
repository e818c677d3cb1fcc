/**
 * Code of a worker thread that copies batches of small files with synchronous calls, which is several times cheaper
 * than the thread pool. As text: the bundled program is one file and has no second one to load into a thread.
 * In: `{ id, paths: 'from\0to\0from\0to…', times: seconds, modes, flags }`. Out: `{ id, blocked: indices, failure? }`;
 * `blocked` are those where something was in the way.
 */
export const copyWorkerCode = `
import { parentPort } from 'node:worker_threads';
import { chmodSync, copyFileSync, utimesSync } from 'node:fs';
parentPort.on('message', ({ id, paths, times, modes, flags }) => {
  const names = paths.split('\\0');
  const blocked = [];
  for (let i = 0; i < times.length; i++) {
    const to = names[2 * i + 1];
    try {
      copyFileSync(names[2 * i], to, flags);
      utimesSync(to, times[i], times[i]);
      if (modes[i] >= 0) chmodSync(to, modes[i]);
    } catch (error) {
      if (error.code === 'EEXIST') {
        blocked.push(i);
        continue;
      }
      const { message, code, errno, syscall, path, dest } = error;
      parentPort.postMessage({ id, blocked, failure: { message, code, errno, syscall, path, dest } });
      return;
    }
  }
  parentPort.postMessage({ id, blocked });
});
`;
