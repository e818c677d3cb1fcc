import type { Readable } from 'node:stream';
import type { Checked } from '../diagnostics/diagnostic.ts';
import type { FileEntry, FileSelection, FileTree, TakenFiles } from './files.ts';
import type { FileOrigin, ForeignFile, LoadedFile } from './included-file.ts';
import type { Dependency, JobSpec } from './job-spec.ts';
import type { ArtifactRecord, Outcome, Outputs } from './outcome.ts';
import type { Repository } from './repository.ts';
import type { UploadArtifactsStep } from './step.ts';

/** Who writes into a job's log: what runs it, its scripts, or one of its services by its place in their list, from 0. */
export type LogStream = 'system' | 'stdout' | 'stderr' | `service-${number}`;

/** Takes a job's output. Bytes, not text; the promise is backpressure: await it before writing more. */
export interface LogSink {
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when all that was written has arrived. Absent: it has as soon as `write` resolves. */
  flush?(): Promise<void> | undefined;
  /** Where one of a job's streams is to be written, should the log keep them apart. Absent: all go to `write`. */
  readonly of?: (stream: LogStream) => LogSink;
}

/** One try of a job, handed out by a source. */
export interface JobLease {
  readonly spec: JobSpec;
  /** Aborted: stop the script, run `after_script`, report canceled. */
  readonly cancel: AbortSignal;
  /** Aborted: drop everything, clean up, report canceled. Implies nothing about `cancel`. */
  readonly abort: AbortSignal;
  /** Where the job's masked output goes. The source closes it when the lease is settled. */
  readonly log: LogSink;
}

/** GitLab's seam between server and runner: who knows which job comes next. */
export interface JobSource {
  /** Resolves with the next job as soon as there is one; undefined: there will be none any more, or `signal` aborted. */
  next(signal: AbortSignal): Promise<JobLease | undefined>;
  /** Tells how a leased job ended. Must be called exactly once a lease. */
  settle(lease: JobLease, outcome: Outcome, outputs: Outputs): Promise<void>;
}

/** Fills a directory on this machine with files; the store gives the directory and takes it over afterwards. */
export type Fill = (directory: string) => Promise<TakenFiles>;

/** Where artifacts go to and come from: the run's own store, or a GitLab server. */
export interface ArtifactPort {
  /** The `archive` artifacts of a job; undefined if it uploaded none. */
  fetch(dependency: Dependency, signal: AbortSignal): Promise<FileTree | undefined>;
  /** Stores one upload step's files, as `fill` lays them, atomically. Undefined: nothing matched, nothing stored. */
  store(job: JobSpec, step: UploadArtifactsStep, fill: Fill, signal: AbortSignal): Promise<ArtifactRecord | undefined>;
  /** Who reads reports and says what is wrong with them; default `here`. */
  readonly reportsAreRead?: 'here' | 'elsewhere';
  /** Layers that the given jobs persisted, in their order. */
  workspaceLayers(from: readonly Dependency[]): Promise<readonly WorkspaceLayer[]>;
  /** Stores one `persist-workspace` step's files. */
  persist(job: JobSpec, fill: Fill, signal: AbortSignal): Promise<void>;
}

/** Where the sources of a server's jobs come from. */
export interface SourcePort {
  /**
   * Brings the sources of a job onto this machine, its `.git` with them. Undefined: the job wants none.
   * @throws SystemError
   */
  fetch(repository: Repository, given: SourceRequest): Promise<FetchedSources | undefined>;
}

/** Sources on this machine. */
export interface FetchedSources {
  readonly tree: FileTree;
  /** Files that the job gets besides, for itself alone: by their absolute paths in the session. */
  readonly secrets: readonly { readonly path: string; readonly content: string }[];
}

/** What fetching sources needs of the job. */
export interface SourceRequest {
  readonly job: JobSpec;
  /** A variable of the job, expanded. */
  readonly variable: (name: string) => string | undefined;
  /** Absolute, in the session; outside of the job's directory. */
  readonly temporaryDirectory: string;
  /** Lines of the runner's own in the log. */
  readonly say: (line: string) => Promise<void>;
  readonly warn: (line: string) => Promise<void>;
  /** What git says. */
  readonly output: LogSink;
  readonly signal: AbortSignal;
}

