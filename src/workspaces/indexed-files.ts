import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

/**
 * How many files git's index says that it has, 0 where that can't be told at once: a guess of how many there are.
 * Source: https://git-scm.com/docs/index-format
 */
export function indexedFiles(topLevel: string): number {
  const head = Buffer.alloc(12);
  try {
    const file = openSync(join(topLevel, '.git/index'), 'r');
    try {
      readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
  } catch {
    return 0;
  }
  return head.toString('latin1', 0, 4) === 'DIRC' ? head.readUInt32BE(8) : 0;
}
