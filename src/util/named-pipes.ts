import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { errorCode } from './files/file-problem.ts';

/** A pipe whose writing end others open by name. */
export interface NamedPipe {
  /** Absolute path. */
  readonly path: string;
  /** Call when a writer has opened it: the name goes away, and what is written can be read, to the last writer's end. */
  read(): Readable;
  /** Nobody will write to it. */
  discard(): void;
}

/** Makes named pipes a few at a time: Node can't, and a program for each would cost more than what is read from it. */
export interface NamedPipes {
  /** @returns undefined where pipes can't be made. */
  take(): Promise<NamedPipe | undefined>;
  /** Resolves when no more pipes are being made. */
  close(): Promise<void>;
}

const firstBatch = 16;
const laterBatch = 256;

/**
 * @param options.directory absolute; made when it is missing; whoever made it removes it.
 * @param options.path the user's `PATH`, in which `mkfifo` is looked for.
 */
export function namedPipes(options: { readonly directory: string; readonly path: string }): NamedPipes {
  const free: string[] = [];
  let made = 0;
  let making: Promise<void> | undefined;

  const make = async (): Promise<void> => {
    const names = Array.from({ length: made === 0 ? firstBatch : laterBatch }, () => String(++made));
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    const paths = names.map((name) => join(options.directory, name));
    if (await mkfifo(paths, options.path)) free.push(...paths);
  };
  /** Where it does not work it is not tried again. */
  const makeMore = (): Promise<void> => {
    making ??= make()
      .catch(() => {})
      .finally(() => {
        if (free.length > 0) making = undefined;
      });
    return making;
  };

  // Soon somebody wants the first ones.
  void makeMore();
  return {
    close: async () => {
      await making;
    },
    take: async () => {
      for (let tries = 0; tries < 2; tries++) {
        if (free.length === 0) await makeMore();
        const path = free.shift();
        if (path === undefined) return undefined;
        if (free.length < firstBatch / 4) void makeMore();
        const pipe = openPipe(path);
        if (pipe !== undefined) return pipe;
        // Somebody has removed the directory: none of them is there any more.
        free.length = 0;
      }
      return undefined;
    },
  };
}

/** @returns undefined: it is gone. */
function openPipe(path: string): NamedPipe | undefined {
  const descriptor = openToRead(path);
  if (descriptor === undefined) return undefined;
  return {
    path,
    read: () => {
      remove(path);
      return new Socket({ fd: descriptor, readable: true, writable: false });
    },
    discard: () => {
      remove(path);
      closeSync(descriptor);
    },
  };
}

/** Does not wait for a writer, so that a writer need not wait for a reader. */
function openToRead(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The whole directory goes in the end.
  }
}

/** Whether they could be made. */
function mkfifo(paths: readonly string[], path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('mkfifo', ['-m', '600', ...paths], { cwd: '/', env: { PATH: path }, stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}
