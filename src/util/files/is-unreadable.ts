import { accessSync, constants } from 'node:fs';
import { errorCode } from './file-problem.ts';
import type { TreeEntry } from './tree-entry.ts';

/** May this process not read a file? Asks only where its mode makes that likely: it may be another user's. */
export function isUnreadable(root: string, entry: TreeEntry): boolean {
  if (entry.type !== 'file' || (entry.mode & 0o004) !== 0) return false;
  try {
    accessSync(`${root}/${entry.path}`, constants.R_OK);
    return false;
  } catch (error) {
    return errorCode(error) === 'EACCES';
  }
}
