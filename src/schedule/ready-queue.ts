import { deferred } from '../util/deferred.ts';

/** Jobs that may start now, handed out in the order in which they came, in the same tick if somebody waits. */
export class ReadyQueue<T> {
  readonly #items: T[] = [];
  readonly #takers: ((item: T | undefined) => void)[] = [];
  #closed: { readonly error?: unknown } | undefined;

  push(item: T): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#items.push(item);
    else taker(item);
  }

  /**
   * Resolves with the next item for which `wanted` holds (others are dropped); with undefined when the queue is
   * closed or `signal` aborted. Rejects when the queue was closed by an error.
   */
  take(signal: AbortSignal, wanted: (item: T) => boolean): Promise<T | undefined> {
    if (this.#closed !== undefined) return this.#ended();
    if (signal.aborted) return Promise.resolve(undefined);
    for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift()) {
      if (wanted(item)) return Promise.resolve(item);
    }
    const taken = deferred<T | undefined>();
    const taker = (item: T | undefined): void => {
      signal.removeEventListener('abort', leave);
      if (item !== undefined) taken.resolve(item);
      else this.#ended().then(taken.resolve, taken.reject);
    };
    const leave = (): void => {
      this.#takers.splice(this.#takers.indexOf(taker), 1);
      taken.resolve(undefined);
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#takers.push(taker);
    return taken.promise;
  }

  /** Nothing comes any more: everybody who waits is told. The first call counts. */
  close(failure?: { readonly error: unknown }): void {
    this.#closed ??= failure ?? {};
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #ended(): Promise<undefined> {
    return this.#closed !== undefined && 'error' in this.#closed
      ? Promise.reject(this.#closed.error)
      : Promise.resolve(undefined);
  }
}
