import type { ImageName } from '../../model/image-name.ts';
import type { PullProgress } from '../../model/image-pull.ts';
import { unlessAborted } from '../../util/unless-aborted.ts';
import type { Engine } from './engine.ts';
import { type ImageFacts, inspectImage } from './image-facts.ts';
import { PullFailure, type PullOrder, type PullSettings, type PullWatcher, pullImage } from './pull.ts';
import { noProgress, type PullResult } from './pull-progress.ts';

/** A pull that is over, and what it brought; without facts the engine does not know of it. */
export interface PulledImage extends PullResult {
  readonly facts: ImageFacts | undefined;
}

interface SharedPull {
  readonly done: Promise<PulledImage>;
  readonly watchers: Set<PullWatcher>;
  readonly controller: AbortController;
  progress: PullProgress;
}

/** One pull for all jobs that want an image at the same time, with the same login. */
export class SharedPulls {
  readonly #settings: PullSettings;
  readonly #pulls = new Map<string, SharedPull>();
  readonly #pulled: (key: string, facts: ImageFacts) => void;

  /** @param pulled told of what a pull brought, before it counts as over. */
  constructor(settings: PullSettings, pulled: (key: string, facts: ImageFacts) => void) {
    this.#settings = settings;
    this.#pulled = pulled;
  }

  /**
   * Joins the pull that is under way, or begins one; it is given up when the last of its jobs is.
   * @throws as `pullImage`, or the signal's reason.
   */
  async pull(order: PullOrder, watcher: PullWatcher, signal: AbortSignal): Promise<PulledImage> {
    signal.throwIfAborted();
    const pull = this.#join(order);
    pull.watchers.add(watcher);
    if (pull.progress.layersTotal > 0) watcher.progressed(pull.progress);
    try {
      return await unlessAborted(pull.done, signal);
    } finally {
      pull.watchers.delete(watcher);
      if (pull.watchers.size === 0) pull.controller.abort();
    }
  }

  async #pull(order: PullOrder, watcher: PullWatcher, signal: AbortSignal): Promise<PulledImage> {
    const { engine } = this.#settings;
    const { image, platform } = order;
    const result = await pullImage(this.#settings, order, watcher, signal);
    const facts = (await inspectImage(engine, image, platform)) ?? (await otherPlatform(engine, image, platform));
    if (facts !== undefined) this.#pulled(imageKey(order), facts);
    return { ...result, facts };
  }

  #join(order: PullOrder): SharedPull {
    // Another login is another right to the image.
    const key = JSON.stringify([order.image.text, order.platform, order.login?.auth]);
    const known = this.#pulls.get(key);
    if (known !== undefined && !known.controller.signal.aborted) return known;
    const controller = new AbortController();
    const watchers = new Set<PullWatcher>();
    const toAll: PullWatcher = {
      progressed: (progress) => {
        pull.progress = progress;
        for (const watcher of watchers) watcher.progressed(progress);
      },
      triesAgain: (text) => {
        for (const watcher of watchers) watcher.triesAgain(text);
      },
    };
    const done = this.#pull(order, toAll, controller.signal).finally(() => {
      if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
    });
    done.catch(() => {});
    const pull: SharedPull = { done, watchers, controller, progress: noProgress };
    this.#pulls.set(key, pull);
    return pull;
  }
}

/**
 * What there is under a name that is not there for the platform that was pulled. A list of images is searched by the
 * registry's client, but a single one comes whatever it is made for.
 * @throws PullFailure that names what it is made for.
 */
async function otherPlatform(
  engine: Engine,
  image: ImageName,
  platform: string | undefined,
): Promise<ImageFacts | undefined> {
  const facts = platform === undefined ? undefined : await inspectImage(engine, image, undefined);
  if (facts === undefined || (await keepsSeveralPlatforms(engine))) return facts;
  const reason = `it is made for ${facts.platform}, not for ${platform}`;
  throw new PullFailure({ kind: 'platform', reason, mayPass: false });
}

/** Does the engine keep images as containerd does? Then it may tell of one platform's while it has the other's too. */
async function keepsSeveralPlatforms(engine: Engine): Promise<boolean> {
  const { DriverStatus } = (await engine.api.info()) as { readonly DriverStatus?: unknown };
  return JSON.stringify(DriverStatus ?? []).includes('io.containerd.snapshotter');
}

/** What an image is known by in a run. */
export function imageKey({ image, platform }: Pick<PullOrder, 'image' | 'platform'>): string {
  return `${image.text} ${platform ?? ''}`;
}
