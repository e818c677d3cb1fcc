import { copyFlags, largeBytes } from './file-copier.ts';
import { type FileThread, FileThreadLost, type FileThreads, type TakenPlaces } from './file-threads.ts';
import { inFlight } from './in-flight.ts';
import { entryStampWidth, stampedEntry } from './stamped-entry.ts';
import type { TreeEntry } from './tree-entry.ts';

/** What `takeFiles` did. */
export interface TakenNames {
  readonly count: number;
  /** How a file was when it was copied; undefined: it was not, for whatever reason, and nothing is at its path. */
  entryOf(index: number): TreeEntry | undefined;
}

const batchSize = 256;

/**
 * Looks at files and copies them, all by threads: nothing is done here for each of them.
 * @param paths relative to both places; each once. Directories are made; one that is a link in the source is none in the target.
 * @throws the reason of the signal.
 */
export async function takeFiles(
  paths: readonly string[],
  {
    threads,
    signal,
    ...places
  }: Omit<TakenPlaces, 'largeBytes'> & {
    readonly threads: FileThreads;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<TakenNames> {
  const running = threads.get();
  const flight = inFlight(2 * running.length);
  let count = 0;
  const stamps = new Float64Array(entryStampWidth * paths.length).fill(-1);
  const take = async (thread: FileThread, start: number): Promise<void> => {
    const names = paths.slice(start, start + batchSize);
    try {
      const part = await thread.take(names, { ...places, largeBytes }, copyFlags);
      stamps.set(part, entryStampWidth * start);
      for (let at = 0; at < part.length; at += entryStampWidth) if (part[at]! >= 0) count++;
    } catch (error) {
      if (!(error instanceof FileThreadLost)) throw error;
    }
  };
  try {
    for (let start = 0, next = 0; start < paths.length && running.length > 0; start += batchSize, next++) {
      signal?.throwIfAborted();
      await flight.run(take(running[next % running.length]!, start));
    }
  } finally {
    // Whoever gives up removes what was made.
    await flight.idle();
  }
  flight.throwIfFailed();
  return { count, entryOf: (index) => stampedEntry(paths[index]!, stamps, entryStampWidth * index) };
}
