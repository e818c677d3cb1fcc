import type { ResourceLocks } from '../model/ports.ts';

interface Request {
  readonly granted: (held: AsyncDisposable | undefined) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * One job at a time in each resource group: within this run in the order of asking, between runs by the locks.
 * Source: https://docs.gitlab.com/ci/resource_groups/ (process mode `unordered`)
 */
export class ResourceGroups {
  readonly #locks: ResourceLocks | undefined;
  readonly #signal: AbortSignal;
  readonly #queues = new Map<string, Request[]>();

  /** @param signal aborted: waiting for locks of other runs ends with an error. */
  constructor(locks: ResourceLocks | undefined, signal: AbortSignal) {
    this.#locks = locks;
    this.#signal = signal;
  }

  /** Is a job of this run in the group, or waiting for it? */
  isBusy(name: string): boolean {
    return this.#queues.has(name);
  }

  /** Calls back when the group is free, at once if it is (and there are no locks to ask). */
  request(name: string, request: Request): void {
    const queue = this.#queues.get(name);
    if (queue !== undefined) {
      queue.push(request);
      return;
    }
    this.#queues.set(name, []);
    this.#acquire(name, request);
  }

  /** Hands the group on. Resolves when the lock is free for other runs. */
  async release(name: string, held: AsyncDisposable | undefined): Promise<void> {
    const next = this.#queues.get(name)?.shift();
    if (next === undefined) this.#queues.delete(name);
    else if (this.#locks === undefined) next.granted(undefined);
    await held?.[Symbol.asyncDispose]();
    if (next !== undefined && this.#locks !== undefined) this.#acquire(name, next);
  }

  #acquire(name: string, request: Request): void {
    if (this.#locks === undefined) request.granted(undefined);
    else this.#locks.acquire(name, this.#signal).then(request.granted, request.failed);
  }
}
