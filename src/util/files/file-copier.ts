import { chmodSync, constants, copyFile, copyFileSync, lstatSync, utimesSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { copyWorkerCode } from './copy-worker.ts';
import { errorCode } from './file-problem.ts';
import { removeTree } from './remove-tree.ts';
import { timeSlices } from './time-slice.ts';

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

/** Copies many files, several at once. */
export interface FileCopier extends AsyncDisposable {
  /** Resolves when there is room for more, not when the file is copied. @throws the first failure so far. */
  add(copy: FileCopy): Promise<void> | undefined;
  /**
   * Resolves when all are copied, with those that were no longer as they were given afterwards.
   * @throws the first failure.
   */
  finish(): Promise<readonly FileCopy[]>;
}

/** A thread costs some 40 ms to start, a small file some 25 µs to copy. */
const worthThreads = 3000;
/** Larger ones go through the thread pool, so that no synchronous call lasts long. */
const largeBytes = 512 * 1024;
const batchSize = 256;
const flags = constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL;

/** Threads for several copiers: to start them takes longer than to copy a thousand files. */
export interface CopyThreads {
  /** Starts them when so many files are about to be copied, so that they are there when they are needed. */
  expect(files: number): void;
  /** As many as there are. */
  get(): readonly CopyThread[];
  /** Ends them; they start again when they are needed. */
  close(): Promise<void>;
}

/** @param count how many. */
export function copyThreads(count: number): CopyThreads {
  let threads: readonly CopyThread[] | undefined;
  const get = (): readonly CopyThread[] => {
    threads ??= Array.from({ length: count }, () => copyThread());
    return threads;
  };
  return {
    expect: (files) => {
      if (files >= worthThreads) get();
    },
    get,
    close: async () => {
      const running = threads ?? [];
      threads = undefined;
      await Promise.all(running.map((thread) => thread.close()));
    },
  };
}

/**
 * @param options.concurrency threads that copy at once.
 * @param options.expectedFiles how many are about to come; few are copied on this thread, in time slices.
 */
export function fileCopier(options: {
  readonly concurrency: number;
  readonly expectedFiles: number;
  readonly signal?: AbortSignal;
  /** Threads that are shared with other copiers. */
  readonly threads?: CopyThreads;
}): FileCopier {
  const large = largeCopier(options.concurrency);
  const small = options.expectedFiles < worthThreads ? slicedCopier(options.signal) : threadedCopier(options);
  return {
    add: (copy) => (copy.sizeBytes > largeBytes ? large : small).add(copy),
    finish: async () => [...(await small.finish()), ...(await large.finish())],
    [Symbol.asyncDispose]: async () => {
      await small[Symbol.asyncDispose]();
      await large[Symbol.asyncDispose]();
    },
  };
}

function finishFile({ to, mtimeMs, mode }: FileCopy): void {
  utimesSync(to, mtimeMs / 1000, mtimeMs / 1000);
  if (mode !== undefined) chmodSync(to, mode);
}

function isTorn({ from, ctimeMs, mtimeMs, sizeBytes }: FileCopy): boolean {
  if (ctimeMs === undefined) return false;
  const now = lstatSync(from, { throwIfNoEntry: false });
  return now?.ctimeMs !== ctimeMs || now.mtimeMs !== mtimeMs || now.size !== sizeBytes;
}

async function copyReplacing(copy: FileCopy): Promise<void> {
  await removeTree(copy.to);
  await copyAsync(copy);
}

function copyAsync(copy: FileCopy): Promise<void> {
  return new Promise((resolve, reject) => {
    copyFile(copy.from, copy.to, flags, (error) => {
      if (error) reject(error);
      else {
        try {
          finishFile(copy);
          resolve();
        } catch (caught) {
          reject(caught);
        }
      }
    });
  });
}

function slicedCopier(signal: AbortSignal | undefined): FileCopier {
  const breathe = timeSlices(signal);
  const torn: FileCopy[] = [];
  return {
    add: (copy) => {
      try {
        copyFileSync(copy.from, copy.to, flags);
      } catch (error) {
        if (errorCode(error) === 'EEXIST') return copyReplacing(copy);
        throw error;
      }
      finishFile(copy);
      if (isTorn(copy)) torn.push(copy);
      return breathe();
    },
    finish: () => Promise.resolve(torn),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Counts what is under way and keeps the first failure. */
function inFlight(most: number) {
  let running = 0;
  let failure: { readonly error: unknown } | undefined;
  const waiting: (() => void)[] = [];
  const throwIfFailed = (): void => {
    if (failure) throw failure.error;
  };
  const waitFor = async (limit: number): Promise<void> => {
    while (running > limit) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
    }
  };
  return {
    throwIfFailed,
    run: (work: Promise<void>): Promise<void> | undefined => {
      running++;
      const done = (): void => {
        running--;
        for (const wake of waiting.splice(0)) wake();
      };
      work.then(done, (error: unknown) => {
        failure ??= { error };
        done();
      });
      return running < most ? undefined : waitFor(most - 1).then(throwIfFailed);
    },
    idle: () => waitFor(0),
  };
}

function largeCopier(concurrency: number): FileCopier {
  const flight = inFlight(concurrency);
  const torn: FileCopy[] = [];
  const copyOne = async (copy: FileCopy): Promise<void> => {
    await copyAsync(copy).catch((error) => {
      if (errorCode(error) !== 'EEXIST') throw error;
      return copyReplacing(copy);
    });
    if (isTorn(copy)) torn.push(copy);
  };
  return {
    add: (copy) => {
      flight.throwIfFailed();
      return flight.run(copyOne(copy));
    },
    finish: async () => {
      await flight.idle();
      flight.throwIfFailed();
      return torn;
    },
    [Symbol.asyncDispose]: flight.idle,
  };
}

interface BatchResult {
  readonly id: number;
  readonly blocked: readonly number[];
  readonly torn: readonly number[];
  readonly failure?: { readonly message: string };
}

function threadedCopier(options: { readonly concurrency: number; readonly threads?: CopyThreads }): FileCopier {
  const own = options.threads === undefined ? copyThreads(options.concurrency) : undefined;
  const threads = (options.threads ?? own!).get();
  const flight = inFlight(threads.length * 2);
  const torn: FileCopy[] = [];
  let batch: FileCopy[] = [];
  let next = 0;
  const flush = (): Promise<void> | undefined => {
    flight.throwIfFailed();
    if (batch.length === 0) return undefined;
    const copies = batch;
    batch = [];
    return flight.run(threads[next++ % threads.length]!.copy(copies, torn));
  };
  return {
    add: (copy) => {
      batch.push(copy);
      return batch.length < batchSize ? undefined : flush();
    },
    finish: async () => {
      await flush();
      await flight.idle();
      flight.throwIfFailed();
      return torn;
    },
    [Symbol.asyncDispose]: async () => {
      await flight.idle();
      await own?.close();
    },
  };
}

interface CopyThread {
  /** @param torn gets those that were no longer as they were given. */
  copy(copies: readonly FileCopy[], torn: FileCopy[]): Promise<void>;
  close(): Promise<void>;
}

function copyThread(): CopyThread {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(copyWorkerCode)}`), {
    env: {},
    execArgv: [],
  });
  const waiting = new Map<number, { resolve(result: BatchResult): void; reject(error: unknown): void }>();
  let lastId = 0;
  worker.on('message', (result: BatchResult) => {
    waiting.get(result.id)?.resolve(result);
    waiting.delete(result.id);
  });
  worker.on('error', (error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  });
  return {
    copy: async (copies: readonly FileCopy[], torn: FileCopy[]): Promise<void> => {
      const id = ++lastId;
      const result = await new Promise<BatchResult>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        worker.postMessage({
          id,
          paths: copies.map((copy) => `${copy.from}\0${copy.to}`).join('\0'),
          times: Float64Array.from(copies, (copy) => copy.mtimeMs),
          changes: Float64Array.from(copies, (copy) => copy.ctimeMs ?? -1),
          sizes: Float64Array.from(copies, (copy) => copy.sizeBytes),
          modes: Int32Array.from(copies, (copy) => copy.mode ?? -1),
          flags,
        });
      });
      if (result.failure) throw Object.assign(new Error(result.failure.message), result.failure);
      for (const index of result.torn) torn.push(copies[index]!);
      for (const index of result.blocked) {
        await copyReplacing(copies[index]!);
        if (isTorn(copies[index]!)) torn.push(copies[index]!);
      }
    },
    close: async (): Promise<void> => {
      await worker.terminate();
      for (const { reject } of waiting.values()) reject(new Error('the copying thread was stopped'));
      waiting.clear();
    },
  };
}
