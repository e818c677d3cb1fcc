import type { Readable } from 'node:stream';
import { SystemError } from '../../model/outcome.ts';
import type { PullPolicy } from '../../model/pipeline.ts';
import type { Engine } from './engine.ts';
import { shortReason, statusOf } from './engine.ts';
import { type RegistryAuth, registryAuth } from './registry-auth.ts';

/** What a pull needs besides the image's name. */
export interface PullSettings {
  readonly engine: Engine;
  /** Docker's configuration directory, for credentials. */
  readonly configDirectory: string;
  /** Wait between tries after an error that may pass, milliseconds; doubles each time. */
  readonly retryDelayMs: number;
}

/** `node` → `node:latest`: an engine asked for a name without tag would pull every tag. */
export function withTag(image: string): string {
  if (image.includes('@') || /^(sha256:)?[0-9a-f]{64}$/.test(image)) return image;
  return /:[^/]+$/.test(image) ? image : `${image}:latest`;
}

/**
 * Pulls an image; errors that may pass (network, 429, 5xx) are tried three times in all, refusals once.
 * @throws the last error.
 */
export async function pullImage(
  settings: PullSettings,
  image: string,
  platform: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const auth = await registryAuth(image, settings.configDirectory);
  for (let attempt = 1; ; attempt++) {
    try {
      await pullOnce(settings.engine, image, platform, auth, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (attempt === 3 || !mayPass(error)) throw error;
      await pause(settings.retryDelayMs * 2 ** (attempt - 1), signal);
    }
  }
}

/** The error of an image that can't be had with any of the allowed policies. */
export function pullFailure(
  image: string,
  engine: Engine,
  failures: readonly { readonly policy: PullPolicy; readonly reason: string }[],
): SystemError {
  const reasons = failures.map(({ policy, reason }) => `${policy}: ${reason}`).join('; ');
  return new SystemError('image_pull_failure', `image \`${image}\` can't be had from ${engine.text}: ${reasons}`, {
    hint: failures.every(({ policy }) => policy === 'never')
      ? 'pull or build the image first, or allow pulling: `--pull if-not-present`'
      : 'check the image name, the network and `docker login`',
  });
}

async function pullOnce(
  engine: Engine,
  image: string,
  platform: string | undefined,
  auth: RegistryAuth | undefined,
  signal: AbortSignal,
): Promise<void> {
  const stream = (await engine.api.pull(image, {
    ...(auth === undefined ? {} : { authconfig: auth }),
    ...(platform === undefined ? {} : { platform }),
    abortSignal: signal,
  })) as Readable;
  const stop = (): void => {
    stream.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    await readProgress(stream);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function readProgress(stream: Readable): Promise<void> {
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop()!;
    for (const line of lines) throwIfError(line);
  }
  throwIfError(rest);
}

function throwIfError(line: string): void {
  if (!line.includes('"error"')) return;
  const { error } = JSON.parse(line) as { error?: string };
  if (error !== undefined) throw new Error(error);
}

function mayPass(error: unknown): boolean {
  const text = shortReason(error).toLowerCase();
  if (
    /denied|unauthorized|authentication|not found|manifest unknown|no basic auth|does not exist|invalid reference/.test(
      text,
    )
  ) {
    return false;
  }
  const status = statusOf(error);
  return status === undefined || status === 429 || status >= 500;
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
