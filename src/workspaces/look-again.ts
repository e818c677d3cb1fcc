import { accessSync, constants, lstatSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { stampedEntry, entryStampWidth as width } from '../util/files/stamped-entry.ts';
import { timeSlices } from '../util/files/time-slice.ts';
import type { TreeEntry } from '../util/files/tree-entry.ts';
import { once } from '../util/once.ts';
import { unlessAborted } from '../util/unless-aborted.ts';
import { type LookTask, lookAtShare, lookWorkerCode } from './look-share.ts';
import { isSameStamp, placesOf, type SnapshotManifest, typeAt } from './snapshot-manifest.ts';

/** How much a tree holds. */
export interface TreeSize {
  readonly files: number;
  readonly bytes: number;
}

/** How the files of the last snapshot look now. */
export interface LookedAt {
  /** Their paths, if they are in this order what git names. @param text as `ls-files -z` gives it. */
  namesIn(text: string): readonly string[] | undefined;
  /** Every one is as the last snapshot has it. */
  isAllUnchanged(): boolean;
  /** Of those that are there. */
  readonly size: TreeSize;
  /** All of them. */
  entries(): readonly TreeEntry[];
  /** One of them, if it is as the last snapshot has it; another one has to be looked at anew before it is copied. */
  unchangedEntry(path: string): TreeEntry | undefined;
}

/** A look at all files of the last snapshot that is under way. */
export interface LookAgain extends AsyncDisposable {
  /** Takes part in it until it is done; undefined if it failed. @throws the reason of the signal. */
  finish(signal: AbortSignal | undefined): Promise<LookedAt | undefined>;
}

/** A thread takes 30 ms of processor time to start, a file 4 µs to look at. */
const worthThread = 5000;
/** Files that a thread takes at once. */
const shareSize = 256;

/**
 * Begins to look at the files of a snapshot's manifest in the tree that it was made of, by a thread of its own, while
 * this one does something else: most often nothing was changed, and then this is all that there is to do.
 * @returns undefined where it is not worth a thread, or the system allows none.
 */
export function lookAgain(root: string, manifest: SnapshotManifest): LookAgain | undefined {
  const files = manifest.length;
  if (files < worthThread) return undefined;
  const stamps = new Float64Array(new SharedArrayBuffer(files * width * Float64Array.BYTES_PER_ELEMENT));
  const progress = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  const shared = { root, shareSize, width, stamps, progress };
  let worker: Worker;
  try {
    const workerData = { ...shared, paths: manifest.pathText };
    worker = new Worker(lookWorkerCode(), { eval: true, env: {}, execArgv: [], workerData });
  } catch {
    return undefined;
  }
  // Nobody may wait for what nobody asks for any more.
  worker.unref();
  const ended = new Promise<void>((resolve) => {
    worker.once('message', () => resolve());
    worker.once('error', () => resolve());
    worker.once('exit', () => resolve());
  });
  const isDone = (): boolean => Atomics.load(progress, 1) === files;
  return {
    finish: async (signal) => {
      // Where nothing is left, no table of the paths is made.
      if (Atomics.load(progress, 0) < files) await takePart({ ...shared, names: manifest.paths }, signal);
      if (!isDone()) {
        worker.ref();
        // A file system that does not answer must not hold up who wants to end.
        await unlessAborted(ended, signal);
      }
      return isDone() ? lookedAt(manifest, stamps) : undefined;
    },
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}

/** The same as the thread does. */
async function takePart(task: LookTask, signal: AbortSignal | undefined): Promise<void> {
  const breathe = timeSlices(signal);
  while (lookAtShare({ accessSync, constants, lstatSync }, task)) {
    const pause = breathe();
    if (pause !== undefined) await pause;
  }
}

function lookedAt(manifest: SnapshotManifest, stamps: Float64Array): LookedAt {
  const entryAt = (index: number, path: string) => stampedEntry(path, stamps, index * width);
  const placeOf = once(() => placesOf(manifest.paths));
  return {
    get size() {
      return sizeOf(stamps);
    },
    namesIn: (text) => {
      const { pathText, paths } = manifest;
      return text.length === pathText.length + 1 && text.startsWith(pathText) ? paths : undefined;
    },
    isAllUnchanged: () => {
      for (let index = 0; index < manifest.length; index++) {
        if (!isSameStamp(stamps, index * width, index, manifest)) return false;
      }
      return true;
    },
    entries: () => manifest.paths.flatMap((path, index) => entryAt(index, path) ?? []),
    unchangedEntry: (path) => {
      const index = placeOf()(path);
      if (index === undefined || !isSameStamp(stamps, index * width, index, manifest)) return undefined;
      return entryAt(index, path);
    },
  };
}

function sizeOf(stamps: Float64Array): TreeSize {
  let [files, bytes] = [0, 0];
  for (let at = 0; at < stamps.length; at += width) {
    if (typeAt(stamps, at) !== 'file') continue;
    files++;
    bytes += stamps[at + 1]!;
  }
  return { files, bytes };
}
