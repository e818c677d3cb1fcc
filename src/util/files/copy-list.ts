import { copyFlags, type FileCopier, largeBytes } from './file-copier.ts';
import { type FileThread, FileThreadLost, type FileThreads } from './file-threads.ts';
import { inFlight } from './in-flight.ts';
import type { CopyList, CopyListBatch, TreeEntry } from './tree-entry.ts';

const batchSize = 256;

/** @param entries all that a tree holds, each once, behind its parent directory. */
export function copyList(entries: readonly TreeEntry[]): CopyList {
  const plain: TreeEntry[] = [];
  const others: TreeEntry[] = [];
  for (const entry of entries) (isPlain(entry) ? plain : others).push(entry);
  const batches: CopyListBatch[] = [];
  for (let start = 0; start < plain.length; start += batchSize) {
    const batch = plain.slice(start, start + batchSize);
    const times = Float64Array.from(batch, ({ mtimeMs }) => mtimeMs);
    batches.push({ entries: batch, paths: batch.map(({ path }) => path).join('\0'), times });
  }
  const totalBytes = plain.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { entries, batches, files: plain.length, totalBytes, others };
}

function isPlain({ type, nlink, mode, sizeBytes }: TreeEntry): boolean {
  return type === 'file' && nlink === 1 && mode <= 0o777 && sizeBytes <= largeBytes;
}

/**
 * Copies the batches; their directories exist.
 * @param copier gets what something was in the way of.
 * @throws the first failure, or the reason of the signal.
 */
export async function copyBatches(
  { batches }: CopyList,
  {
    root,
    target,
    threads,
    copier,
    signal,
  }: {
    /** Absolute. */
    readonly root: string;
    /** Absolute. */
    readonly target: string;
    readonly threads: FileThreads;
    readonly copier: FileCopier;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<void> {
  const running = threads.get();
  const flight = inFlight(2 * Math.max(1, running.length));
  const copy = async (thread: FileThread | undefined, batch: CopyListBatch): Promise<void> => {
    for (const index of await copyBatch(thread, batch, { root, target })) {
      const { path, mtimeMs, sizeBytes } = batch.entries[index]!;
      await copier.add({ from: `${root}/${path}`, to: `${target}/${path}`, mtimeMs, sizeBytes });
    }
  };
  try {
    for (const [index, batch] of batches.entries()) {
      signal?.throwIfAborted();
      await flight.run(copy(running[index % running.length], batch));
    }
  } finally {
    await flight.idle();
  }
  flight.throwIfFailed();
}

/** @returns indices of those that it did not copy: all where there is no thread. */
async function copyBatch(
  thread: FileThread | undefined,
  batch: CopyListBatch,
  places: { readonly root: string; readonly target: string },
): Promise<readonly number[]> {
  const all = batch.entries.map((_, index) => index);
  if (thread === undefined) return all;
  return thread.copyBelow(batch, places, copyFlags).catch((error: unknown) => {
    if (error instanceof FileThreadLost) return all;
    throw error;
  });
}
