import type { Writable } from 'node:stream';

/** Where a reporter writes: a terminal, a pipe, a file, or a string in a test. */
export interface Output {
  readonly isTTY: boolean;
  /** Width of the terminal in columns as of now; undefined where there is none. */
  readonly columns: number | undefined;
  /** Height of the terminal in lines as of now. */
  readonly rows: number | undefined;
  /** Takes text or bytes at once. Never throws; after the reader has gone away it does nothing. */
  write(content: string | Uint8Array): void;
  /**
   * Backpressure: resolves when what was written has mostly been taken. The composition root's LogSink awaits it
   * after every chunk, so that a slow terminal slows the job down and memory stays bounded.
   */
  ready(): Promise<void>;
}

/** A writable stream that may be a terminal: `process.stdout` and its like. */
export type TerminalStream = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

const readyNow = Promise.resolve();

/**
 * An Output on a stream. A reader that went away (EPIPE) silences it; any other error of the stream is given to
 * `onError` once, if there is one.
 */
export function streamOutput(stream: TerminalStream, onError?: (error: Error) => void): Output {
  let broken = false;
  let drained: Promise<void> | undefined;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (broken) return;
    broken = true;
    if (error.code !== 'EPIPE') onError?.(error);
  });
  const whenDrained = (): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        for (const name of ['drain', 'error', 'close'] as const) stream.off(name, done);
        drained = undefined;
        resolve();
      };
      for (const name of ['drain', 'error', 'close'] as const) stream.on(name, done);
    });
  return {
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.columns;
    },
    get rows() {
      return stream.rows;
    },
    write(content) {
      if (broken || stream.destroyed || content.length === 0) return;
      if (!stream.write(content)) drained ??= whenDrained();
    },
    ready: () => (broken || stream.destroyed ? readyNow : (drained ?? readyNow)),
  };
}

/** An Output that keeps all that was written, for tests and for documents made in memory. */
export interface MemoryOutput extends Output {
  /** Everything written so far, as bytes. */
  bytes(): Buffer;
  /** Everything written so far, decoded as UTF-8. */
  text(): string;
}

/** Makes a MemoryOutput; `columns` and `rows` make it a terminal. */
export function memoryOutput(size?: { readonly columns: number; readonly rows: number }): MemoryOutput {
  const chunks: Buffer[] = [];
  return {
    isTTY: size !== undefined,
    columns: size?.columns,
    rows: size?.rows,
    write(content) {
      chunks.push(typeof content === 'string' ? Buffer.from(content) : Buffer.from(content));
    },
    ready: () => Promise.resolve(),
    bytes: () => Buffer.concat(chunks),
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}
