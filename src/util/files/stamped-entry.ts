import type { TreeEntry } from './tree-entry.ts';

/** The number that stands for a type in a stamp is its place here; any other: it is not there, or can't be used. */
export const stampTypes = ['file', 'directory', 'symlink'] as const satisfies readonly TreeEntry['type'][];

/** Numbers that a thread tells of a file: type, size, mode, mtime, ctime, inode, device, number of links. */
export const entryStampWidth = 8;

/** Makes an entry of the numbers that begin at `at`; undefined where they are of no file. */
export function stampedEntry(path: string, stamps: Float64Array, at: number): TreeEntry | undefined {
  const type = stampTypes[stamps[at]!];
  if (type === undefined) return undefined;
  return {
    path,
    type,
    sizeBytes: stamps[at + 1]!,
    mode: stamps[at + 2]!,
    mtimeMs: stamps[at + 3]!,
    ctimeMs: stamps[at + 4]!,
    ino: stamps[at + 5]!,
    dev: stamps[at + 6]!,
    nlink: stamps[at + 7]!,
  };
}