/** What one job persisted: its id, its files, and the list of them by which two layers are found to clash. */
export interface WorkspaceLayer {
  readonly job: string;
  readonly tree: FileTree;
  readonly entries: readonly FileEntry[];
}

/** A cache that was found; the tree may only be copied from, it is the store's own. */
export interface CacheHit {
  /** The key as it was saved, readable. */
  readonly key: string;
  readonly tree: FileTree;
}

/** Where caches live. Keys are readable text here; the store hashes them. */
export interface CachePort {
  restore(key: string, match: 'exact' | 'prefix', signal: AbortSignal): Promise<CacheHit | undefined>;
  /**
   * Atomic: a reader sees the old cache or the new one.
   * @param options.selection what `fill` takes; remembered as `FileTree.takenBy`.
   */
  save(
    key: string,
    options: { readonly overwrite: boolean; readonly selection?: FileSelection },
    fill: Fill,
    signal: AbortSignal,
  ): Promise<'saved' | 'exists' | 'empty'>;
}

/** How long what bears a name took in the tests of one job, all its cases together. */
export interface TestTiming {
  readonly kind: 'file' | 'classname' | 'name';
  /** Neither empty nor with control characters; files relative to the project's directory. */
  readonly name: string;
  readonly seconds: number;
}

/** Times of a project's tests, from run to run. */
export interface TestTimingsPort {
  /**
   * What is known, a line `KIND<tab>SECONDS<tab>NAME` each: the same for all jobs of a run and of those that go on from it, so that
   * their parts of a list of tests fit together. Undefined: nothing.
   */
  known(): Promise<string | undefined>;
  /** For later runs. */
  add(timings: readonly TestTiming[]): Promise<void>;
}

/** Reads files that a pipeline file includes. Diagnostics have no span: it is the include's, which the caller knows. */
export interface FileLoader {
  /**
   * Files that match an `include:local` path or glob, sorted, of the project that the including file belongs to
   * (default: the pipeline's own).
   * Paths that lead outside of the project (`..`, symlinks, `.git`) give a diagnostic and no file.
   */
  local(pattern: string, origin?: FileOrigin): Promise<Checked<readonly LoadedFile[]>>;
  /**
   * A file of another project, an address, a template or a component. No value: it could not be had, and a diagnostic
   * says why: `gitlab/include-not-read` (a warning) where it was not even tried.
   * @param origin of the including file; default: the pipeline's own project.
   */
  foreign(file: ForeignFile, origin?: FileOrigin): Promise<Checked<LoadedFile>>;
}

/** The terminal of somebody elsewhere, which tells no size: 80 columns and 24 rows. */
export interface RemoteTerminal {
  /** What is typed, as it comes. */
  readonly input: Readable;
  /** Resolves when more may be written. Nothing comes of it once the terminal is gone. */
  write(bytes: Uint8Array): Promise<void>;
}

/** People who want to come into one job while it runs; one at a time. */
export interface VisitorPort {
  /**
   * From now on they can.
   * @param enter lets one in and resolves when he is out again; when `signal` aborts he is sent away. It may throw a SystemError.
   */
  open(enter: (terminal: RemoteTerminal, signal: AbortSignal) => Promise<void>): void;
  /** Nobody ever can. */
  refuse(): void;
  /** Is somebody in? */
  isOccupied(): boolean;
  /** Resolves when nobody is in. */
  empty(): Promise<void>;
  /** How long somebody who is in when the job's work is done may stay. */
  readonly stayMs: number;
  /** Sends away who is in, and lets nobody in any more; resolves when he is out. */
  close(): Promise<void>;
}

/** Mutual exclusion by name between all runs on this machine (`resource_group`). */
export interface ResourceLocks {
  /** Resolves when the lock is held; dispose to release. A lock of a process that died is taken over. */
  acquire(name: string, signal: AbortSignal): Promise<AsyncDisposable>;
}
