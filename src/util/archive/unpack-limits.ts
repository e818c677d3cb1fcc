import { ArchiveError } from './archive-error.ts';

/** Caps of what an archive may unpack to. */
export interface UnpackLimits {
  /** Default 2,000,000. */
  readonly maxEntries?: number;
  /** Sum of the files' sizes; default 64 GiB. Checked before a file is written. */
  readonly maxTotalBytes?: number;
  /** Parts of a path; default 200. */
  readonly maxDepth?: number;
  /** Default 3000. */
  readonly maxPathBytes?: number;
  /** Bytes received so far where the stream was compressed, for `maxRatio`; default: the stream itself. */
  readonly receivedBytes?: () => number;
  /** Unpacked to received bytes, once 16 MiB are passed; default 200. */
  readonly maxRatio?: number;
}

/** Where a limit is not given. */
export const unpackDefaults = {
  maxEntries: 2_000_000,
  maxTotalBytes: 2 ** 36,
  maxDepth: 200,
  maxPathBytes: 3000,
  maxRatio: 200,
};
const ratioFromBytes = 16 << 20;

/** Counts entries before they are written. */
export interface UnpackAccount {
  /** @throws ArchiveError when a limit is passed. */
  entry(name: string, size: number): void;
}

/**
 * Counts what an archive unpacks to.
 * @param received bytes of it that have come so far.
 */
export function unpackAccount(given: UnpackLimits, received: () => number): UnpackAccount {
  const limits = { ...unpackDefaults, ...given };
  let entries = 0;
  let total = 0;
  return {
    entry: (name, size) => {
      if (++entries > limits.maxEntries) {
        throw new ArchiveError('too-many-entries', `the archive has more than ${limits.maxEntries} entries`);
      }
      if (!Number.isSafeInteger(size) || size < 0)
        throw new ArchiveError('corrupt', 'an entry has no valid size', name);
      total += size;
      if (total > limits.maxTotalBytes) {
        throw new ArchiveError('too-large', `the archive unpacks to more than ${limits.maxTotalBytes} bytes`, name);
      }
      // What this entry declares has not been received yet, so only what lies before it counts.
      const soFar = limits.receivedBytes?.() ?? received();
      if (total - size > ratioFromBytes && total - size > soFar * limits.maxRatio) {
        throw new ArchiveError('ratio', `the archive unpacks to more than ${limits.maxRatio} times its size`, name);
      }
    },
  };
}
