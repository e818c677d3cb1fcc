import type { accessSync, constants, lstatSync } from 'node:fs';

/** What a look at many files works on; the arrays are shared between threads. */
export interface LookTask {
  /** Absolute. */
  readonly root: string;
  /** Relative to it. */
  readonly names: readonly string[];
  /** How many files are taken at once. */
  readonly shareSize: number;
  /** How many numbers a file gets. */
  readonly width: number;
  /**
   * Gets for each file: type (0 file, 1 directory, 2 symbolic link, -1 if it is not there or can't be used), size, mode,
   * mtime, ctime, inode, device, number of links.
   */
  readonly stamps: Float64Array;
  /** How many files are taken, and how many were looked at. */
  readonly progress: Int32Array;
}

/** The functions of Node that it takes. */
export interface LookFiles {
  readonly accessSync: typeof accessSync;
  readonly constants: Pick<typeof constants, 'R_OK'>;
  readonly lstatSync: typeof lstatSync;
}

/**
 * Looks at the next files that nobody has taken yet. Its text is also what the thread runs, since the bundled program is
 * one file and has no second one to load: so it may use nothing but what it is given.
 * @returns whether there may be more.
 */
export function lookAtShare(files: LookFiles, { root, names, shareSize, width, stamps, progress }: LookTask): boolean {
  const start = Atomics.add(progress, 0, shareSize);
  if (start >= names.length) return false;
  const end = Math.min(start + shareSize, names.length);
  const options = { throwIfNoEntry: false } as const;
  for (let index = start; index < end; index++) {
    const path = `${root}/${names[index]}`;
    const at = index * width;
    stamps[at] = -1;
    try {
      const stats = files.lstatSync(path, options);
      if (stats === undefined) continue;
      const kind = stats.mode & 0o170000;
      const type = kind === 0o100000 ? 0 : kind === 0o040000 ? 1 : kind === 0o120000 ? 2 : -1;
      // As `isUnreadable`: only then is it likely to be another user's.
      if (type === 0 && (stats.mode & 0o004) === 0) files.accessSync(path, files.constants.R_OK);
      stamps[at + 1] = type === 1 ? 0 : stats.size;
      stamps[at + 2] = stats.mode & 0o7777;
      stamps[at + 3] = stats.mtimeMs;
      stamps[at + 4] = stats.ctimeMs;
      stamps[at + 5] = stats.ino;
      stamps[at + 6] = stats.dev;
      stamps[at + 7] = stats.nlink;
      stamps[at] = type;
    } catch {
      // What is wrong with it is told by who needs it.
    }
  }
  Atomics.add(progress, 1, end - start);
  return true;
}

/**
 * Code of a worker thread that takes shares until there are none, then says so and ends. CommonJS, which starts sooner.
 * In (`workerData`): a `LookTask`, with `paths: 'a\0b'` in place of `names`.
 */
export const lookWorkerCode = (): string => `
const { parentPort, workerData } = require('node:worker_threads');
const look = ${lookAtShare.toString()};
const task = { ...workerData, names: workerData.paths.split('\\0') };
while (look(require('node:fs'), task));
parentPort.postMessage('done');
`;
