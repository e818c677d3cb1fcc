import { walkTree } from './walk-tree.ts';

/** Number and size of regular files. */
export interface TreeSize {
  readonly files: number;
  /** Sum of the files' lengths, hard links counted once. */
  readonly totalBytes: number;
}

/** Counts what lies below a directory; 0 if it is not there. */
export async function measureTree(root: string, signal?: AbortSignal): Promise<TreeSize> {
  let files = 0;
  let totalBytes = 0;
  const seen = new Set<string>();
  try {
    const walked = await walkTree(root, { ...(signal === undefined ? {} : { signal }) });
    for (const entry of walked.entries) {
      if (entry.type !== 'file') continue;
      files++;
      if (entry.nlink > 1) {
        const key = `${entry.dev}:${entry.ino}`;
        if (seen.has(key)) continue;
        seen.add(key);
      }
      totalBytes += entry.sizeBytes;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return { files, totalBytes };
}
