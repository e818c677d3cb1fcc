import { lstatSync, readlinkSync, rmdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { directoryPlacer } from '../util/files/directory-placer.ts';
import { fileCopier } from '../util/files/file-copier.ts';
import { errorCode } from '../util/files/file-problem.ts';
import { type FileCopy, type FileThreads, worthThreads } from '../util/files/file-threads.ts';
import { type TakenNames, takeFiles } from '../util/files/take-files.ts';
import { timeSlices } from '../util/files/time-slice.ts';
import type { TreeEntry } from '../util/files/tree-entry.ts';
import { tryLink } from '../util/files/try-link.ts';
import { readEntry } from '../util/files/walk-tree.ts';

/** The snapshot before, whose files the new one may share. */
export interface OldSnapshot {
  /** Absolute; the new snapshot's own directory when that one is made of the old one. */
  readonly tree: string;
  /** Paths of what it has and the new one has not, or not so. */
  readonly outdated: readonly string[];
}

/** What to fill a new snapshot with. */
export interface SnapshotContent {
  readonly projectRoot: string;
  /** Absolute, empty, or the old snapshot's. */
  readonly tree: string;
  readonly old: OldSnapshot | undefined;
  /** Entries that are not what the old snapshot has. */
  readonly changed: ReadonlySet<TreeEntry> | 'all';
  /** How many are about to be copied. */
  readonly expectedFiles: number;
  readonly signal: AbortSignal | undefined;
  /** Threads to copy with; they stay the caller's. */
  readonly threads?: FileThreads | undefined;
}

/** Threads that copy at once. */
export const copyConcurrency = 2;

/** A snapshot that is being filled. */
export interface SnapshotFilling extends AsyncDisposable {
  /**
   * Looks at files and copies them, all by threads, where there are enough to be worth it.
   * @param paths nothing else may have been placed yet.
   * @returns which were placed; the others are still to be. Undefined: all are.
   */
  take(paths: readonly string[]): Promise<TakenNames | undefined>;
  /** Links or copies one entry; resolves when there is room for more. */
  place(entry: TreeEntry): Promise<void> | undefined;
  /** @param entries all that were placed. */
  finish(entries: readonly TreeEntry[]): Promise<FilledSnapshot>;
}

/** What a snapshot was filled with. */
export interface FilledSnapshot {
  /** As they were when they were copied. */
  readonly entries: readonly TreeEntry[];
  readonly linked: number;
  readonly copied: number;
}

/** How often a file that changes while it is copied is copied again. */
const attempts = 3;

/** Fills a tree by links to the last one and by copies, while the entries are still being found. */
export function startFilling(content: SnapshotContent): SnapshotFilling {
  const { projectRoot, tree, old, changed, expectedFiles, signal, threads } = content;
  const isSame = (entry: TreeEntry): boolean => changed !== 'all' && !changed.has(entry);
  const isUpdate = old?.tree === tree;
  if (isUpdate) removeOutdated(tree, old.outdated);
  const copier = fileCopier({
    concurrency: copyConcurrency,
    expectedFiles,
    ...(signal === undefined ? {} : { signal }),
    ...(threads === undefined ? {} : { threads }),
  });
  const placer = directoryPlacer(tree);
  let copied = 0;
  let linked = 0;
  return {
    take: async (paths) => {
      if (threads === undefined || paths.length < worthThreads) return undefined;
      const taken = await takeFiles(paths, { root: projectRoot, target: tree, threads, signal });
      copied += taken.count;
      return taken;
    },
    place: (entry) => {
      const { path, type } = entry;
      if (isUpdate && type !== 'directory' && isSame(entry)) {
        linked++;
        return undefined;
      }
      const slash = path.lastIndexOf('/');
      placer.ensure(slash < 0 ? '' : path.slice(0, slash));
      if (type === 'directory') placer.ensure(path);
      else if (type === 'symlink') placeLink(readlinkSync(`${projectRoot}/${path}`), `${tree}/${path}`);
      else if (old !== undefined && isSame(entry) && isLinked(`${old.tree}/${path}`, `${tree}/${path}`)) linked++;
      else {
        copied++;
        return copier.add(copyOf(content, entry));
      }
      return undefined;
    },
    finish: async (entries) => {
      const torn = await settle(content, await copier.finish());
      const stamped = torn.size === 0 ? entries : entries.map((entry) => torn.get(entry.path) ?? entry);
      return { entries: stamped, linked, copied };
    },
    [Symbol.asyncDispose]: () => copier[Symbol.asyncDispose](),
  };
}

/** Where git names a link and files behind it, a directory with these may be there before the link. */
function placeLink(destination: string, path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) symlinkSync(destination, path);
}

const isLinked = (from: string, to: string): boolean => tryLink(from, to) === 'linked';

/** Places what was found before. */
export async function placeAll(
  filling: SnapshotFilling,
  entries: readonly TreeEntry[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const breathe = timeSlices(signal);
  for (const entry of entries) {
    const wait = filling.place(entry) ?? breathe();
    if (wait !== undefined) await wait;
  }
}

/** Removes what changed or is gone, with the directories that are empty then: git knows none. */
function removeOutdated(tree: string, paths: readonly string[]): void {
  // What lies in a directory comes after it.
  for (const path of paths.toReversed()) {
    if (!tryToRemove(`${tree}/${path}`)) continue;
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      if (!tryToRemove(`${tree}/${path.slice(0, slash)}`)) break;
    }
  }
}

/** Removes a file, or a directory if nothing is in it. @returns whether it is gone. */
function tryToRemove(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return true;
  try {
    if (stats.isDirectory()) rmdirSync(path);
    else unlinkSync(path);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}

function copyOf({ projectRoot, tree }: SnapshotContent, entry: TreeEntry): FileCopy {
  return {
    from: `${projectRoot}/${entry.path}`,
    to: `${tree}/${entry.path}`,
    mtimeMs: entry.mtimeMs,
    sizeBytes: entry.sizeBytes,
    ctimeMs: entry.ctimeMs,
    ...(entry.mode > 0o777 ? { mode: entry.mode & 0o777 } : {}),
  };
}

/**
 * Copies files again that changed while they were copied; those that never stand still are kept as they are, but
 * never taken for unchanged later.
 */
async function settle(content: SnapshotContent, copies: readonly FileCopy[]): Promise<ReadonlyMap<string, TreeEntry>> {
  const { projectRoot } = content;
  const settled = new Map<string, TreeEntry>();
  let torn = copies;
  for (let round = 1; torn.length > 0; round++) {
    await using copier = fileCopier({ concurrency: 1, expectedFiles: 0 });
    for (const { from } of torn) {
      const now = readEntry(projectRoot, from.slice(projectRoot.length + 1));
      if (now === undefined || 'because' in now || now.type !== 'file') continue;
      const isLastTry = round === attempts;
      settled.set(now.path, isLastTry ? { ...now, ctimeMs: -1 } : now);
      await copier.add(copyOf(content, now));
    }
    const again = await copier.finish();
    torn = round === attempts ? [] : again;
  }
  return settled;
}
