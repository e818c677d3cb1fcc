import { lstatSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { FileSelection, FileTree, TakenFiles } from '../model/files.ts';
import { SystemError } from '../model/outcome.ts';
import { cloneTree, linkOrCopyTree } from '../util/files/clone-tree.ts';
import { explainFileError } from '../util/files/file-problem.ts';
import { fingerprintOf } from '../util/files/fingerprint.ts';
import { isUnreadable } from '../util/files/is-unreadable.ts';
import { mayTake, type SelectedFiles, selectFiles, sortedByPath } from '../util/files/select-files.ts';
import type { TreeEntry } from '../util/files/tree-entry.ts';
import { readEntry } from '../util/files/walk-tree.ts';
import { writeFileAtomic } from '../util/files/write-file-atomic.ts';
import { runCommand } from '../util/process-command.ts';
import type { FilledWorkspace, Workspace, WorkspaceLayers } from '../workspaces/open-workspace.ts';
import { originsOf } from '../workspaces/origins-of.ts';
import type { SessionFiles } from './executor.ts';
import { readRegularFile } from './read-regular-file.ts';

/** Files of a session whose directory is one of this machine. */
export function localFiles(options: {
  /** Absolute path in the session. */
  readonly directory: string;
  /** Absent: the directory is used as it is. */
  readonly workspace?: Workspace;
  /** `PATH` in which git is looked for. */
  readonly path: string;
  /** Nobody will write to the job's files any more: what is taken may be hard links to them. */
  mayLink(): boolean;
  /** See SessionFiles.refuses; given an absolute path. */
  refuses?(at: string): Promise<string | undefined>;
}): SessionFiles {
  const { directory, workspace, refuses } = options;
  const threads = workspace?.threads === undefined ? {} : { threads: workspace.threads };
  /** An absolute path, and where this process sees that. */
  const place = async (path: string, signal?: AbortSignal): Promise<Place> => {
    const inSession = resolve(directory, path);
    const below = relative(directory, inSession);
    const isInside = below === '' || !(below.startsWith('..') || isAbsolute(below));
    const isAbove = !isInside && isBelow(directory, inSession);
    if (workspace === undefined || !(isInside || isAbove)) return { inSession, seenAt: inSession, isInside, below };
    const filled = await workspace.fill(signal);
    // What is mounted at the directory shows below what is above it, too, wherever that is seen.
    if (isAbove) return { inSession, seenAt: rootOf(filled.seenAt, directory) + inSession, isInside, below };
    return { inSession, seenAt: join(filled.seenAt, below), isInside, below, filled };
  };
  const select = async (
    selection: FileSelection,
    base: Place,
    signal: AbortSignal,
    onFound?: (entries: number) => void,
  ): Promise<SelectedFiles> => {
    const { untracked: _, base: __, ...wanted } = selection;
    const untracked = selection.untracked ? await untrackedFiles(base.seenAt, options.path, signal) : [];
    const alsoKnownAs = base.seenAt === base.inSession ? [] : [base.inSession];
    return selectFiles(base.seenAt, { ...wanted, untracked, alsoKnownAs }, { signal, ...(onFound && { onFound }) });
  };
  return {
    ...(refuses === undefined ? {} : { refuses: (at: string) => refuses(resolve(directory, at)) }),
    put: (tree, at, signal) =>
      explained('put files into the job', async () => {
        const whole = tree.immutable && tree.entries === undefined && resolve(directory, at) === directory;
        if (whole && workspace !== undefined) await workspace.lay(tree, signal);
        else await putTree(await place(directory, signal), await place(at, signal), tree, signal);
        if (!whole) workspace?.settle();
      }),
    get: (selection, into, signal) =>
      explained("take the job's files", async () => {
        const base = await place(selection.base ?? '.', signal);
        const found = await select(selection, base, signal, workspace?.threads?.expect);
        const selected = withoutUnreadable(found, base.seenAt);
        const tree = { root: base.seenAt, entries: selected.entries };
        const how = { signal, ...threads };
        const { entries } = options.mayLink()
          ? await linkOrCopyTree(tree, into, { ...how, linkFrom: linksTo(selected.entries, base) })
          : await cloneTree(tree, into, how);
        // Only copies are made of the list; a layer is mounted as it is.
        return { ...taken(selected), ...(workspace?.threads === undefined ? {} : { laid: entries }) };
      }),
    sameAs: (tree, selection, signal) =>
      explained("look at the job's files", async () => {
        const base = await place(selection.base ?? '.', signal);
        if (base.filled?.layers && isUntouched(tree, selection, base.filled.layers, directory)) return tree.takenBy;
        if (tree.fingerprint === undefined) return undefined;
        const { entries, unmatched, outside } = await select(selection, base, signal);
        if (entries.some((entry) => isWritten(entry, base))) return undefined;
        const same = fingerprintOf(withParents(base.seenAt, entries)) === tree.fingerprint;
        return same ? { unmatched, outside } : undefined;
      }),
    read: (path, maxBytes) =>
      explained('read a file of the job', async () => readRegularFile((await place(path)).seenAt, maxBytes)),
    write: (path, content, mode) =>
      explained('write a file for the job', async () => {
        const { seenAt, isInside } = await place(path);
        if (isInside) workspace?.settle();
        await mkdir(dirname(seenAt), { recursive: true });
        await writeFileAtomic(seenAt, content, { mode, durable: 'fast' });
        // Whatever the umask.
        await chmod(seenAt, mode);
      }),
  };
}

function isBelow(path: string, directory: string): boolean {
  return path !== directory && path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}

/** Where this process sees the root of those who see `directory` at its own path. */
function rootOf(seenAt: string, directory: string): string {
  return seenAt.endsWith(directory) ? seenAt.slice(0, -directory.length) : '';
}

interface Place {
  /** Absolute, as the job's programs see it. */
  readonly inSession: string;
  /** Absolute, as this process sees it. */
  readonly seenAt: string;
  readonly isInside: boolean;
  /** Relative to the session's directory; `''` is that itself. */
  readonly below: string;
  readonly filled?: FilledWorkspace;
}

/** Below the job's directory no link that a job made is followed; elsewhere the path is taken as it is. */
async function putTree(directory: Place, target: Place, tree: FileTree, signal: AbortSignal): Promise<void> {
  const { below } = target;
  if (!target.isInside || below === '') await cloneTree(tree, target.seenAt, { signal });
  else await cloneTree(tree, directory.seenAt, { signal, rename: (path) => `${below}/${path}` });
}

/** The same selection gave this layer, and takes nothing from the other ones or from what the job changed. */
export function isUntouched(
  tree: FileTree,
  selection: FileSelection,
  { lowestFirst, changes }: WorkspaceLayers,
  directory: string,
): boolean {
  if (tree.takenBy === undefined || selection.untracked || selection.base !== undefined) return false;
  if (!lowestFirst.includes(tree) || !isDeepStrictEqual(tree.takenBy.selection, selection)) return false;
  const { paths, exclude } = selection;
  const others = lowestFirst.filter((layer) => layer !== tree).map(({ root }) => root);
  return ![...others, changes].some((root) => mayTake(root, { paths, exclude, alsoKnownAs: [directory] }));
}

/**
 * Package managers give all files one time, so a changed file may look as before: it is told by where it lies, or by a
 * time that nobody sets.
 */
function isWritten({ path, type, ctimeMs }: TreeEntry, base: Place): boolean {
  if (type !== 'file' || base.filled === undefined) return false;
  const { layers, settledAtMs } = base.filled;
  if (layers === undefined) return settledAtMs !== undefined && ctimeMs > settledAtMs;
  return lstatSync(join(layers.changes, base.below, path), { throwIfNoEntry: false })?.isFile() ?? false;
}

/** What is selected, with the directories in which it lies, as a copy of it has them. */
function withParents(root: string, entries: readonly TreeEntry[]): readonly TreeEntry[] {
  const known = new Set(entries.map(({ path }) => path));
  const parents: TreeEntry[] = [];
  for (const { path } of entries) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash);
      if (known.has(parent)) break;
      known.add(parent);
      const entry = readEntry(root, parent);
      if (entry !== undefined && !('because' in entry)) parents.push(entry);
    }
  }
  return parents.length === 0 ? entries : sortedByPath([...parents, ...entries]);
}

