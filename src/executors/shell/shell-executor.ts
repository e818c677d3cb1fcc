import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { withFileErrors } from '../../model/file-errors.ts';
import type { JobSpec } from '../../model/job-spec.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import type { Isolation, Workspace } from '../../workspaces/open-workspace.ts';
import type { Executor, Session } from '../executor.ts';
import { findProgram } from './find-program.ts';
import { openShellSession } from './shell-session.ts';

/** What the composition root decides about jobs in the shell. */
export interface ShellExecutorOptions {
  /** Absolute path of the directory in which each job gets its own; made when it is missing. */
  readonly root: string;
  /** Between TERM and KILL, milliseconds. */
  readonly graceMs: number;
  /** The user's own environment (PATH, HOME, LANG …), below the job's variables. */
  readonly env: Readonly<Record<string, string>>;
  /** How a job gets its own copy of the sources; default `auto`. */
  readonly isolation?: Isolation;
}

/** Jobs as processes of this machine's user, each in a private directory. */
export function createShellExecutor(options: ShellExecutorOptions): Executor {
  const removals = new Set<Promise<void>>();
  const open = new Set<() => void>();
  const path = options.env.PATH ?? '/usr/local/bin:/usr/bin:/bin';
  const bash = findProgram('bash', path);
  const removeLater = (directory: string, workspaces: readonly Workspace[] = []): void => {
    // A workspace may be mounted inside of the directory.
    const removal = Promise.allSettled(workspaces.map((workspace) => workspace[Symbol.asyncDispose]()))
      .then(() => removeTree(directory))
      // A directory that can't be removed (files of another user) must not fail a job that has ended.
      .catch(() => {})
      .finally(() => removals.delete(removal));
    removals.add(removal);
  };
  return {
    name: 'shell',
    open: async (job, _out, signal): Promise<Session> => {
      signal.throwIfAborted();
      const home = join(options.root, randomBytes(6).toString('hex'));
      const directory = job.source.kind === 'in-place' ? job.source.directory : join(home, job.projectPath);
      const temporaryDirectory =
        job.source.kind === 'in-place' ? join(home, `${basename(directory)}.tmp`) : `${directory}.tmp`;
      try {
        await withFileErrors({ doing: "make the job's directory", path: home }, () =>
          makePlace(options.root, home, job, directory, temporaryDirectory),
        );
      } catch (error) {
        removeLater(home);
        throw error;
      }
      return openShellSession({
        job,
        directory,
        temporaryDirectory,
        where: `Running on ${hostname()}...`,
        shell: bash === undefined ? 'sh' : 'bash',
        shellFile: bash ?? findProgram('sh', path) ?? '/bin/sh',
        env: options.env,
        path,
        graceMs: options.graceMs,
        isolation: options.isolation ?? 'auto',
        open,
        remove: (workspaces) => removeLater(home, workspaces),
      });
    },
    kill: () => {
      for (const kill of open) kill();
    },
    close: async () => {
      await Promise.all(removals);
    },
  };
}

async function makePlace(
  root: string,
  home: string,
  job: JobSpec,
  directory: string,
  temporary: string,
): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  await mkdir(home, { mode: 0o700 });
  if (job.source.kind !== 'in-place') await mkdir(directory, { recursive: true });
  await mkdir(temporary, { recursive: true, mode: 0o700 });
}
