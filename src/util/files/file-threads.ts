import { Worker } from 'node:worker_threads';
import { fileWorkerCode } from './file-worker.ts';

/** One file to copy. */
export interface FileCopy {
  /** Absolute. */
  readonly from: string;
  /** Absolute; its directory exists. What is there is replaced. */
  readonly to: string;
  readonly mtimeMs: number;
  /** Set when the source's mode is not what the copy gets. */
  readonly mode?: number;
  readonly sizeBytes: number;
  /** Set when it is to be told if the source was changed while it was copied. */
  readonly ctimeMs?: number;
}

/** One hard link to make. */
export interface FileLink {
  /** Absolute. */
  readonly from: string;
  /** Absolute; its directory exists. */
  readonly to: string;
}

/** Threads for several copiers: to start them takes longer than to copy a thousand files. */
export interface FileThreads {
  /** Starts them when so many files are about to be copied, so that they are there when they are needed. */
  expect(files: number): void;
  /** Those that live, started if need be; fewer or none where the system allows no more threads. */
  get(): readonly FileThread[];
  /**
   * Removes a directory with what is in it, as far as that goes without trouble: `removeTree` does the rest. At once
   * where no threads are running: to start some is not worth it. Never fails.
   */
  clear(directory: string): Promise<void>;
  /** Ends them; they start again when they are needed. */
  close(): Promise<void>;
}

/** A thread has ended by itself: what it was asked to do is to be done without it. */
export class FileThreadLost extends Error {
  override readonly name = 'FileThreadLost';
}

/** A thread that works on many small files. What it is asked rejects with `FileThreadLost` when it has ended by itself. */
export interface FileThread {
  readonly isLost: boolean;
  /**
   * @param flags of `copyFile`.
   * @returns those of the copies where something was in the way, and those that were no longer as they were given.
   * @throws the first failure.
   */
  copy(copies: readonly FileCopy[], flags: number): Promise<CopiedBatch>;
  /**
   * Copies files to the same paths of another directory.
   * @returns indices of those where something was in the way.
   * @throws the first failure.
   */
  copyBelow(files: FilesBelow, places: Omit<TakenPlaces, 'largeBytes'>, flags: number): Promise<readonly number[]>;
  /**
   * Looks at files and copies those that give no trouble.
   * @param paths relative to `places.root` and to `places.target`, whose directories are made.
   * @returns for each what `stampedEntry` takes; no file where it was not copied, for whatever reason.
   */
  take(paths: readonly string[], places: TakenPlaces, flags: number): Promise<Float64Array>;
  /** Makes hard links. @returns indices of those that could not be made, for whatever reason. */
  link(links: readonly FileLink[]): Promise<readonly number[]>;
  /** See `FileThreads.clear`. @param from at which end of each directory to begin. */
  clear(directory: string, from: 'start' | 'end'): Promise<void>;
  close(): Promise<void>;
}

/** Files by their paths below a directory. */
export interface FilesBelow {
  /** With a zero byte between them. */
  readonly paths: string;
  /** Of modification, milliseconds since the Unix epoch. */
  readonly times: Float64Array;
}

/** Where files are taken from and where they go. */
export interface TakenPlaces {
  /** Absolute. */
  readonly root: string;
  /** Absolute; nothing may be in it yet that was not taken. */
  readonly target: string;
  /** Larger files are left. */
  readonly largeBytes: number;
}

/** Indices into the batch. */
export interface CopiedBatch {
  readonly blocked: readonly number[];
  readonly torn: readonly number[];
}

/** A thread costs some 40 ms to start, a small file some 25 µs to copy. */
export const worthThreads = 3000;
/** What waits to be copied meanwhile waits some 3 ms. */
const clearedAtOnce = 300;

/** @param count how many. */
export function fileThreads(count: number): FileThreads {
  let threads: readonly FileThread[] | undefined;
  const get = (): readonly FileThread[] => {
    threads ??= startThreads(count);
    return threads.filter(({ isLost }) => !isLost);
  };
  return {
    expect: (files) => {
      if (files >= worthThreads) get();
    },
    get,
    clear: async (directory) => {
      const clearing = threads
        ?.slice(0, 2)
        .map((thread, index) => thread.clear(directory, index === 0 ? 'start' : 'end'));
      await Promise.allSettled(clearing ?? []);
    },
    close: async () => {
      const running = threads ?? [];
      threads = undefined;
      await Promise.all(running.map((thread) => thread.close()));
    },
  };
}

function startThreads(count: number): readonly FileThread[] {
  const started: FileThread[] = [];
  try {
    while (started.length < count) started.push(fileThread());
  } catch {
    // Where no more threads are allowed (`ulimit -u`, a container's pids) those that are there have to do.
  }
  return started;
}

type Answer = { readonly id: number } & Partial<CopiedBatch> & {
    readonly failure?: { readonly message: string };
    readonly stamps?: Float64Array;
    readonly failed?: readonly number[];
    readonly isOver?: boolean;
  };

function fileThread(): FileThread {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(fileWorkerCode)}`), {
    env: {},
    execArgv: [],
  });
  const waiting = new Map<number, { resolve(answer: Answer): void; reject(error: unknown): void }>();
  let lastId = 0;
  let lost: FileThreadLost | undefined;
  const failAll = (error: unknown): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const lose = (cause?: unknown): void => {
    lost ??= new FileThreadLost('a thread that works on files has ended', { cause });
    failAll(lost);
  };
  worker.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.resolve(answer);
    waiting.delete(answer.id);
  });
  worker.on('error', lose);
  worker.on('exit', () => lose());
  const ask = (order: object): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (lost !== undefined) throw lost;
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ ...order, id });
    });
  return {
    get isLost() {
      return lost !== undefined;
    },
    copyBelow: async ({ paths, times }, places, flags) => {
      const { failure, blocked = [] } = await ask({ ...places, paths, times, flags });
      if (failure) throw Object.assign(new Error(failure.message), failure);
      return blocked;
    },
    copy: async (copies, flags) => {
      const {
        failure,
        blocked = [],
        torn = [],
      } = await ask({
        paths: pathsOf(copies),
        times: numbersOf(copies, (copy) => copy.mtimeMs),
        changes: numbersOf(copies, (copy) => copy.ctimeMs ?? -1),
        sizes: numbersOf(copies, (copy) => copy.sizeBytes),
        modes: numbersOf(copies, (copy) => copy.mode ?? -1),
        flags,
      });
      if (failure) throw Object.assign(new Error(failure.message), failure);
      return { blocked, torn };
    },
    take: async (paths, places, flags) => {
      const { stamps } = await ask({ ...places, take: paths.join('\0'), flags });
      return stamps!;
    },
    link: async (links) => (await ask({ links: pathsOf(links) })).failed ?? [],
    clear: async (directory, from) => {
      const order = { clear: directory, backwards: from === 'end', most: clearedAtOnce };
      while ((await ask(order)).isOver === false);
    },
    close: async () => {
      failAll(new Error('the thread was stopped'));
      await worker.terminate();
    },
  };
}

function pathsOf(links: readonly FileLink[]): string {
  return links.map(({ from, to }) => `${from}\0${to}`).join('\0');
}

/** `Float64Array.from` takes several times as long. */
function numbersOf(copies: readonly FileCopy[], numberOf: (copy: FileCopy) => number): Float64Array {
  const numbers = new Float64Array(copies.length);
  for (let index = 0; index < copies.length; index++) numbers[index] = numberOf(copies[index]!);
  return numbers;
}
