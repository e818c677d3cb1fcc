import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RepositoryQuery } from '../model/context.ts';
import { type Environment, runGit } from '../util/git.ts';

/** How `changes` finds what to compare with. */
export type ChangeBase =
  /** Nothing to compare with: `changes` is true, as for tags and schedules. */
  | { readonly kind: 'none' }
  /** `--changed-since`: this revision itself, also for `compare_to`. */
  | { readonly kind: 'revision'; readonly revision: string }
  /** Merge base with the branch (of `origin` if it is there). */
  | { readonly kind: 'branch'; readonly branch: string }
  /** On the default branch: merge base with what was pushed; if all is pushed and committed, the commit before. */
  | { readonly kind: 'default-branch'; readonly branch: string };

/** Where questions about changes are asked. `root`: absolute path of the project. */
export interface RepositoryQueryOptions {
  readonly root: string;
  readonly env: Environment;
  /** false: no repository or no commit. */
  readonly real: boolean;
  readonly base: ChangeBase;
  /** See GatheredGit.settings. */
  readonly settings: readonly (readonly [key: string, value: string])[];
}

const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Questions about the tree, each asked once, when it is first needed. */
export function repositoryQuery(options: RepositoryQueryOptions): RepositoryQuery {
  const changed = new Map<string | undefined, readonly string[] | undefined>();
  let all: readonly string[] | undefined;
  return {
    changedPaths: (compareTo) => {
      if (!changed.has(compareTo)) changed.set(compareTo, changedPaths(options, compareTo));
      return changed.get(compareTo);
    },
    knowsRevision: (compareTo) => {
      if (!options.real || options.base.kind === 'revision') return true;
      return [onServer(compareTo), compareTo].some((name) => revision(options, name) !== undefined);
    },
    paths: () => {
      all ??= listPaths(options);
      return all;
    },
  };
}

/** What a question about the tree takes. */
type TreeOptions = Pick<RepositoryQueryOptions, 'root' | 'env' | 'settings'>;

function git(options: TreeOptions, ...args: readonly string[]): string | undefined {
  const result = runGit(args, { cwd: options.root, env: options.env, settings: options.settings });
  return result.kind === 'ok' ? result.stdout : undefined;
}

function split(output: string | undefined): readonly string[] {
  return output === undefined ? [] : output.split('\0').filter((path) => path !== '');
}

function changedPaths(options: RepositoryQueryOptions, compareTo: string | undefined): readonly string[] | undefined {
  const { base } = options;
  if (!options.real) return undefined;
  if (base.kind === 'revision') return differencesTo(options, revision(options, base.revision));
  if (compareTo !== undefined) return differencesTo(options, mergeBase(options, compareTo));
  switch (base.kind) {
    case 'none':
      return undefined;
    case 'branch':
      return differencesTo(options, mergeBase(options, base.branch) ?? revision(options, 'HEAD^') ?? emptyTree);
    case 'default-branch':
      return changedOnDefaultBranch(options, base.branch);
  }
}

function changedOnDefaultBranch(options: RepositoryQueryOptions, branch: string): readonly string[] | undefined {
  const head = revision(options, 'HEAD');
  const pushed = commonAncestor(options, `refs/remotes/origin/${branch}`) ?? head;
  const differences = differencesTo(options, pushed);
  if (pushed !== head || (differences && differences.length > 0)) return differences;
  return differencesTo(options, revision(options, 'HEAD^') ?? emptyTree);
}

/** The full object id of a revision; undefined: there is none. Names that look like options are refused. */
function revision(options: RepositoryQueryOptions, name: string): string | undefined {
  return git(options, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`)
    ?.trim()
    .split('\n')
    .at(-1);
}

function mergeBase(options: RepositoryQueryOptions, branch: string): string | undefined {
  return commonAncestor(options, onServer(branch)) ?? commonAncestor(options, branch);
}

/** What is known of a branch of the server; it may be named in full, as GitLab's pages show it. */
function onServer(branch: string): string {
  return `refs/remotes/origin/${branch.replace(/^refs\/heads\//, '')}`;
}

function commonAncestor(options: RepositoryQueryOptions, name: string): string | undefined {
  const commit = revision(options, name);
  return commit === undefined ? undefined : git(options, 'merge-base', commit, 'HEAD')?.trim();
}

/** Committed, staged, unstaged and untracked differences between a commit and the work tree. */
function differencesTo(options: RepositoryQueryOptions, base: string | undefined): readonly string[] | undefined {
  if (base === undefined) return undefined;
  const safe = ['--no-ext-diff', '--no-textconv', '--ignore-submodules=dirty'];
  const tracked = git(options, 'diff', '--name-only', '-z', '--no-renames', '--relative', ...safe, base, '--');
  if (tracked === undefined) return undefined;
  const untracked = git(options, 'ls-files', '-z', '--others', '--exclude-standard');
  return [...new Set([...split(tracked), ...split(untracked)])].sort();
}

/** All paths of the working tree at `root`: tracked, and untracked but not ignored; without git all that lie there. */
export function listPaths(options: TreeOptions): readonly string[] {
  const listed = git(options, 'ls-files', '-z', '-t', '--cached', '--others', '--deleted', '--exclude-standard');
  if (listed === undefined) return walk(options.root);
  const present = new Set<string>();
  const deleted = new Set<string>();
  for (const line of split(listed)) (line.startsWith('R ') ? deleted : present).add(line.slice(2));
  return [...present].filter((path) => !deleted.has(path)).sort();
}

/** All files below a directory without `.git`; symbolic links are listed, never followed. */
function walk(root: string): readonly string[] {
  const found: string[] = [];
  const open = [''];
  while (open.length > 0) {
    const directory = open.pop()!;
    for (const name of namesIn(join(root, directory))) {
      if (name === '.git') continue;
      const path = directory === '' ? name : `${directory}/${name}`;
      if (lstatSync(join(root, path), { throwIfNoEntry: false })?.isDirectory()) open.push(path);
      else found.push(path);
    }
  }
  return found.sort();
}

/** An unreadable directory counts as empty, as for git. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
