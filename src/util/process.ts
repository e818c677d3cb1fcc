import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { deferred } from './deferred.ts';
import { monotonicMs } from './monotonic.ts';

/** How a process ended; every member is one of the model's `Exit`. */
export type ProcessEnd =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string };

/** Turns an exit as Node tells it into ours. */
export function processEnd(code: number | null, signal: string | null): ProcessEnd {
  return signal === null ? { kind: 'code', code: code ?? 0 } : { kind: 'signal', signal };
}

/** Takes output; nothing more is read until the promise resolves. */
export type TakeBytes = (bytes: Uint8Array) => Promise<void>;

/** A program to start, without a shell and in a process group of its own. `directory` is absolute. */
export interface ProcessRequest {
  readonly file: string;
  readonly args: readonly string[];
  readonly directory: string;
  /** The complete environment; nothing of our own is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Fed to standard input, which is closed after it. */
  readonly stdin: string;
  readonly stdout: TakeBytes;
  readonly stderr: TakeBytes;
}

/** A process that has started; its end is told, but nothing ends it by itself: see `killGroup`. */
export interface RunningProcess {
  /** Also the id of the process group, which no other process of ours is in. */
  readonly pid: number;
  /**
   * Resolves when the process itself has exited and all that it wrote has been taken. A child that holds the pipes
   * open does not delay it; what such a child writes later is thrown away. Rejects with the error of a sink.
   */
  readonly ended: Promise<ProcessEnd>;
}

/** Kills a process that `startProcess` started, with its group; it may have ended. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

/** How long the pipes must be silent after the exit while a child holds them. */
const silenceMs = 50;
/** More than pipes and buffers hold: what comes after it was not written by the process that has exited. */
const mostBuffered = 4 << 20;
/** So long all in all it is waited after the exit for a child that writes a little again and again. */
const longestWaitMs = 2000;

/**
 * Starts a process as leader of a new session and process group. Its output goes through sockets, as Node makes them:
 * it can't open `/dev/stdout` or `/dev/stderr`, see `startPipedProcess`.
 * @throws the error of `spawn` (ENOENT, EACCES, E2BIG …) as a rejected promise.
 */
export async function startProcess(request: ProcessRequest): Promise<RunningProcess> {
  const child = spawn(request.file, request.args, {
    cwd: request.directory,
    env: { ...request.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const exit = deferred<ProcessEnd>();
  child.once('exit', (code, signal) => exit.resolve(processEnd(code, signal)));
  if (child.pid === undefined) await new Promise((_, reject) => child.once('error', reject));
  child.on('error', () => {});
  const ended = takeOutput(child, exit.promise, request);
  ended.catch(() => {});
  // A process that ends before it has read everything closes the pipe: that is its right.
  child.stdin.on('error', () => {});
  child.stdin.end(request.stdin);
  return { pid: child.pid!, ended };
}

/**
 * Moves what a process writes to its sinks.
 * @returns as `RunningProcess.ended`.
 */
export async function takeOutput(
  streams: { readonly stdout: Readable; readonly stderr: Readable },
  exited: Promise<ProcessEnd>,
  sinks: Pick<ProcessRequest, 'stdout' | 'stderr'>,
): Promise<ProcessEnd> {
  const stdout = new Pump(streams.stdout, sinks.stdout);
  const stderr = new Pump(streams.stderr, sinks.stderr);
  const failed = Promise.race([stdout.failed, stderr.failed]);
  const end = await Promise.race([failed, exited]);
  await Promise.race([failed, Promise.all([stdout.drained(), stderr.drained()])]);
  return end;
}

/** Moves chunks from a pipe to a sink, one at a time, and knows when nothing of a process that exited is left. */
class Pump {
  readonly failed: Promise<never>;
  readonly #stream: Readable;
  readonly #take: TakeBytes;
  readonly #failure = deferred<never>();
  readonly #over = deferred();
  /** At most one chunk, but for the moment of the exit, when Node makes the pipe flow whether paused or not. */
  readonly #waiting: Uint8Array[] = [];
  #taking = false;
  #takenSinceExit = 0;
  #exited = false;
  #timer: NodeJS.Timeout | undefined;
  #waitingSince = 0;
  /** What the sink takes for itself does not count. */
  #waitedMs = 0;

  constructor(stream: Readable, take: TakeBytes) {
    this.#stream = stream;
    this.#take = take;
    this.failed = this.#failure.promise;
    this.failed.catch(() => {});
    stream.on('data', (chunk: Uint8Array) => {
      stream.pause();
      this.#waiting.push(chunk);
      if (!this.#taking) this.#takeNext();
    });
    for (const event of ['close', 'end', 'error']) stream.on(event, () => this.#end());
  }

  /** Called once the process has exited: resolves when everything that it wrote has been taken. */
  drained(): Promise<void> {
    this.#exited = true;
    if (!this.#taking) this.#waitForSilence();
    return this.#over.promise;
  }

  #takeNext(): void {
    if (this.#timer !== undefined) this.#waitedMs += monotonicMs() - this.#waitingSince;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const chunk = this.#waiting.shift()!;
    this.#taking = true;
    this.#take(chunk).then(
      () => this.#taken(chunk.length),
      (error: unknown) => {
        this.#failure.reject(error);
        this.#letGo();
      },
    );
  }

  #taken(bytes: number): void {
    this.#taking = false;
    if (this.#exited) this.#takenSinceExit += bytes;
    if (this.#waiting.length > 0) this.#takeNext();
    else if (this.#stream.readableEnded || this.#stream.destroyed) this.#over.resolve();
    else if (this.#takenSinceExit > mostBuffered || this.#waitedMs > longestWaitMs) this.#letGo();
    else {
      if (this.#exited) this.#waitForSilence();
      this.#stream.resume();
    }
  }

  #end(): void {
    clearTimeout(this.#timer);
    if (!this.#taking) this.#over.resolve();
  }

  #waitForSilence(): void {
    clearTimeout(this.#timer);
    this.#waitingSince = monotonicMs();
    // The timer may be late and overtake data that wait to be read: let the event loop read once more.
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      setImmediate(() => {
        if (!this.#taking && this.#timer === undefined) this.#letGo();
      });
    }, silenceMs);
  }

  /** Whoever still holds the pipe may write on; nobody listens, and we do not stay alive for it. */
  #letGo(): void {
    clearTimeout(this.#timer);
    this.#stream.removeAllListeners('data');
    this.#stream.on('data', () => {});
    this.#stream.resume();
    const socket: Readable & { unref?: () => void } = this.#stream;
    socket.unref?.();
    this.#over.resolve();
  }
}
