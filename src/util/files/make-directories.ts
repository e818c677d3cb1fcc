import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from './file-problem.ts';

/**
 * Makes a directory and those above it. Node's own `recursive` tries for ever where nothing can be made (`/proc/x`).
 * @param mode of those that are made. @throws Error of the operating system, for the one that can't be made.
 */
export function makeDirectories(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    const above = dirname(path);
    if (code !== 'ENOENT' || above === path || existsSync(above)) throw error;
    makeDirectories(above, mode);
    makeDirectories(path, mode);
  }
}
