import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';

/** What to start, with its complete environment. */
export interface ProcessStreamRequest {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Default: ours. */
  readonly directory?: string;
  /** Makes the error of a stream whose program failed; `said` is the end of what that wrote to standard error. */
  failure(said: string): Error;
}

/** How much of standard error is kept, characters. */
const keptSaid = 2000;

/**
 * A program's input and output as one stream, which an HTTP agent can take for a socket. It ends when the program has
 * ended, with an error if that failed; destroying it ends the program. The error of `spawn` is the stream's.
 */
export function openProcessStream(request: ProcessStreamRequest): Duplex {
  return new ProcessStream(request);
}

class ProcessStream extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;
  /** As a socket's. */
  bytesRead = 0;
  bytesWritten = 0;

  constructor({ argv, env, directory, failure }: ProcessStreamRequest) {
    super({ allowHalfOpen: true });
    const [file = '', ...args] = argv;
    // A session of its own: Ctrl-C is for us, who still have something to say over it. It ends with its input.
    const cwd = directory === undefined ? {} : { cwd: directory };
    const child = spawn(file, args, { env: { ...env }, stdio: 'pipe', detached: true, ...cwd });
    this.#child = child;
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-keptSaid);
    });
    child.stdout.on('data', (chunk: Buffer) => {
      this.bytesRead += chunk.length;
      if (!this.push(chunk)) child.stdout.pause();
    });
    // What it could not take is told by how it ends.
    child.stdin.on('error', () => {});
    child.once('error', (error) => this.destroy(error));
    child.once('close', (code) => {
      if (code === 0) this.push(null);
      else this.destroy(failure(said.trim()));
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Uint8Array, _: string, done: (error?: Error | null) => void): void {
    // An input that is closed already tells nothing that the program's end does not tell better.
    this.#child.stdin.write(chunk, () => {
      this.bytesWritten += chunk.length;
      done();
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#child.kill();
    done(error);
  }

  /** Methods of a socket that an HTTP agent calls. */
  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  /** Whether a program that waits keeps ours from ending. */
  ref(): this {
    return this.#each('ref');
  }

  unref(): this {
    return this.#each('unref');
  }

  #each(method: 'ref' | 'unref'): this {
    this.#child[method]();
    for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) {
      (stream as unknown as { readonly [name in typeof method]?: () => void })[method]?.();
    }
    return this;
  }
}
