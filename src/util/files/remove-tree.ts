import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { errorCode } from './file-problem.ts';
import { timeSlices } from './time-slice.ts';

/** Well below PATH_MAX (4096 on Linux, 1024 on macOS), so that a name still fits. */
const longestPath = 700;

/**
 * Removes a file or a directory with all below it; fine if it is not there. Symbolic links are removed, never
 * followed. Read-only directories are made writable first; paths longer than the system allows are shortened by
 * renaming. What other processes add meanwhile is removed too, in up to 5 rounds.
 * @throws the error of the operating system for the first path that can't be removed, after removing the others.
 */
export async function removeTree(path: string, signal?: AbortSignal): Promise<void> {
  const breathe = timeSlices(signal);
  let failure: unknown;
  for (let round = 0; round < 5; round++) {
    failure = undefined;
    const open: OpenPath[] = [{ path, type: 'unknown' }];
    while (open.length > 0) {
      const top = open.at(-1)!;
      try {
        if (top.type === 'emptied directory') {
          open.pop();
          rmdirSync(top.path);
        } else if (removeFileOrFindDirectory(top) === 'directory') {
          top.type = 'emptied directory';
          for (const child of list(top.path, path)) open.push(child);
        } else {
          open.pop();
        }
      } catch (error) {
        const code = errorCode(error);
        if (open.at(-1) === top) open.pop();
        if (code === undefined) throw error;
        if (code !== 'ENOENT') failure ??= error;
      }
      const pause = breathe();
      if (pause !== undefined) await pause;
    }
    if (failure === undefined) return;
    if (errorCode(failure) === 'ENOTEMPTY') {
      // Names that are no UTF-8 can't be given to the calls above; Node's own removal works on bytes.
      failure = await rm(path, { recursive: true, force: true }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) return;
    }
    if (!['ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(errorCode(failure) ?? '')) throw failure;
    await new Promise((resolve) => setTimeout(resolve, 20 << round));
  }
  throw failure;
}

interface OpenPath {
  readonly path: string;
  type: 'unknown' | 'file' | 'emptied directory';
}

function removeFileOrFindDirectory({ path, type }: OpenPath): 'directory' | 'removed' {
  if (type === 'file') {
    unlinkSync(path);
    return 'removed';
  }
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return 'removed';
  if (stats.isDirectory()) {
    if ((stats.mode & 0o700) !== 0o700) tryToOpen(path, stats.mode);
    return 'directory';
  }
  unlinkSync(path);
  return 'removed';
}

/** A directory that isn't ours can't be opened up; removing what is in it fails then, and names it. */
function tryToOpen(directory: string, mode: number): void {
  try {
    chmodSync(directory, (mode & 0o7777) | 0o700);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

/** Children; a directory that lies too deep is first moved up into `top`. */
function list(directory: string, top: string): OpenPath[] {
  const isDeep = directory.length >= longestPath;
  return readdirSync(directory, { withFileTypes: true }).map((child) => {
    const path = `${directory}/${child.name}`;
    if (child.isFile() || child.isSymbolicLink()) return { path, type: 'file' };
    if (!isDeep || !child.isDirectory()) return { path, type: 'unknown' };
    const moved = `${top}/.deep-${randomBytes(6).toString('hex')}`;
    renameSync(path, moved);
    return { path: moved, type: 'unknown' };
  });
}
