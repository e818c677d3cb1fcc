import { type FileLink, type FileThread, FileThreadLost, type FileThreads } from './file-threads.ts';
import { inFlight } from './in-flight.ts';

/** Makes many hard links, several at once. */
export interface LinkBatches<Link> extends AsyncDisposable {
  /** Resolves when there is room for more, not when the link is made. @throws the first failure so far. */
  add(link: Link): Promise<void> | undefined;
  /** Resolves to how many were linked when all is done. @throws the first failure. */
  finish(): Promise<number>;
}

const batchSize = 256;

/** @param otherwise does what is to be done where a link could not be made, for whatever reason. */
export function linkBatches<Link extends { readonly from: string; readonly to: string }>(
  threads: FileThreads,
  otherwise: (link: Link) => Promise<void> | undefined,
): LinkBatches<Link> {
  const running = threads.get();
  const flight = inFlight(Math.max(1, running.length) * 2);
  let batch: Link[] = [];
  let next = 0;
  let linked = 0;
  const flush = (): Promise<void> | undefined => {
    flight.throwIfFailed();
    const links = batch;
    batch = [];
    const thread = running[next++ % running.length];
    const work = async (): Promise<void> => {
      const failed = await linkBy(thread, links);
      linked += links.length - failed.length;
      for (const index of failed) await otherwise(links[index]!);
    };
    return flight.run(work());
  };
  return {
    add: (link) => {
      batch.push(link);
      return batch.length < batchSize ? undefined : flush();
    },
    finish: async () => {
      if (batch.length > 0) await flush();
      await flight.idle();
      flight.throwIfFailed();
      return linked;
    },
    [Symbol.asyncDispose]: flight.idle,
  };
}

/** @returns indices of those that it could not make: all where there is no thread. */
async function linkBy(thread: FileThread | undefined, links: readonly FileLink[]): Promise<readonly number[]> {
  const none = links.map((_, index) => index);
  if (thread === undefined) return none;
  return thread.link(links).catch((error: unknown) => {
    if (error instanceof FileThreadLost) return none;
    throw error;
  });
}
