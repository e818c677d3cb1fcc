import { chmodSync, linkSync, mkdirSync, utimesSync } from 'node:fs';
import { allEntriesOf } from './all-entries-of.ts';
import type { ClonedTree, CloneOptions, LinkOptions } from './clone-options.ts';
import { copyBatches } from './copy-list.ts';
import { type DirectoryPlacer, directoryPlacer } from './directory-placer.ts';
import { type FileCopier, fileCopier } from './file-copier.ts';
import { noteBytesNeeded } from './file-problem.ts';
import { worthThreads } from './file-threads.ts';
import { type LinkBatches, linkBatches } from './link-batches.ts';
import { removeTree } from './remove-tree.ts';
import { placeLink, replacing } from './replacing.ts';
import { timeSlices } from './time-slice.ts';
import type { CopyList, Tree, TreeEntry } from './tree-entry.ts';
import { tryLink } from './try-link.ts';
import type { WalkedTree } from './walk-tree.ts';

/**
 * Copies a tree over a directory (made if missing): files by reflink where the file system can, else by content,
 * directories, symbolic links as they are, with modes and modification times. Hard links among the files stay hard
 * links. A file, link or directory of the same name is replaced, never written through; other files stay. Where the
 * tree has a directory and the target a symbolic link, the link is replaced: nothing lands outside of the target.
 * With `tree.entries` only these are copied (a directory alone, without what is in it), parents made as in the source.
 * @throws the error of the operating system (disk full, no permission); the target is then half filled.
 */
export function cloneTree(from: Tree, toDirectory: string, options: CloneOptions = {}): Promise<ClonedTree> {
  return place(from, toDirectory, 'copy', options);
}

/**
 * As `cloneTree`, but files are hard links to the source's where the file system allows it. Only for trees whose
 * files nobody writes to: both names are one file.
 */
export function linkOrCopyTree(from: Tree, toDirectory: string, options: LinkOptions = {}): Promise<ClonedTree> {
  return place(from, toDirectory, 'link', options);
}

async function place(
  from: Tree,
  toDirectory: string,
  method: 'copy' | 'link',
  options: LinkOptions,
): Promise<ClonedTree> {
  const { signal } = options;
  signal?.throwIfAborted();
  const source = await allEntriesOf(from, signal);
  try {
    return await placeEntries(from, source, toDirectory, method, options);
  } catch (error) {
    throw noteBytesNeeded(error, () => source.entries.reduce((sum, entry) => sum + entry.sizeBytes, 0));
  }
}

