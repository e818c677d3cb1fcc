import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobSpec } from '../../model/job-spec.ts';
import type { Exit } from '../../model/outcome.ts';
import type { LogSink } from '../../model/ports.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import type { Command, Executor, Session } from '../executor.ts';
import { localFiles } from '../local-files.ts';

/** One command of a job, as the test's play sees it. */
export interface FakeRun {
  readonly job: JobSpec;
  readonly command: Command;
  /** 1 for the job's first command. */
  readonly number: number;
  /** Aborted when the command is to be ended. */
  readonly signal: AbortSignal;
  /** Absolute path of the session's directory, a real one. */
  readonly directory: string;
  print(text: string | Uint8Array, stream?: 'stdout' | 'stderr'): Promise<void>;
}

/** How the fake is played; nothing of a script is ever run. */
export interface FakeExecutorOptions {
  /** Absolute path of an existing directory in which each session gets its own. */
  readonly root: string;
  /** Decides how a command ends; absent: with code 0. To end on abort is the play's business. */
  readonly play?: (run: FakeRun) => Promise<Exit> | Exit;
  /** Called first of all; may throw what a real `open` would. */
  readonly onOpen?: (job: JobSpec, out: LogSink, signal: AbortSignal) => Promise<void> | void;
}

/** An executor without processes, for tests, that remembers what was asked of it. */
export interface FakeExecutor extends Executor {
  /** `open ID`, `run ID`, `dispose ID` in order, and `close`. */
  readonly calls: readonly string[];
}

/** Makes a fake executor. Files are real: `put`, `get`, `read` and `write` work below `root`. */
export function createFakeExecutor(options: FakeExecutorOptions): FakeExecutor {
  const calls: string[] = [];
  return {
    name: 'fake',
    calls,
    open: async (job, out, signal): Promise<Session> => {
      signal.throwIfAborted();
      calls.push(`open ${job.id}`);
      await options.onOpen?.(job, out, signal);
      const home = join(options.root, randomBytes(6).toString('hex'));
      const directory = join(home, job.projectPath);
      await mkdir(directory, { recursive: true });
      await mkdir(`${directory}.tmp`);
      let number = 0;
      return {
        directory,
        temporaryDirectory: `${directory}.tmp`,
        where: 'Running on fake...',
        shell: 'bash',
        files: localFiles({ directory, path: '/usr/local/bin:/usr/bin:/bin', mayLink: () => false }),
        run: async (command, runSignal) => {
          calls.push(`run ${job.id}`);
          const print: FakeRun['print'] = (text, stream = 'stdout') => command[stream].write(Buffer.from(text));
          const run: FakeRun = { job, command, number: ++number, signal: runSignal, directory, print };
          return (await options.play?.(run)) ?? { kind: 'code', code: 0 };
        },
        [Symbol.asyncDispose]: async () => {
          calls.push(`dispose ${job.id}`);
          await removeTree(home).catch(() => {});
        },
      };
    },
    kill: () => {},
    close: async () => {
      calls.push('close');
    },
  };
}
