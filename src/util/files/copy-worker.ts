/**
 * Code of a worker thread that copies batches of small files with synchronous calls, which is several times cheaper
 * than the thread pool. As text: the bundled program is one file and has no second one to load into a thread.
 * In: `{ id, paths: 'from\0to\0from\0to…', times: milliseconds, changes: ctimes or -1, sizes, modes, flags }`.
 * Out: `{ id, blocked: indices, torn: indices, failure? }`; `blocked` are those where something was in the way, `torn`
 * those that are no longer what they were said to be (only looked at where a ctime is given).
 */
export const copyWorkerCode = `
import { parentPort } from 'node:worker_threads';
import { chmodSync, copyFileSync, lstatSync, utimesSync } from 'node:fs';
parentPort.on('message', ({ id, paths, times, changes, sizes, modes, flags }) => {
  const names = paths.split('\\0');
  const blocked = [];
  const torn = [];
  for (let i = 0; i < times.length; i++) {
    const from = names[2 * i];
    const to = names[2 * i + 1];
    try {
      copyFileSync(from, to, flags);
      utimesSync(to, times[i] / 1000, times[i] / 1000);
      if (modes[i] >= 0) chmodSync(to, modes[i]);
      if (changes[i] < 0) continue;
      const now = lstatSync(from, { throwIfNoEntry: false });
      if (now === undefined || now.ctimeMs !== changes[i] || now.mtimeMs !== times[i] || now.size !== sizes[i]) torn.push(i);
    } catch (error) {
      if (error.code === 'EEXIST') {
        blocked.push(i);
        continue;
      }
      const { message, code, errno, syscall, path, dest } = error;
      parentPort.postMessage({ id, blocked, torn, failure: { message, code, errno, syscall, path, dest } });
      return;
    }
  }
  parentPort.postMessage({ id, blocked, torn });
});
`;
