import { closeSync, createReadStream, mkdirSync, openSync, write, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../util/files/file-problem.ts';
import { writeFailure } from './system-failure.ts';

/** The part of an open file that a log needs; tests put a failing one in its place. */
export interface AppendHandle {
  write(bytes: Uint8Array): Promise<{ readonly bytesWritten: number }>;
  /** The same at once, for small chunks. @returns how many bytes were taken. */
  writeNow?(bytes: Uint8Array): number;
  close(): Promise<void>;
}

/** A job's log on disk. */
export interface LogFile {
  readonly path: string;
  /**
   * Writes in order, also of several writers. What is small is written at once (undefined). Rejects with a SystemError that
   * names the path (disk full).
   */
  write(bytes: Uint8Array): Promise<void> | undefined;
  /** Bytes taken so far: the offset at which the next chunk will lie. */
  readonly size: number;
  /** Waits for what is being written. */
  close(): Promise<void>;
}

/** For tests: how the file is opened. */
export interface OpenLogFileOptions {
  /** Default: opens the file for appending, for its owner alone, and makes its directory. */
  readonly openHandle?: (path: string) => Promise<AppendHandle>;
}

/** Up to this length a write costs less than handing it to a thread. */
const smallBytes = 16 * 1024;

const writeBytes = promisify(write);

async function openForAppending(path: string): Promise<AppendHandle> {
  const file = openMakingDirectory(path);
  return {
    write: (bytes) => writeBytes(file, bytes),
    writeNow: (bytes) => writeSync(file, bytes),
    close: async () => closeSync(file),
  };
}

function openMakingDirectory(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'a', 0o600);
  }
}

/** Opens (and makes) a log file for appending. @throws SystemError naming the path. */
export async function openLogFile(path: string, options: OpenLogFileOptions = {}): Promise<LogFile> {
  let handle: AppendHandle;
  try {
    handle = await (options.openHandle ?? openForAppending)(path);
  } catch (error) {
    throw writeFailure(path, error);
  }
  let size = 0;
  let underWay = 0;
  let last: Promise<void> = Promise.resolve();

  async function writeAll(bytes: Uint8Array): Promise<void> {
    // A file may take less than it was given, for example when the disk is nearly full.
    for (let rest = bytes; rest.length > 0; ) {
      const { bytesWritten } = await handle.write(rest);
      rest = rest.subarray(bytesWritten);
    }
  }
  async function writeLater(bytes: Uint8Array): Promise<void> {
    underWay++;
    const written = last.then(() => writeAll(bytes));
    // A chunk that failed is its writer's to hear of; the next one tries again.
    last = written.catch(() => {});
    try {
      await written;
    } catch (error) {
      throw writeFailure(path, error);
    } finally {
      underWay--;
    }
  }
  return {
    path,
    get size() {
      return size;
    },
    write(bytes) {
      size += bytes.length;
      if (underWay > 0 || bytes.length > smallBytes || handle.writeNow === undefined) return writeLater(bytes);
      try {
        for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(handle.writeNow(rest));
        return undefined;
      } catch (error) {
        return Promise.reject(writeFailure(path, error));
      }
    },
    async close() {
      await last;
      try {
        await handle.close();
      } catch (error) {
        throw writeFailure(path, error);
      }
    },
  };
}

/** Reads a log from disk in chunks, for reporters that print it when the job has ended. */
export type ReadLog = (path: string) => AsyncIterable<Uint8Array>;

/** The ReadLog of this machine's files. A file that is not there throws ENOENT while reading. */
export const readLogFile: ReadLog = (path) => createReadStream(path);