function taken(selected: SelectedFiles): TakenFiles {
  return {
    entries: selected.entries.map(({ path, type, sizeBytes }) => ({ path, type, sizeBytes })),
    totalBytes: selected.totalBytes,
    hasHardLinks: hasHardLinks(selected.entries),
    unmatched: selected.unmatched,
    outside: selected.outside,
    unreadable: selected.skipped.filter(({ because }) => because === 'EACCES').map(({ path }) => path),
  };
}

/** A file of which nobody but root may read the content could be linked into the store, and never be copied out of it. */
function withoutUnreadable(selected: SelectedFiles, root: string): SelectedFiles {
  const unreadable = new Set(selected.entries.filter((entry) => isUnreadable(root, entry)));
  if (unreadable.size === 0) return selected;
  const entries = selected.entries.filter((entry) => !unreadable.has(entry));
  const totalBytes = entries.reduce((sum, { type, sizeBytes }) => sum + (type === 'file' ? sizeBytes : 0), 0);
  const skipped = [...selected.skipped, ...Array.from(unreadable, ({ path }) => ({ path, because: 'EACCES' }))];
  return { ...selected, entries, totalBytes, skipped };
}

const identityOf = ({ dev, ino }: TreeEntry): string => `${dev}:${ino}`;

/** How many of the entries are names of each file that has several. */
function namesOfFiles(entries: readonly TreeEntry[]): ReadonlyMap<string, number> {
  const names = new Map<string, number>();
  for (const entry of entries) {
    if (entry.type !== 'file' || entry.nlink === 1) continue;
    names.set(identityOf(entry), (names.get(identityOf(entry)) ?? 0) + 1);
  }
  return names;
}

