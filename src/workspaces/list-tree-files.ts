import { existsSync } from 'node:fs';
import type { TakenNames } from '../util/files/take-files.ts';
import { timeSlices } from '../util/files/time-slice.ts';
import type { SkippedPath, TreeEntry } from '../util/files/tree-entry.ts';
import { readEntry, type WalkedTree, walkTree } from '../util/files/walk-tree.ts';
import { monotonicMs } from '../util/monotonic.ts';
import { type AskGit, answerOf, mostAgeMs } from './git-question.ts';
import type { LookAgain, LookedAt } from './look-again.ts';

/** The files that a snapshot holds, as they are now. */
export interface ListedTree {
  readonly kind: 'listed';
  readonly entries: readonly TreeEntry[];
  readonly skipped: readonly SkippedPath[];
}

/** They are those of the last snapshot, and none was changed. */
export interface UnchangedTree {
  readonly kind: 'unchanged';
  /** What was seen of them. */
  readonly looked: LookedAt;
}

/** Works with files while others are still looked for. */
export interface ListingWatch {
  /** Called first, with how many names git gave. */
  expect(names: number): void;
  /** Called next. @returns those that need not be looked at and told of any more. */
  take(paths: readonly string[]): Promise<TakenNames | undefined>;
  found(entry: TreeEntry): Promise<void> | undefined;
}

/** How to list. */
export interface ListingOptions {
  readonly signal: AbortSignal | undefined;
  /** Told of files as they are found, where git lists them. */
  readonly watch?: ListingWatch | undefined;
  /** Files that it saw unchanged are not looked at again. */
  readonly look?: LookAgain | undefined;
  /** Has asked git already which files there are. */
  readonly ahead?: AskGit | undefined;
}

const maxNestedRepositories = 10;

/** Names of the files of a working tree, with a zero byte after each. */
export const filesQuestion = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'] as const;

/**
 * What a job sees of a working tree: with git, tracked files that are there and untracked ones that are not ignored,
 * those of submodules and nested repositories too; without git (`ask` undefined, or no git installed), everything.
 * `.git` never.
 * @throws an error with the code ENOENT when there is a watch, and files were moved since git was asked ahead.
 */
export async function listTreeFiles(
  root: string,
  ask: AskGit | undefined,
  { signal, watch, look, ahead }: ListingOptions,
): Promise<ListedTree | UnchangedTree> {
  const [text, seen] = await Promise.all([ask && namesOf(ahead ?? ask, root), lookedAt(look, signal)]);
  // Where git took long, the files may be other ones by now.
  const looked = seen !== undefined && monotonicMs() - seen.endedMs < mostAgeMs ? seen.files : undefined;
  if (ask === undefined || text === undefined) return { kind: 'listed', ...(await walkAll(root, signal)) };
  const known = looked?.namesIn(text);
  if (known !== undefined && looked?.isAllUnchanged()) return { kind: 'unchanged', looked };
  const listed: Listed = { entries: [], skipped: [], areMissing: false };
  // Where git names other files than before, some may have been moved since they were looked at.
  const fresh = known === undefined ? undefined : looked;
  const read = (path: string) => fresh?.unchangedEntry(path) ?? readEntry(root, path);
  await addFiles({ root, ask, read, signal, watch, listed }, { below: '', names: known ?? namesIn(text), depth: 0 });
  // They were deleted, which is not in git's index yet, or moved since git was asked.
  if (ahead !== undefined && listed.areMissing && (await namesOf(ask, root)) !== text) {
    if (watch !== undefined) throw gone();
    return listTreeFiles(root, ask, { signal, watch });
  }
  return { kind: 'listed', entries: listed.entries, skipped: listed.skipped };
}

/** Who watched has worked with files that may be no more: he has to begin anew. */
function gone(): Error {
  return Object.assign(new Error('files were moved while they were listed'), { code: 'ENOENT' });
}

async function lookedAt(look: LookAgain | undefined, signal: AbortSignal | undefined) {
  const files = await look?.finish(signal);
  return files && { files, endedMs: monotonicMs() };
}

async function walkAll(root: string, signal: AbortSignal | undefined): Promise<WalkedTree> {
  return walkTree(root, {
    filter: (path) => path !== '.git' && !path.endsWith('/.git'),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Undefined without git. */
function namesOf(ask: AskGit, directory: string): Promise<string | undefined> {
  return answerOf(ask, directory, filesQuestion);
}

function namesIn(text: string): ReadonlySet<string> {
  // A path in conflict is listed once a side.
  return new Set(text.split('\0'));
}

function pathsOf(names: ReadonlySet<string> | readonly string[], below: string): readonly string[] {
  const before = below === '' ? '' : `${below}/`;
  const paths: string[] = [];
  for (const name of names) {
    if (name === '' || name.startsWith('../')) continue;
    paths.push(before + (name.endsWith('/') ? name.slice(0, -1) : name));
  }
  return paths;
}

interface Listed {
  readonly entries: TreeEntry[];
  readonly skipped: SkippedPath[];
  /** Some that git named are not there. */
  areMissing: boolean;
}

interface Listing {
  readonly root: string;
  readonly ask: AskGit;
  readonly read: (path: string) => ReturnType<typeof readEntry>;
  readonly signal: AbortSignal | undefined;
  readonly watch: ListingWatch | undefined;
  readonly listed: Listed;
}

/** A repository in `root/below`. */
interface Repository {
  readonly below: string;
  readonly names: ReadonlySet<string> | readonly string[];
  readonly depth: number;
}

/** Adds the files of a repository; one in it (submodule or not) is one path for git. */
async function addFiles(listing: Listing, { below, names, depth }: Repository): Promise<void> {
  const { root, ask, listed } = listing;
  const breathe = timeSlices(listing.signal);
  const nested: string[] = [];
  const paths = pathsOf(names, below);
  if (depth === 0) listing.watch?.expect(paths.length);
  const taken = depth === 0 ? await listing.watch?.take(paths) : undefined;
  for (const [index, path] of paths.entries()) {
    const known = taken?.entryOf(index);
    if (known !== undefined) {
      listed.entries.push(known);
      continue;
    }
    const entry = listing.read(path);
    if (entry === undefined) {
      listed.areMissing = true;
      if (path.includes('\uFFFD')) listed.skipped.push({ path, because: 'name is not UTF-8' });
    } else if ('because' in entry) listed.skipped.push(entry);
    else if (entry.type === 'directory') nested.push(path);
    else {
      listed.entries.push(entry);
      const wait = listing.watch?.found(entry);
      if (wait !== undefined) await wait;
    }
    const pause = breathe();
    if (pause !== undefined) await pause;
  }
  for (const path of nested) {
    if (depth === maxNestedRepositories || !existsSync(`${root}/${path}/.git`)) continue;
    const inside = await namesOf(ask, `${root}/${path}`);
    if (inside !== undefined) await addFiles(listing, { below: path, names: namesIn(inside), depth: depth + 1 });
  }
}
