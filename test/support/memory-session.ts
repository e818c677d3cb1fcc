import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import type { Command, Executor, Session } from '../../src/executors/executor.ts';
import type { FileEntry, FileSelection, FileTree } from '../../src/model/files.ts';
import type { JobSpec } from '../../src/model/job-spec.ts';
import type { Exit } from '../../src/model/outcome.ts';

/** What a command of the test's does. */
export type Runs = (command: Command, signal: AbortSignal, files: Map<string, string>) => Promise<Exit> | Exit;

/** An executor whose sessions keep files in a map by absolute path and run what the test says. */
export interface MemoryExecutor extends Executor {
  readonly commands: Command[];
  readonly opened: JobSpec[];
  /** Files of the (only) session, by absolute path. */
  readonly files: Map<string, string>;
  readonly modes: Map<string, number>;
  readonly log: string[];
}

export const done: Exit = { kind: 'code', code: 0 };

/** Ends by TERM when the signal aborts, as a well-behaved command does. */
export function untilAborted(signal: AbortSignal): Promise<Exit> {
  const killed: Exit = { kind: 'signal', signal: 'SIGTERM' };
  if (signal.aborted) return Promise.resolve(killed);
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(killed), { once: true }));
}

export function memoryExecutor(
  runs: Runs = () => done,
  before: (signal: AbortSignal) => Promise<void> = async () => {},
): MemoryExecutor {
  const files = new Map<string, string>();
  const modes = new Map<string, number>();
  const commands: Command[] = [];
  const opened: JobSpec[] = [];
  const log: string[] = [];
  const directory = '/builds/group/project';
  const session: Session = {
    directory,
    temporaryDirectory: `${directory}.tmp`,
    where: 'Running on memory...',
    shell: 'bash',
    run: async (command, signal) => {
      commands.push(command);
      return runs(command, signal, files);
    },
    files: {
      put: async (tree, at) => putTree(files, tree, posix.resolve(directory, at)),
      get: async (selection, into) => getFiles(files, selection, directory, into),
      read: async (path) => {
        const content = files.get(posix.resolve(directory, path));
        return content === undefined ? undefined : Buffer.from(content);
      },
      write: async (path, content, mode) => {
        files.set(posix.resolve(directory, path), Buffer.from(content).toString());
        modes.set(path, mode);
      },
    },
    [Symbol.asyncDispose]: async () => {
      log.push('disposed');
    },
  };
  return {
    name: 'fake',
    commands,
    opened,
    files,
    modes,
    log,
    open: async (job, _out, signal) => {
      opened.push(job);
      await before(signal);
      return session;
    },
    kill: () => {},
    close: async () => {},
  };
}

/** The files of a tree on this machine, as text by relative path. */
export function readTree(root: string): Record<string, string> {
  const all: Record<string, string> = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    all[relative(root, path)] = readFileSync(path, 'utf8');
  }
  return all;
}

function putTree(files: Map<string, string>, tree: FileTree, at: string): void {
  for (const [path, text] of Object.entries(readTree(tree.root))) files.set(posix.join(at, path), text);
}

/** Knows exact paths and directories, and `*` in the last part. */
function getFiles(files: Map<string, string>, selection: FileSelection, directory: string, into: string) {
  const base = posix.resolve(directory, selection.base ?? '.');
  const entries: FileEntry[] = [];
  const unmatched: string[] = [];
  for (const pattern of selection.paths) {
    const target = posix.resolve(base, pattern);
    const before = entries.length;
    for (const [path, text] of files) {
      const globbed = target.endsWith('*') && path.startsWith(target.slice(0, -1));
      if (path !== target && !path.startsWith(`${target}/`) && !globbed) continue;
      const name = posix.relative(base, path);
      mkdirSync(dirname(join(into, name)), { recursive: true });
      writeFileSync(join(into, name), text);
      entries.push({ path: name, type: 'file', sizeBytes: Buffer.byteLength(text) });
    }
    if (entries.length === before) unmatched.push(pattern);
  }
  return { entries, totalBytes: entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), unmatched, outside: [] };
}
