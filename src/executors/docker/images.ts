import type { Image, PullPolicy } from '../../model/pipeline.ts';
import type { LogSink } from '../../model/ports.ts';
import { shortReason, statusOf } from './engine.ts';
import { type PullSettings, pullFailure, pullImage, withTag } from './pull.ts';

/** What is known about an image that the engine has. */
export interface ImageFacts {
  readonly id: string;
  /** As in the image's configuration; `''` is root. */
  readonly user: string;
  /** TCP ports that the image says it listens on, ascending. */
  readonly tcpPorts: readonly number[];
  /** The image's health check as its configuration has it: `CMD` or `CMD-SHELL`, then words. */
  readonly healthCheck?: readonly string[];
  /** Whether commands are started by a program of the image's. */
  readonly hasEntrypoint: boolean;
}

interface SharedPull {
  readonly done: Promise<void>;
  waiting: number;
  readonly controller: AbortController;
}

/** Images of one engine during one run: pulled as the policies say, several jobs sharing one pull. */
export class Images {
  readonly #settings: PullSettings;
  readonly #defaultPolicy: PullPolicy;
  readonly #facts = new Map<string, ImageFacts>();
  readonly #pulls = new Map<string, SharedPull>();

  constructor(settings: PullSettings, defaultPolicy: PullPolicy) {
    this.#settings = settings;
    this.#defaultPolicy = defaultPolicy;
  }

  /**
   * Makes sure that the engine has the image. Policies are tried in order.
   * @throws SystemError image_pull_failure.
   */
  async ensure(image: Image, out: LogSink, signal: AbortSignal): Promise<ImageFacts> {
    const name = withTag(image.name);
    const key = `${name} ${image.platform ?? ''}`;
    const policies = image.pullPolicy?.length ? image.pullPolicy : [this.#defaultPolicy];
    const failures: { policy: PullPolicy; reason: string }[] = [];
    for (const policy of policies) {
      signal.throwIfAborted();
      if (policy !== 'always' || /^(sha256:)?[0-9a-f]{64}$/.test(name)) {
        const facts = this.#facts.get(key) ?? (await this.#inspect(name));
        if (facts !== undefined) {
          this.#facts.set(key, facts);
          return facts;
        }
        if (policy !== 'if-not-present') {
          failures.push({ policy, reason: 'the engine does not have it' });
          continue;
        }
      }
      try {
        await say(out, `Pulling docker image ${name} ...`);
        await this.#pull(name, image.platform, key, signal);
        const facts = await this.#inspect(name);
        if (facts === undefined) throw new Error('it was pulled, but the engine does not have it');
        this.#facts.set(key, facts);
        return facts;
      } catch (error) {
        signal.throwIfAborted();
        failures.push({ policy, reason: shortReason(error) });
      }
    }
    throw pullFailure(name, this.#settings.engine, failures);
  }

  async #inspect(name: string): Promise<ImageFacts | undefined> {
    try {
      const { Id, Config } = await this.#settings.engine.api.getImage(name).inspect();
      const config = Config as Partial<typeof Config> & { Healthcheck?: { Test?: readonly string[] } };
      const ports = Object.keys(config.ExposedPorts ?? {}).filter((port) => port.endsWith('/tcp'));
      const test = config.Healthcheck?.Test;
      const entrypoint = config.Entrypoint ?? [];
      return {
        id: Id,
        user: config.User ?? '',
        tcpPorts: ports.map((port) => Number.parseInt(port, 10)).sort((a, b) => a - b),
        ...(test === undefined || test[0] === 'NONE' ? {} : { healthCheck: test }),
        hasEntrypoint: entrypoint.length > 0,
      };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw this.#settings.engine.failure('look for the image', error);
    }
  }

  /** One pull for all jobs that want the image now; it is given up when the last of them is. */
  async #pull(name: string, platform: string | undefined, key: string, signal: AbortSignal): Promise<void> {
    let pull = this.#pulls.get(key);
    if (pull === undefined) {
      const controller = new AbortController();
      const done = pullImage(this.#settings, name, platform, controller.signal).finally(() => this.#pulls.delete(key));
      done.catch(() => {});
      pull = { done, waiting: 0, controller };
      this.#pulls.set(key, pull);
    }
    const shared = pull;
    shared.waiting++;
    let leave = (): void => {};
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(signal.reason);
    });
    signal.addEventListener('abort', leave, { once: true });
    try {
      await Promise.race([shared.done, left]);
    } finally {
      signal.removeEventListener('abort', leave);
      if (--shared.waiting === 0) shared.controller.abort();
    }
  }
}

/** Writes one line to a job's log. */
export function say(out: LogSink, line: string): Promise<void> {
  return out.write(Buffer.from(`${line}\n`));
}
