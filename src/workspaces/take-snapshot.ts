import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileErrors } from '../model/file-errors.ts';
import type { FileTree } from '../model/files.ts';
import { errorCode, noteBytesNeeded } from '../util/files/file-problem.ts';
import { isUnreadable } from '../util/files/is-unreadable.ts';
import { removeTree } from '../util/files/remove-tree.ts';
import { newDirectory, publish, reclaim, removeUnused, type Usage } from '../util/files/shared-store.ts';
import type { SkippedPath, TreeEntry } from '../util/files/tree-entry.ts';
import { walkTree } from '../util/files/walk-tree.ts';
import { writeFileAtomic } from '../util/files/write-file-atomic.ts';
import { randomHex } from '../util/random-hex.ts';
import { type EarlySnapshot, startEarly } from './early-snapshot.ts';
import { type FilledSnapshot, placeAll, startFilling } from './fill-snapshot.ts';
import type { AskGit } from './git-question.ts';
import { currentSnapshot, type EarlyLook, findLastSnapshot, type LastSnapshot } from './last-snapshot.ts';
import { listTreeFiles } from './list-tree-files.ts';
import type { TreeSize } from './look-again.ts';
import { type RepositoryFacts, readRepository, writeRepository } from './snapshot-git.ts';
import { compareWith, isAllUnchanged, type SnapshotManifest, writeManifest } from './snapshot-manifest.ts';

/** What to take a snapshot of and where to keep it. */
export interface SnapshotRequest {
  /** Absolute. */
  readonly projectRoot: string;
  /**
   * Top of the git working tree that the project lies in; absent: no repository, everything but `.git` is copied.
   * Only if it is the project root itself does the snapshot have a `.git`; a project below it has its own files alone.
   */
  readonly topLevel?: string;
  /** Directory of this project's snapshots alone; made if missing. */
  readonly storeDirectory: string;
  readonly git: AskGit;
  /** Milliseconds since the Unix epoch, now. */
  readonly nowMs: number;
  /** A look at the last snapshot's files that was begun before. It stays the caller's. */
  readonly early?: EarlyLook | undefined;
  readonly signal?: AbortSignal;
}

/** An immutable copy of a working tree; dispose when no job needs it any more. It is kept for the next run to share. */
export interface Snapshot extends AsyncDisposable {
  readonly tree: FileTree & { readonly id: string };
  /** Object directories of the user that the snapshot's `.git` reads from, for a container to bind read-only. */
  readonly gitObjects: readonly string[];
  readonly files: number;
  readonly bytes: number;
  /** How much was taken over from the snapshot before. */
  readonly reused: 'all' | 'some' | 'none';
  /** Files read and copied anew. */
  readonly copied: number;
  readonly skipped: readonly SkippedPath[];
}

const attempts = 3;

/**
 * Copies the working tree as it is now, with uncommitted changes and untracked files that are not ignored. A tree without
 * any change is the last snapshot itself. Otherwise the last one becomes the new one, with what changed copied anew, or
 * where somebody still uses it, the new one shares its unchanged files by hard link. Several processes may do so at once.
 * Old snapshots that nobody uses are removed.
 * @throws SystemError when the disk is full, a directory can't be written, or git fails.
 */
export function takeSnapshot(request: SnapshotRequest): Promise<Snapshot> {
  return withFileErrors({ doing: 'copy the working tree', path: request.storeDirectory }, async () => {
    // Other users of the machine may not read a copy of what they could not read.
    await mkdir(request.storeDirectory, { recursive: true, mode: 0o700 });
    for (let attempt = 1; ; attempt++) {
      try {
        return await tryToTake(request, attempt === 1 ? request.early : undefined);
      } catch (error) {
        // A file that went away while it was copied: look again.
        if (errorCode(error) !== 'ENOENT' || attempt === attempts) throw error;
      }
    }
  });
}

async function tryToTake(request: SnapshotRequest, look: EarlyLook | undefined): Promise<Snapshot> {
  const { storeDirectory, projectRoot, signal } = request;
  const previous = await findLastSnapshot(storeDirectory, look);
  const ask = request.topLevel === undefined ? undefined : request.git;
  const ahead = look?.ahead;
  // With no snapshot before all is copied: while the files are still looked at.
  const early = previous === undefined ? await startEarly({ ...request, threads: look?.threads }) : undefined;
  let keepUsage = false;
  try {
    const [found, repository] = await Promise.all([
      listTreeFiles(projectRoot, ask, { signal, watch: early, look: previous?.look?.files, ahead }),
      ask !== undefined && request.topLevel === projectRoot ? readRepository(projectRoot, ahead ?? ask) : undefined,
    ]);
    if (found.kind === 'unchanged' && previous !== undefined && isSameRepository(repository, previous.manifest)) {
      keepUsage = true;
      const { size, entries } = found.looked;
      return snapshotOf(request, previous, { size, entries, repository, reused: 'all', copied: 0, skipped: [] });
    }
    const listed = found.kind === 'listed' ? found : { entries: found.looked.entries(), skipped: [] };
    const unreadable = listed.entries
      .filter((entry) => isUnreadable(projectRoot, entry))
      .map(({ path }) => ({ path, because: 'EACCES' }));
    const without = new Set(unreadable.map(({ path }) => path));
    const entries = without.size === 0 ? listed.entries : listed.entries.filter(({ path }) => !without.has(path));
    const skipped = [...listed.skipped, ...unreadable];
    const contents = { size: sizeOf(entries), entries: () => entries, repository, skipped };
    if (
      previous !== undefined &&
      isSameRepository(repository, previous.manifest) &&
      isAllUnchanged(entries, previous.manifest)
    ) {
      keepUsage = true;
      return snapshotOf(request, previous, { ...contents, reused: 'all', copied: 0 });
    }
    const built = await build(request, { entries, repository, previous, early });
    const reused = built.linked > 0 ? 'some' : 'none';
    return snapshotOf(request, built, { ...contents, reused, copied: built.copied });
  } finally {
    await early?.[Symbol.asyncDispose]();
    if (!keepUsage) await previous?.usage.release();
  }
}