async function placeEntries(
  from: Tree,
  { entries, skipped }: WalkedTree,
  toDirectory: string,
  method: 'copy' | 'link',
  options: LinkOptions,
): Promise<ClonedTree> {
  const { signal } = options;
  mkdirSync(toDirectory, { recursive: true });
  await using copier = fileCopier({
    concurrency: options.concurrency ?? 2,
    expectedFiles: method === 'link' ? 0 : entries.length,
    ...(signal === undefined ? {} : { signal }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  await using batches =
    method === 'link' && options.threads !== undefined && entries.length >= worthThreads
      ? linkBatches<PlannedLink>(options.threads, ({ work }) => linkFile(target, work))
      : undefined;
  const target: Target = {
    method,
    linkFrom: options.linkFrom,
    batches,
    copier,
    placer: directoryPlacer(toDirectory),
    keepsSpecialModes: options.specialModes === 'keep',
    firstOf: new Map(),
    directories: [],
    links: [],
    files: 0,
    totalBytes: 0,
    linked: 0,
  };
  const list = isByList(method, options) && entries.length >= worthThreads ? from.list : undefined;
  const placed: TreeEntry[] = [];
  const breathe = timeSlices(signal);
  for (const entry of list?.others ?? entries) {
    const path = options.rename === undefined ? entry.path : options.rename(entry.path);
    if (path === undefined || path === '') continue;
    placed.push(entry);
    const wait = placeEntry(target, { from: `${from.root}/${entry.path}`, entry, path, to: `${toDirectory}/${path}` });
    if (wait !== undefined) await wait;
    const pause = breathe();
    if (pause !== undefined) await pause;
  }
  if (list !== undefined) await copyListed(list, from.root, toDirectory, target, options);
  const linkedByThreads = (await batches?.finish()) ?? 0;
  target.linked += linkedByThreads;
  await copier.finish();
  for (const link of target.links) await replacing(link.to, () => linkSync(link.from, link.to));
  for (const work of target.directories.reverse()) finishDirectory(work, target);
  const { files, totalBytes, linked } = target;
  return { entries: list?.entries ?? placed, files, totalBytes, linked, skipped };
}

/** Are files copied to their own paths, and by threads? */
function isByList(method: 'copy' | 'link', { rename, specialModes, threads }: CloneOptions): boolean {
  return method === 'copy' && rename === undefined && specialModes !== 'keep' && threads !== undefined;
}

/** Copies what the list has for threads; the directories are there. */
async function copyListed(
  list: CopyList,
  root: string,
  toDirectory: string,
  target: Target,
  { threads, signal }: CloneOptions,
): Promise<void> {
  if (threads === undefined) return;
  await copyBatches(list, { root, target: toDirectory, threads, copier: target.copier, signal });
  target.files += list.files;
  target.totalBytes += list.totalBytes;
}

interface Work {
  readonly from: string;
  readonly entry: TreeEntry;
  /** Relative to the target. */
  readonly path: string;
  readonly to: string;
}

interface PlannedLink {
  readonly from: string;
  readonly to: string;
  readonly work: Work;
}

/** What is known of the target while it is filled. */
interface Target {
  readonly method: 'copy' | 'link';
  readonly linkFrom: LinkOptions['linkFrom'];
  /** Makes links by threads where there are many; what it can't link is done here. */
  readonly batches: LinkBatches<PlannedLink> | undefined;
  readonly copier: FileCopier;
  readonly placer: DirectoryPlacer;
  readonly keepsSpecialModes: boolean;
  /** Where the first name of a file with several hard links was placed, by device and inode. */
  readonly firstOf: Map<string, string>;
  readonly directories: Work[];
  /** Made when all is copied. */
  readonly links: { readonly from: string; readonly to: string }[];
  files: number;
  totalBytes: number;
  linked: number;
}

/** Synchronous but for what must wait: most trees have many small files. */
function placeEntry(target: Target, work: Work): Promise<void> | undefined {
  const { entry, path } = work;
  if (entry.type === 'directory') {
    target.placer.ensure(path);
    target.directories.push(work);
    return undefined;
  }
  const slash = path.lastIndexOf('/');
  target.placer.ensure(slash < 0 ? '' : path.slice(0, slash));
  return entry.type === 'symlink' ? placeLink(work) : placeFile(target, work);
}

function placeFile(target: Target, work: Work): Promise<void> | undefined {
  target.files++;
  if (target.method === 'copy') return copyFile(target, work);
  if (target.batches === undefined) return linkFile(target, work);
  const [from] = originsOf(target, work);
  return from === undefined ? copyFile(target, work) : target.batches.add({ from, to: work.to, work });
}

function originsOf({ linkFrom }: Target, { from, entry }: Work): Iterable<string> {
  return linkFrom?.(entry) ?? [from];
}

function linkFile(target: Target, work: Work): Promise<void> | undefined {
  for (const origin of originsOf(target, work)) {
    const linked = tryLink(origin, work.to);
    if (linked === 'not there' && target.linkFrom !== undefined) continue;
    if (linked === 'blocked') return removeTree(work.to).then(() => linkOrCopyFile(target, work, origin));
    if (linked === 'linked') target.linked++;
    return linked === 'linked' ? undefined : copyFile(target, work);
  }
  return copyFile(target, work);
}

function linkOrCopyFile(target: Target, work: Work, origin: string): Promise<void> | undefined {
  if (tryLink(origin, work.to) !== 'linked') return copyFile(target, work);
  target.linked++;
  return undefined;
}

function copyFile(target: Target, { from, entry, to }: Work): Promise<void> | undefined {
  if (entry.nlink > 1) {
    const key = `${entry.dev}:${entry.ino}`;
    const first = target.firstOf.get(key);
    if (first !== undefined) {
      target.links.push({ from: first, to });
      return undefined;
    }
    target.firstOf.set(key, to);
  }
  target.totalBytes += entry.sizeBytes;
  const mode = entry.mode > 0o777 ? { mode: modeFor(target, entry) } : {};
  return target.copier.add({ from, to, mtimeMs: entry.mtimeMs, sizeBytes: entry.sizeBytes, ...mode });
}

function modeFor(target: Target, entry: TreeEntry): number {
  return target.keepsSpecialModes ? entry.mode : entry.mode & 0o777;
}

function finishDirectory({ entry, to }: Work, target: Target): void {
  const seconds = entry.mtimeMs / 1000;
  utimesSync(to, seconds, seconds);
  chmodSync(to, modeFor(target, entry));
}
