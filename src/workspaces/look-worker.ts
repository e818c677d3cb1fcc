/**
 * Code of a worker thread that looks at files by `lstat`, a share at a time, while others take shares of the same.
 * As text: the bundled program is one file and has no second one to load into a thread. CommonJS, which starts sooner.
 * In (`workerData`): `{ root, paths: 'a\0b', shareSize, width, stamps, progress }`, see `look-again.ts`.
 * Out: a message when no share is left; then it ends.
 */
export const lookWorkerCode = `
const { parentPort, workerData } = require('node:worker_threads');
const { accessSync, constants, lstatSync } = require('node:fs');
const { root, paths, shareSize, width, stamps, progress } = workerData;
const types = new Map([[0o100000, 0], [0o040000, 1], [0o120000, 2]]);
const options = { throwIfNoEntry: false };
function look(path, at) {
  stamps[at] = -1;
  try {
    const stats = lstatSync(path, options);
    const type = stats && types.get(stats.mode & 0o170000);
    if (type === undefined) return;
    if (type === 0 && (stats.mode & 0o004) === 0) accessSync(path, constants.R_OK);
    stamps[at] = type;
    stamps[at + 1] = type === 1 ? 0 : stats.size;
    stamps[at + 2] = stats.mode & 0o7777;
    stamps[at + 3] = stats.mtimeMs;
    stamps[at + 4] = stats.ctimeMs;
    stamps[at + 5] = stats.ino;
    stamps[at + 6] = stats.dev;
    stamps[at + 7] = stats.nlink;
  } catch {
    stamps[at] = -1;
  }
}
const names = paths.split('\\0');
for (let start = Atomics.add(progress, 0, shareSize); start < names.length; start = Atomics.add(progress, 0, shareSize)) {
  const end = Math.min(start + shareSize, names.length);
  for (let index = start; index < end; index++) look(root + '/' + names[index], index * width);
  Atomics.add(progress, 1, end - start);
}
parentPort.postMessage('done');
`;
