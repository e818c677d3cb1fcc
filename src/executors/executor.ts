import type { FileSelection, FileTree, TakenFiles } from '../model/files.ts';
import type { ImagePull } from '../model/image-pull.ts';
import type { ExecutorName, JobSpec } from '../model/job-spec.ts';
import type { Exit, ResourceUse } from '../model/outcome.ts';
import type { LogSink } from '../model/ports.ts';
import type { RemoteVisit, Visit } from './visit.ts';

/**
 * A way to run jobs. `open` prepares a place for one job (directory, containers, services) and writes what it does
 * into `out`. Several sessions may be open at once. Failures of the surroundings are thrown as SystemError; when
 * `signal` is aborted `open` cleans up what it has made and rejects with the signal's reason.
 */
export interface Executor {
  readonly name: ExecutorName;
  open(job: JobSpec, out: LogSink, signal: AbortSignal, watcher?: OpenWatcher): Promise<Session>;
  /** Kills what runs in open sessions at once and waits for nothing: for the last moment before the program ends. */
  kill(): void;
  /** Waits until everything that closed sessions left to remove in the background is gone. Called once, at the end. */
  close(): Promise<void>;
}

/** Told of what goes on while a session is opened; never throws, never waits. */
export interface OpenWatcher {
  /** At most four times a second for an image, and when its pull begins and is over. */
  imagePull(pull: ImagePull): void;
}

/**
 * The place in which one job runs. `await using session = await executor.open(…)`: disposing removes everything that
 * the job made, also what it left running, with a time budget of its own; it never throws.
 */
export interface Session extends AsyncDisposable {
  /** Absolute path of the project's directory inside the session: `CI_PROJECT_DIR`. Exists once `open` resolved. */
  readonly directory: string;
  /** Absolute path inside the session, outside of `directory`, for file variables: `CI_PROJECT_DIR` + `.tmp`. */
  readonly temporaryDirectory: string;
  /** Absolute path inside the session of the home that scripts have there, of a job with `JobSpec.directory`. */
  readonly home?: string;
  /** For the log: `Running on HOST...`. */
  readonly where: string;
  /** Absolute path inside the session of the directory with the job's programs, which comes first in `PATH`; absent: it has none. */
  readonly programs?: string;
  /** The shell that scripts are written for: bash where there is one. */
  readonly shell: 'bash' | 'sh';
  /**
   * Makes sure that all that was put is there for commands; `run` does it too. Trees that are put before may wait for
   * it, since layers go in all at once. Throws what `put` would have thrown.
   */
  prepare?(signal: AbortSignal): Promise<void>;
  /**
   * Runs a script and resolves when it has ended; output goes to `command.out` with backpressure. One at a time,
   * but for background commands. When `signal` aborts: TERM to the whole process group, KILL after the grace period,
   * and the promise resolves with how the process ended. State of the file system is kept from one run to the next.
   */
  run(command: Command, signal: AbortSignal): Promise<Exit>;
  readonly files: SessionFiles;
  /** Do commands reach a container engine? Absent: as this machine does. */
  readonly engine?: 'reached' | 'out of reach';
  /** After a script has failed: writes into the job's log what else may tell why, like the logs of services. */
  readonly explainFailure?: () => Promise<void>;
  /** What the job has used so far; undefined: nothing could be found out. Never rejects. */
  readonly stats?: () => Promise<ResourceUse | undefined>;
  /**
   * Lets somebody in, with the files as the last command left them, while no command runs. Resolves with how the
   * shell or the command ended; when `signal` aborts it is ended without a grace period. Absent: there is no way in.
   */
  readonly enter?: (visit: Visit, signal: AbortSignal) => Promise<Exit>;
  /**
   * Called before the first script: from now on people can come in at any time, also while commands run, and the place lives
   * on between commands. Absent: there is no such way. Throws a SystemError where the machine lacks what it takes.
   */
  readonly door?: (signal: AbortSignal) => Promise<Door>;
  /**
   * From now on the session's place stays when the session is disposed; only `ci clean` removes it.
   * @param name how to call what has a name, like a container.
   * @param note is told what will stay before it does: should this process die now, nothing stays that nobody knows of.
   */
  readonly keep?: (name: string, note: (place: KeptPlace) => Promise<void>) => Promise<KeptPlace>;
}

/**
 * Lets somebody in beside the commands. Resolves with how his shell ended; when `signal` aborts it is hung up. What he has left
 * running then ends with it.
 */
export type Door = (visit: RemoteVisit, signal: AbortSignal) => Promise<Exit>;

/** What stays of a session. */
export interface KeptPlace {
  /** What people call it by: a container's name, a directory. */
  readonly name: string;
  /** Command line that runs a file of it in its place. */
  commandFor(file: string): string;
}

/** One thing that a session runs: a script for a shell, and where its output goes, which is waited for. */
export interface Command {
  /** Text for the shell, passed on its standard input so that it never shows in a process list. */
  readonly script: string;
  /** Default: the session's shell. Else a command line like `/bin/bash -eo pipefail`, split at spaces. */
  readonly shell?: string;
  /**
   * Complete environment of the job as variables; the shell executor adds the user's own (PATH, HOME …) below it. Programs of
   * the job come before all of its `PATH`.
   */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute path inside the session; default: `Session.directory`. */
  readonly directory?: string;
  readonly stdout: LogSink;
  readonly stderr: LogSink;
  /** Resolve as soon as the command has started; it is ended when the session is disposed. */
  readonly background?: boolean;
}

/**
 * Moves files between this machine and the session. A local session may layer or clone, a remote one streams tar.
 * A relative `at` or path is relative to `Session.directory`; `put` creates missing directories.
 * Files that `put` writes belong to the user that scripts run as.
 */
export interface SessionFiles {
  /** Lays a tree over the directory `at`; existing files of the same name are replaced, others stay. */
  put(tree: FileTree, at: string, signal: AbortSignal): Promise<void>;
  /** Why nothing may be put into a directory: a clause. Undefined, or absent: it may. To be asked before `put`. */
  refuses?(at: string): Promise<string | undefined>;
  /** Copies what matches into `into`, an existing empty directory on this machine; hard links inside are kept. */
  get(selection: FileSelection, into: string, signal: AbortSignal): Promise<TakenFiles>;
  /**
   * Is what `get` would take exactly what `tree` holds, which was put before? Then it need not be taken once more.
   * Undefined: it is not, or that can't be told cheaply.
   */
  sameAs?(
    tree: FileTree,
    selection: FileSelection,
    signal: AbortSignal,
  ): Promise<Pick<TakenFiles, 'unmatched' | 'outside'> | undefined>;
  /** Content of one regular file of at most `maxBytes`; undefined if it is not there or is no file. */
  read(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
  write(path: string, content: Uint8Array, mode: number): Promise<void>;
}
