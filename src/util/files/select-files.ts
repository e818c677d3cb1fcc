import { readdirSync } from 'node:fs';
import { compileGlob, globProblem } from '../glob.ts';
import { errorCode } from './file-problem.ts';
import { type PathPattern, pathPattern, pathPatterns } from './path-pattern.ts';
import { timeSlices } from './time-slice.ts';
import type { SkippedPath, TreeEntry } from './tree-entry.ts';
import { listDirectory, readEntry } from './walk-tree.ts';

/** Which files to take from below a directory. */
export interface FileSelectionInput {
  /** Globs (doublestar) or plain paths relative to the directory, or absolute ones below it. */
  readonly paths: readonly string[];
  /** Globs; a file, link or directory that matches one is left out. A directory's name does not cover what is in it. */
  readonly exclude: readonly string[];
  /** Files that git does not track, relative to the directory (`git ls-files --others -z`). */
  readonly untracked?: readonly string[];
  /** `all`: `.git` is taken as anything else is. Absent: only where a pattern names it. */
  readonly repositories?: 'all';
  /** Absolute paths under which the directory is also known, as its path inside a container. */
  readonly alsoKnownAs?: readonly string[];
}

/** How to select. */
export interface SelectOptions {
  readonly signal?: AbortSignal;
  /** Learns after each directory how many entries there are so far. */
  readonly onFound?: (entries: number) => void;
}

/** What a selection gives. */
export interface SelectedFiles {
  /** Sorted by path, directories before what is in them, each once. */
  readonly entries: readonly TreeEntry[];
  /** Sum of the lengths of regular files. */
  readonly totalBytes: number;
  /** Patterns that matched nothing, as they were given, in order. */
  readonly unmatched: readonly string[];
  /** Patterns that lead outside of the directory, ignored. */
  readonly outside: readonly string[];
  /** What could not be read. */
  readonly skipped: readonly SkippedPath[];
}

/**
 * Finds files as GitLab Runner's archiver does: a match that is a directory stands for all below it, `exclude` is
 * tried on every single path, symbolic links are taken as links and never followed, paths outside of `root` are
 * ignored. Directories that no pattern can match in are not entered. `.git` is taken only where a pattern names it,
 * unless the selection says otherwise.
 * Source: https://docs.gitlab.com/ci/yaml/#artifactspaths
 * @throws the error of the operating system when `root` itself can't be read.
 */
export async function selectFiles(
  root: string,
  selection: FileSelectionInput,
  options: SelectOptions = {},
): Promise<SelectedFiles> {
  options.signal?.throwIfAborted();
  const names = [root, ...(selection.alsoKnownAs ?? [])];
  const { patterns, outside } = pathPatterns(selection.paths, names, selection.repositories);
  const excluded = excluder(selection.exclude, names);
  const walk = await walkMatches(root, patterns, excluded, options);
  const taken = new Map(walk.entries.map((entry) => [entry.path, entry]));
  for (const path of selection.untracked ?? []) {
    if (taken.has(path) || !isInside(path) || namesGit(path) || excluded(path)) continue;
    const entry = readEntry(root, path);
    if (entry !== undefined && !('because' in entry)) taken.set(path, entry);
  }
  const entries = sortedByPath(taken.values());
  return {
    entries,
    totalBytes: entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.sizeBytes : 0), 0),
    unmatched: patterns.filter((pattern) => !walk.found.has(pattern)).map((pattern) => pattern.text),
    outside,
    skipped: walk.skipped,
  };
}

/**
 * A quick look at the first level: false means that the selection takes nothing from below this directory.
 * @throws the error of the operating system when it can't be read.
 */
export function mayTake(root: string, selection: FileSelectionInput): boolean {
  if (selection.untracked !== undefined) return true;
  const { patterns } = pathPatterns(selection.paths, [root, ...(selection.alsoKnownAs ?? [])]);
  if (patterns.some((pattern) => pattern.glob === '')) return true;
  return readdirSync(root).some((name) =>
    patterns.some((pattern) => pattern.matches(name) || pattern.mayMatchBelow(name)),
  );
}

/** Sorts segment by segment, so that a directory is followed by what is in it. */
export function sortedByPath(entries: Iterable<TreeEntry>): readonly TreeEntry[] {
  const keyed = Array.from(entries, (entry) => ({ entry, key: entry.path.replaceAll('/', '\0') }));
  keyed.sort(({ key: left }, { key: right }) => (left < right ? -1 : left > right ? 1 : 0));
  return keyed.map(({ entry }) => entry);
}

function isInside(path: string): boolean {
  return path !== '' && !path.startsWith('/') && !path.split('/').includes('..');
}

function namesGit(path: string): boolean {
  return path.split('/').includes('.git');
}

function excluder(globs: readonly string[], names: readonly string[]): (path: string) => boolean {
  const tests = globs.flatMap((glob) => {
    const pattern = pathPattern(glob, names);
    return pattern === 'outside' || globProblem(pattern.glob) !== undefined
      ? []
      : [compileGlob(pattern.glob, { dialect: 'doublestar' })];
  });
  return (path) => tests.some((test) => test(path));
}

interface OpenDirectory {
  readonly path: string;
  /** Patterns that may still match something below. */
  readonly active: readonly PathPattern[];
  /** Patterns that matched this directory or one above it. */
  readonly covering: readonly PathPattern[];
}

async function walkMatches(
  root: string,
  patterns: readonly PathPattern[],
  excluded: (path: string) => boolean,
  { signal, onFound }: SelectOptions,
) {
  const entries: TreeEntry[] = [];
  const skipped: SkippedPath[] = [];
  const found = new Set<PathPattern>();
  const breathe = timeSlices(signal);
  const whole = patterns.filter((pattern) => pattern.glob === '');
  const open: OpenDirectory[] = patterns.length === 0 ? [] : [{ path: '', active: patterns, covering: whole }];
  for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
    const { path: at, active, covering } = directory;
    const listed = listDirectory(root, at);
    if ('because' in listed) {
      if (at === '' && errorCode(listed.error) !== 'ENOENT') throw listed.error;
      if (covering.length > 0) skipped.push({ path: at, because: listed.because });
      continue;
    }
    for (const child of listed.children) {
      const { path } = child;
      const isGit = path.endsWith('.git') && (path === '.git' || path.endsWith('/.git'));
      const usable = isGit ? active.filter((pattern) => pattern.takesGit) : active;
      const above = isGit ? covering.filter((pattern) => pattern.takesGit) : covering;
      const matching = usable.filter((pattern) => pattern.matches(path));
      const now = matching.length === 0 ? above : [...new Set([...above, ...matching])];
      const deeper = child.type === 'directory' ? usable.filter((pattern) => pattern.mayMatchBelow(path)) : [];
      if (now.length > 0 && !excluded(path)) take(root, path, now, { entries, skipped, found });
      if (child.type === 'directory' && (now.length > 0 || deeper.length > 0)) {
        open.push({ path, active: deeper, covering: now });
      }
    }
    onFound?.(entries.length);
    await breathe();
  }
  return { entries, skipped, found };
}

function take(
  root: string,
  path: string,
  by: readonly PathPattern[],
  into: { readonly entries: TreeEntry[]; readonly skipped: SkippedPath[]; readonly found: Set<PathPattern> },
): void {
  const entry = readEntry(root, path);
  if (entry === undefined) return;
  if ('because' in entry) {
    into.skipped.push(entry);
    return;
  }
  into.entries.push(entry);
  for (const pattern of by) into.found.add(pattern);
}
