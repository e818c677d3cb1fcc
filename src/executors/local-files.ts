import { constants } from 'node:fs';
import { chmod, mkdir, open, readdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import type { FileEntry, FileTree, TakenFiles } from '../model/files.ts';
import { SystemError } from '../model/outcome.ts';
import { cloneTree, linkOrCopyTree } from '../util/files/clone-tree.ts';
import { explainFileError } from '../util/files/file-problem.ts';
import { selectFiles } from '../util/files/select-files.ts';
import { writeFileAtomic } from '../util/files/write-file-atomic.ts';
import { runCommand } from '../util/process-command.ts';
import type { SessionFiles } from './executor.ts';

/** Files of a session whose directory is one of this machine. */
export function localFiles(options: {
  /** Absolute. */
  readonly directory: string;
  /** `PATH` in which git is looked for. */
  readonly path: string;
  /** Lays an immutable tree into the session's directory, which is empty; absent: it is copied. */
  readonly lay?: (tree: FileTree, signal: AbortSignal) => Promise<void>;
  /** Nobody will write to the job's files any more: what is taken may be hard links to them. */
  mayLink(): boolean;
}): SessionFiles {
  const { directory } = options;
  return {
    put: (tree, at, signal) =>
      explained('put files into the job', async () => {
        const whole = tree.immutable && tree.entries === undefined && resolve(directory, at) === directory;
        if (whole && options.lay !== undefined && (await isEmpty(directory))) await options.lay(tree, signal);
        else await putTree(directory, tree, at, signal);
      }),
    get: (selection, into, signal) =>
      explained("take the job's files", async () => {
        const base = resolve(directory, selection.base ?? '.');
        const untracked = selection.untracked ? await untrackedFiles(base, options.path, signal) : [];
        const { paths, exclude } = selection;
        const selected = await selectFiles(base, { paths, exclude, untracked }, signal);
        const place = options.mayLink() ? linkOrCopyTree : cloneTree;
        await place({ root: base, entries: selected.entries }, into, { signal });
        return taken(selected);
      }),
    read: (path, maxBytes) =>
      explained('read a file of the job', () => readRegularFile(resolve(directory, path), maxBytes)),
    write: (path, content, mode) =>
      explained('write a file for the job', async () => {
        const target = resolve(directory, path);
        await mkdir(dirname(target), { recursive: true });
        await writeFileAtomic(target, content, { mode, durable: 'fast' });
        // Whatever the umask.
        await chmod(target, mode);
      }),
  };
}

async function isEmpty(directory: string): Promise<boolean> {
  return (await readdir(directory)).length === 0;
}

/** Below the job's directory no link that a job made is followed; elsewhere the path is taken as it is. */
async function putTree(directory: string, tree: FileTree, at: string, signal: AbortSignal): Promise<void> {
  const target = resolve(directory, at);
  const inside = relative(directory, target);
  if (inside === '') await cloneTree(tree, directory, { signal });
  else if (inside.startsWith('..') || isAbsolute(inside)) await cloneTree(tree, target, { signal });
  else await cloneTree(tree, directory, { signal, rename: (path) => `${inside}/${path}` });
}

function taken(selected: {
  readonly entries: readonly FileEntry[];
  readonly totalBytes: number;
  readonly unmatched: readonly string[];
  readonly outside: readonly string[];
}): TakenFiles {
  return {
    entries: selected.entries.map(({ path, type, sizeBytes }) => ({ path, type, sizeBytes })),
    totalBytes: selected.totalBytes,
    unmatched: selected.unmatched,
    outside: selected.outside,
  };
}

/** What git does not track below a directory, ignored files too; nothing where there is no repository. */
async function untrackedFiles(base: string, path: string, signal: AbortSignal): Promise<readonly string[]> {
  // The job may have written anything into its own git configuration.
  const safe = ['-c', 'core.fsmonitor=', '-c', 'core.hooksPath=/dev/null'];
  const env = { PATH: path, LC_ALL: 'C', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  const listing = await runCommand(['git', ...safe, '-c', 'safe.directory=*', 'ls-files', '--others', '-z'], {
    directory: base,
    env,
    signal,
  });
  return listing.code === 0 ? listing.stdout.split('\0').filter((name) => name !== '') : [];
}

async function readRegularFile(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code ?? '')) return undefined;
    throw error;
  });
  if (stats === undefined || !stats.isFile() || stats.size > maxBytes) return undefined;
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(Math.min(maxBytes, stats.size));
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await file.close();
  }
}

async function explained<T>(doing: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const problem = explainFileError(error, { doing });
    if (problem === undefined) throw error;
    throw new SystemError('runner_system_failure', problem.message, {
      cause: error,
      ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    });
  }
}
