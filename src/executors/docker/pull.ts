import type { Readable } from 'node:stream';
import type { ImageName } from '../../model/image-name.ts';
import type { PullProgress } from '../../model/image-pull.ts';
import { formatDuration } from '../../util/duration.ts';
import { throttle } from '../../util/throttle.ts';
import { type Engine, statusOf } from './engine.ts';
import { type PullLine, type PullResult, pullFold } from './pull-progress.ts';
import { type PullTrouble, pullTrouble } from './pull-trouble.ts';
import { type RegistryLogin, secretsOf } from './registry-auth.ts';

/** How pulls are made at one engine. */
export interface PullSettings {
  readonly engine: Engine;
  /** Wait between tries after an error that may pass, milliseconds, up to a quarter more; doubles each time. */
  readonly retryDelayMs: number;
}

/** What is pulled. */
export interface PullOrder {
  readonly image: ImageName;
  readonly platform?: string;
  readonly login?: RegistryLogin;
}

/** Told while a pull goes on. */
export interface PullWatcher {
  /** At most four times a second. */
  progressed(progress: PullProgress): void;
  /** For people: a try failed, and another one comes. */
  triesAgain(text: string): void;
}

/** An image could not be pulled; the engine itself is well. */
export class PullFailure extends Error {
  readonly trouble: PullTrouble;

  constructor(trouble: PullTrouble) {
    super(trouble.reason);
    this.name = 'PullFailure';
    this.trouble = trouble;
  }
}

const mostTries = 3;
const progressEveryMs = 250;
/** Nobody wants to watch a job wait for longer because a registry says so. */
const longestWaitMs = 60_000;

/**
 * Pulls an image; what may pass (network, 429, 5xx) is tried three times in all, a refusal once.
 * @throws PullFailure; SystemError when the engine goes away.
 */
export async function pullImage(
  { engine, retryDelayMs }: PullSettings,
  order: PullOrder,
  watcher: PullWatcher,
  signal: AbortSignal,
): Promise<PullResult> {
  const { image, login } = order;
  for (let attempt = 1; ; attempt++) {
    try {
      return await pullOnce(engine, order, watcher, signal);
    } catch (error) {
      signal.throwIfAborted();
      // An answer of the engine has a status, a word of its stream has no code: all else is the connection to it.
      if (statusOf(error) === undefined && (error as { code?: unknown }).code !== undefined) {
        throw engine.failure(`pull image ${image.text}`, error);
      }
      const trouble = pullTrouble(error, image.text, login === undefined ? [] : secretsOf(login));
      const waitMs = waitBefore(attempt, retryDelayMs, trouble);
      if (attempt === mostTries || !trouble.mayPass || waitMs > longestWaitMs) throw new PullFailure(trouble);
      const wait = formatDuration(waitMs);
      watcher.triesAgain(`pulling ${image.text}: ${trouble.reason}; try ${attempt + 1} of ${mostTries} in ${wait}`);
      await pause(waitMs, signal);
    }
  }
}

/** Jobs that failed together shall not come back together. */
function waitBefore(attempt: number, delayMs: number, { retryAfterMs = 0 }: PullTrouble): number {
  return Math.max(retryAfterMs, delayMs * 2 ** (attempt - 1)) * (1 + Math.random() / 4);
}

async function pullOnce(
  engine: Engine,
  { image, platform, login }: PullOrder,
  watcher: PullWatcher,
  signal: AbortSignal,
): Promise<PullResult> {
  const stream = (await engine.api.pull(image.text, {
    ...(login === undefined ? {} : { authconfig: login.auth }),
    ...(platform === undefined ? {} : { platform }),
    abortSignal: signal,
  })) as Readable;
  const stop = (): void => {
    stream.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await readProgress(stream, watcher);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function readProgress(stream: Readable, watcher: PullWatcher): Promise<PullResult> {
  const fold = pullFold();
  using telling = throttle(progressEveryMs, () => watcher.progressed(fold.now()));
  let rest = '';
  const take = (line: string): void => {
    if (line.trim() === '') return;
    const told = JSON.parse(line) as PullLine;
    if (told.error !== undefined) throw new Error(told.error);
    fold.take(told);
  };
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop()!;
    for (const line of lines) take(line);
    telling.touch();
  }
  take(rest);
  return fold.finish();
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
