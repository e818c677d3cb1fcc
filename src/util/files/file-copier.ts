import { chmodSync, constants, copyFile, copyFileSync, lstatSync, utimesSync } from 'node:fs';
import { errorCode } from './file-problem.ts';
import {
  type FileCopy,
  type FileThread,
  FileThreadLost,
  type FileThreads,
  fileThreads,
  worthThreads,
} from './file-threads.ts';
import { inFlight } from './in-flight.ts';
import { removeTree } from './remove-tree.ts';
import { timeSlices } from './time-slice.ts';

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

/** Larger ones go through the thread pool, so that no synchronous call lasts long. */
export const largeBytes = 512 * 1024;
const batchSize = 256;
/** Of `copyFile`: by reflink where that goes, and never over what is there. */
export const copyFlags = constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL;

/**
 * @param options.concurrency threads that copy at once.
 * @param options.expectedFiles how many are about to come; few are copied on this thread, in time slices.
 */
export function fileCopier(options: {
  readonly concurrency: number;
  readonly expectedFiles: number;
  readonly signal?: AbortSignal;
  /** Threads that are shared with other copiers. */
  readonly threads?: FileThreads;
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
    copyFile(copy.from, copy.to, copyFlags, (error) => {
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
        copyFileSync(copy.from, copy.to, copyFlags);
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

function threadedCopier(options: {
  readonly concurrency: number;
  readonly signal?: AbortSignal;
  readonly threads?: FileThreads;
}): FileCopier {
  const own = options.threads === undefined ? fileThreads(options.concurrency) : undefined;
  const threads = (options.threads ?? own!).get();
  if (threads.length === 0) return slicedCopier(options.signal);
  const flight = inFlight(threads.length * 2);
  const torn: FileCopy[] = [];
  let batch: FileCopy[] = [];
  let next = 0;
  const flush = (): Promise<void> | undefined => {
    flight.throwIfFailed();
    if (batch.length === 0) return undefined;
    const copies = batch;
    batch = [];
    return flight.run(copyBatch(threads[next++ % threads.length]!, copies, torn));
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

/** @param torn gets those that were no longer as they were given. */
async function copyBatch(thread: FileThread, copies: readonly FileCopy[], torn: FileCopy[]): Promise<void> {
  const result = await thread.copy(copies, copyFlags).catch((error: unknown) => {
    if (!(error instanceof FileThreadLost)) throw error;
    // It may have made some of them.
    return { blocked: copies.map((_, index) => index), torn: [] };
  });
  for (const index of result.torn) torn.push(copies[index]!);
  for (const index of result.blocked) {
    const copy = copies[index]!;
    await copyReplacing(copy);
    if (isTorn(copy)) torn.push(copy);
  }
}
