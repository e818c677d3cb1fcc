import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileTree } from '../model/files.ts';
import { errorCode } from '../util/files/file-problem.ts';

/** Which version of a cache is the current one: `<key hash>/current`. */
export interface CachePointer {
  /** Directory beside the pointer. */
  readonly version: string;
  /** As it was saved; the directory's name is its hash. */
  readonly key: string;
  readonly savedAtMs: number;
  readonly files: number;
  readonly totalBytes: number;
  /** Hash of the list of files. */
  readonly fingerprint: string;
  readonly hasHardLinks?: boolean;
  readonly takenBy?: FileTree['takenBy'];
}

/** Start of a version's directory name. */
export const versionPrefix = 'v-';

/** Directory name of a key: nothing of the key's text gets into a path. */
export function keyDirectory(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** Undefined if there is no cache, or the pointer is none of ours. */
export function readPointer(directory: string): CachePointer | undefined {
  let text: string;
  try {
    text = readFileSync(join(directory, 'current'), 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
  try {
    const pointer = JSON.parse(text) as CachePointer;
    return /^v-[0-9a-f]+$/.test(pointer.version) && typeof pointer.key === 'string' ? pointer : undefined;
  } catch {
    return undefined;
  }
}