/** A file that has names besides those that are taken may be written to under one of them. */
function sharedElsewhere(entries: readonly TreeEntry[]): (entry: TreeEntry) => boolean {
  const names = namesOfFiles(entries);
  return (entry) => entry.nlink > 1 && entry.nlink > (names.get(identityOf(entry)) ?? 0);
}

/** Which files a selected one may be a hard link to. */
function linksTo(
  entries: readonly TreeEntry[],
  { seenAt, below, filled }: Place,
): (entry: TreeEntry) => Iterable<string> {
  const layers = filled?.layers;
  if (layers === undefined) {
    const isShared = sharedElsewhere(entries);
    return (entry) => (isShared(entry) ? [] : [`${seenAt}/${entry.path}`]);
  }
  const above = below === '' ? '' : `${below}/`;
  return (entry) => originsOf({ ...entry, path: above + entry.path }, layers);
}

function hasHardLinks(entries: readonly TreeEntry[]): boolean {
  return [...namesOfFiles(entries).values()].some((count) => count > 1);
}

/** What git does not track below a directory, ignored files too; nothing where there is no repository. */
async function untrackedFiles(base: string, path: string, signal: AbortSignal): Promise<readonly string[]> {
  // The job may have written anything into its own git configuration.
  const safe = ['-c', 'core.fsmonitor=', '-c', 'core.hooksPath=/dev/null'];
  const env = { PATH: path, LC_ALL: 'C', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  const listing = await runCommand(['git', ...safe, '-c', 'safe.directory=*', 'ls-files', '--others', '-z'], {
    directory: base,
    env,
    signal,
  });
  return listing.code === 0 ? listing.stdout.split('\0').filter((name) => name !== '') : [];
}

async function explained<T>(doing: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const problem = explainFileError(error, { doing });
    if (problem === undefined) throw error;
    throw new SystemError('runner_system_failure', problem.message, {
      cause: error,
      ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    });
  }
}
