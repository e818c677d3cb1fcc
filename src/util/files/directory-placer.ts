import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { errorCode } from './file-problem.ts';

/** Makes directories below a root for files that are about to be written there. */
export interface DirectoryPlacer {
  /**
   * Absolute path of the directory `path` (relative to the root, `''` is the root), made with all its parents.
   * No part of it below the root is a symbolic link.
   */
  ensure(path: string): string;
}

/**
 * Remembers which directories below `root` are known to be real ones, so each is looked at once. `root` must exist;
 * how it is reached is the caller's business. A file or symbolic link where a directory has to be is removed and
 * replaced by a directory, as GNU tar does: nothing is ever written through a link.
 */
export function directoryPlacer(root: string): DirectoryPlacer {
  const known = new Set<string>(['']);
  const ensure = (path: string): string => {
    if (known.has(path)) return path === '' ? root : `${root}/${path}`;
    const slash = path.lastIndexOf('/');
    if (slash > 0) ensure(path.slice(0, slash));
    const absolute = `${root}/${path}`;
    if (!tryToMake(absolute)) makeUsable(absolute);
    known.add(path);
    return absolute;
  };
  return { ensure };
}

function tryToMake(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return false;
  }
}

function makeUsable(path: string): void {
  const stats = lstatSync(path);
  if (!stats.isDirectory()) {
    unlinkSync(path);
    mkdirSync(path);
  } else if ((stats.mode & 0o300) !== 0o300) {
    chmodSync(path, (stats.mode & 0o7777) | 0o700);
  }
}
