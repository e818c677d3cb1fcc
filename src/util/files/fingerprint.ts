import { createHash } from 'node:crypto';
import type { TreeEntry } from './tree-entry.ts';

/**
 * Hash of paths, types, sizes, modes and times (to the millisecond) of a tree; equal ones are taken for equal content.
 * @param entries all of the tree, as `walkTree` sorts them.
 */
export function fingerprintOf(entries: readonly TreeEntry[]): string {
  const hash = createHash('sha256');
  // A call for each file costs as much as the hash.
  let text = '';
  for (const { path, type, sizeBytes, mode, mtimeMs } of entries) {
    // A directory's time changes whenever it is filled.
    text += `${path}\0${type}\0${sizeBytes}\0${mode}\0${type === 'directory' ? 0 : Math.round(mtimeMs)}\n`;
    if (text.length > 1 << 16) {
      hash.update(text);
      text = '';
    }
  }
  hash.update(text);
  return hash.digest('hex');
}
