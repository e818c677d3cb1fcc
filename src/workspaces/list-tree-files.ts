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

const maxNestedRepositories = 10;

/**
 * What a job sees of a working tree: with git, tracked files that are there and untracked ones that are not ignored,
 * those of submodules and nested repositories too; without git (`ask` undefined, or no git installed), everything.
 * `.git` never.
 */
export async function listTreeFiles(root: string, ask: AskGit | undefined, signal?: AbortSignal): Promise<ListedTree> {
  const paths = ask === undefined ? undefined : await gitPaths(root, '', ask, 0);
  if (paths === undefined) return walkAll(root, signal);
  const entries: TreeEntry[] = [];
  const skipped: SkippedPath[] = [];
  const breathe = timeSlices(signal);
  for (const path of new Set(paths)) {
    const entry = readEntry(root, path);
    if (entry === undefined) {
      if (path.includes('\uFFFD')) skipped.push({ path, because: 'name is not UTF-8' });
    } else if ('because' in entry) skipped.push(entry);
    else if (entry.type !== 'directory') entries.push(entry);
    await breathe();
  }
  return { entries, skipped };
}

async function walkAll(root: string, signal: AbortSignal | undefined): Promise<ListedTree> {
  return walkTree(root, {
    filter: (path) => path !== '.git' && !path.endsWith('/.git'),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Paths relative to `root` of the files of the repository in `root/below`; undefined without git. */
async function gitPaths(root: string, below: string, ask: AskGit, depth: number): Promise<string[] | undefined> {
  const directory = below === '' ? root : `${root}/${below}`;
  const text = await answerOf(ask, directory, ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  if (text === undefined) return undefined;
  const paths: string[] = [];
  for (const name of text.split('\0')) {
    if (name === '' || name.startsWith('../')) continue;
    const path = (below === '' ? '' : `${below}/`) + name.replace(/\/$/, '');
    // A repository in the repository (submodule or not) is one path for git.
    const nested = existsSync(`${root}/${path}/.git`) && readEntry(root, path)?.path === path;
    if (!nested) paths.push(path);
    else if (depth < maxNestedRepositories) paths.push(...((await gitPaths(root, path, ask, depth + 1)) ?? []));
  }
  return paths;
}