function isSameRepository(repository: RepositoryFacts | undefined, manifest: SnapshotManifest): boolean {
  return (repository?.state ?? '') === manifest.gitState;
}

function sizeOf(entries: readonly TreeEntry[]): TreeSize {
  const files = entries.filter((entry) => entry.type === 'file');
  return { files: files.length, bytes: files.reduce((sum, entry) => sum + entry.sizeBytes, 0) };
}

interface Built {
  readonly id: string;
  readonly usage: Usage;
  readonly linked: number;
  readonly copied: number;
}

interface Building {
  readonly entries: readonly TreeEntry[];
  readonly repository: RepositoryFacts | undefined;
  readonly previous: LastSnapshot | undefined;
  readonly early: EarlySnapshot | undefined;
}

async function build(request: SnapshotRequest, building: Building): Promise<Built> {
  const { storeDirectory: store, nowMs } = request;
  const { entries, repository, previous, early } = building;
  const old = previous && (await reclaim(store, previous.id, previous.usage));
  const directory = old ?? early?.directory ?? (await newDirectory(store));
  try {
    const tree = join(directory, 'tree');
    await mkdir(tree, { recursive: true });
    // Never a snapshot that its manifest does not describe.
    await rm(join(directory, 'manifest'), { force: true });
    await removeTree(join(tree, '.git'));
    const filled = await fill(request, building, old === undefined ? 'new' : 'update', tree).catch((error: unknown) => {
      throw noteBytesNeeded(error, () => entries.reduce((sum, entry) => sum + entry.sizeBytes, 0));
    });
    if (repository !== undefined) await writeRepository(repository, tree);
    await writeManifest(join(directory, 'manifest'), {
      // Before the first file was looked at.
      takenAtMs: Math.min(nowMs, previous?.look?.begunAtMs ?? nowMs),
      gitState: repository?.state ?? '',
      entries: filled.entries,
    });
    const id = `s-${nowMs.toString(36)}-${randomHex(6)}`;
    const usage = await publish(store, directory, id);
    await writeFileAtomic(join(store, 'current'), `${id}\n`, { durable: 'fast' });
    await removeUnused(store, 's-', (other) => other === currentSnapshot(store));
    return { id, usage, linked: filled.linked, copied: filled.copied };
  } catch (error) {
    await removeTree(directory);
    throw error;
  }
}

async function fill(
  { projectRoot, storeDirectory, signal }: SnapshotRequest,
  { entries, previous, early }: Building,
  way: 'new' | 'update',
  tree: string,
): Promise<FilledSnapshot> {
  const begun = early?.filling();
  if (begun !== undefined) return begun.finish(entries);
  const { changed, outdated } = compareWith(entries, previous?.manifest);
  const old = previous && {
    tree: way === 'update' ? tree : join(storeDirectory, previous.id, 'tree'),
    outdated,
  };
  await using filling = startFilling({ projectRoot, tree, old, changed, expectedFiles: changed.size, signal });
  await placeAll(filling, entries, signal);
  return filling.finish(entries);
}

/** The files are as those of the user's that they were copied from; the repository is ours. */
async function contentsOf(root: string, entries: readonly TreeEntry[]): Promise<readonly TreeEntry[]> {
  const own = entries.map((entry) => (entry.nlink === 1 ? entry : { ...entry, nlink: 1 }));
  if (!existsSync(join(root, '.git'))) return own;
  const repository = await walkTree(join(root, '.git'));
  return [...own, ...repository.entries.map((entry) => ({ ...entry, path: `.git/${entry.path}` }))];
}

function snapshotOf(
  request: SnapshotRequest,
  { id, usage }: { readonly id: string; readonly usage: Usage },
  made: {
    readonly size: TreeSize;
    readonly entries: () => readonly TreeEntry[];
    readonly repository: RepositoryFacts | undefined;
    readonly reused: Snapshot['reused'];
    readonly copied: number;
    readonly skipped: readonly SkippedPath[];
  },
): Snapshot {
  const { files, bytes } = made.size;
  const root = join(request.storeDirectory, id, 'tree');
  return {
    tree: { root, immutable: true, id, size: made.size, contents: () => contentsOf(root, made.entries()) },
    gitObjects: made.repository?.objects ?? [],
    files,
    bytes,
    reused: made.reused,
    copied: made.copied,
    skipped: made.skipped,
    [Symbol.asyncDispose]: () => usage.release(),
  };
}
