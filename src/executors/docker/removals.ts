import { type Belongings, removeBelongings } from './belongings.ts';
import type { Engine } from './engine.ts';

/**
 * What is being removed in the background, with a time budget of its own: no job's signal and no timeout of a job ends
 * it.
 */
export class Removals {
  readonly #running = new Set<Promise<void>>();
  #hasFailed = false;

  /** Removes what a session made. May be called again when more of it has come. */
  add(engine: Engine, made: Belongings): void {
    this.#track(
      removeBelongings(engine, made).then((left) => {
        if (left.length > 0) this.#hasFailed = true;
      }),
    );
  }

  /** What was removed may be there all the same. */
  doubt(): void {
    this.#hasFailed = true;
  }

  /** Waits for somebody else's removal too; that it fails means nothing for us. */
  addSweep(sweep: Promise<unknown>): void {
    this.#track(sweep.then(() => {}).catch(() => {}));
  }

  /**
   * Waits until nothing is being removed any more, or the time is over.
   * @returns is everything gone that was to go?
   */
  async finish(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), timeoutMs);
    });
    const end = await Promise.race([Promise.all(this.#running), late]);
    clearTimeout(timer);
    return end !== 'late' && !this.#hasFailed;
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch(() => {
        this.#hasFailed = true;
      })
      .finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }
}
