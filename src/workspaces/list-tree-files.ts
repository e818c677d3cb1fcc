import { existsSync } from 'node:fs';
import { timeSlices } from '../util/files/time-slice.ts';
import type { SkippedPath, TreeEntry } from '../util/files/tree-entry.ts';
import { readEntry, walkTree } from '../util/files/walk-tree.ts';
import { type AskGit, answerOf } from './git-question.ts';

/** The files that a snapshot holds, as they are now. */
export interface ListedTree {
  readonly entries: readonly TreeEntry[];
  readonly skipped: readonly SkippedPath[];
}

/** Works with files while others are still looked for. */
export interface ListingWatch {
  /** Called first, with how many names git gave. */
  expect(names: number): void;
  found(entry: TreeEntry): Promise<void> | undefined;
}

const maxNestedRepositories = 10;

/**
 * What a job sees of a working tree: with git, tracked files that are there and untracked ones that are not ignored,
 * those of submodules and nested repositories too; without git (`ask` undefined, or no git installed), everything.
 * `.git` never.
 * @param options.watch told of files as they are found, where git lists them.
 */
export async function listTreeFiles(
  root: string,
  ask: AskGit | undefined,
  { signal, watch }: { readonly signal: AbortSignal | undefined; readonly watch?: ListingWatch },
): Promise<ListedTree> {
  const listed: { readonly entries: TreeEntry[]; readonly skipped: SkippedPath[] } = { entries: [], skipped: [] };
  const found = ask === undefined ? 'no git' : await addRepository({ root, ask, signal, watch, listed }, '', 0);
  return found === 'no git' ? walkAll(root, signal) : listed;
}

async function walkAll(root: string, signal: AbortSignal | undefined): Promise<ListedTree> {
  return walkTree(root, {
    filter: (path) => path !== '.git' && !path.endsWith('/.git'),
    ...(signal === undefined ? {} : { signal }),
  });
}

interface Listing {
  readonly root: string;
  readonly ask: AskGit;
  readonly signal: AbortSignal | undefined;
  readonly watch: ListingWatch | undefined;
  readonly listed: { readonly entries: TreeEntry[]; readonly skipped: SkippedPath[] };
}

/** Adds the files of the repository in `root/below`; a repository in it (submodule or not) is one path for git. */
async function addRepository(listing: Listing, below: string, depth: number): Promise<'listed' | 'no git'> {
  const { root, ask, listed } = listing;
  const directory = below === '' ? root : `${root}/${below}`;
  const text = await answerOf(ask, directory, ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  if (text === undefined) return 'no git';
  const breathe = timeSlices(listing.signal);
  const nested: string[] = [];
  // A path in conflict is listed once a side.
  const names = new Set(text.split('\0'));
  if (depth === 0) listing.watch?.expect(names.size);
  for (const name of names) {
    if (name === '' || name.startsWith('../')) continue;
    const path = (below === '' ? '' : `${below}/`) + name.replace(/\/$/, '');
    const entry = readEntry(root, path);
    if (entry === undefined) {
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
    if (depth < maxNestedRepositories && existsSync(`${root}/${path}/.git`)) {
      await addRepository(listing, path, depth + 1);
    }
  }
  return 'listed';
}
