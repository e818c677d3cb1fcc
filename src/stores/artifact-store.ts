import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { withFileErrors } from '../model/file-errors.ts';
import type { FileTree, TakenFiles } from '../model/files.ts';
import type { Dependency, JobSpec } from '../model/job-spec.ts';
import type { ArtifactRecord } from '../model/outcome.ts';
import type { ArtifactPort, Fill, WorkspaceLayer } from '../model/ports.ts';
import { linkOrCopyTree } from '../util/files/clone-tree.ts';
import { removeTree } from '../util/files/remove-tree.ts';
import type { TreeEntry } from '../util/files/tree-entry.ts';
import { lastPieces, type Piece, publishPiece, readRecord } from './artifact-pieces.ts';
import { noteExpiry } from './expiring-artifacts.ts';
import { safeName } from './safe-name.ts';

/** A run's artifacts on this machine. */
export interface ArtifactStore extends ArtifactPort {
  /** What a job uploaded in its last try that uploaded anything. */
  records(jobId: string): Promise<readonly ArtifactRecord[]>;
  /**
   * Takes over what jobs uploaded and persisted in another run (`--failed`, `--from`), by hard link where possible.
   * @param otherArtifacts `Run.artifactsDirectory` of that run.
   */
  seedFrom(otherArtifacts: string, jobIds: readonly string[]): Promise<void>;
}

type Kind = 'uploads' | 'layers';

/** Lists of more entries than this, all together, don't stay in memory. */
const mostRemembered = 100_000;

/** What this process stored itself, by directory: it need not be read again. */
type Known = Map<string, KnownPiece>;

interface KnownPiece {
  readonly record: ArtifactRecord;
  readonly hasHardLinks: boolean;
  /** See `FileTree.contents`. */
  readonly contents?: readonly TreeEntry[];
}

/**
 * Keeps artifacts as directories of files that nobody changes. A piece appears under its name when it is complete.
 * @param directory `Run.artifactsDirectory`; made when needed.
 * @param now milliseconds since the Unix epoch.
 */
export function artifactStore(directory: string, now: () => number = Date.now): ArtifactStore {
  const jobDirectory = (jobId: string): string => join(directory, safeName(jobId));
  /** Jobs that have a directory. Nobody else writes here, and with many needs most jobs are asked for in vain. */
  let present: Promise<Set<string>> | undefined;
  const isPresent = async (jobId: string): Promise<boolean> => {
    present ??= readdir(directory)
      .catch(() => [])
      .then((names) => new Set(names));
    return (await present).has(safeName(jobId));
  };

  const known: Known = new Map();
  let remembered = 0;
  const remember = (record: ArtifactRecord, { laid, hasHardLinks = false }: TakenFiles): void => {
    const isKept = laid !== undefined && !hasHardLinks && remembered + laid.length <= mostRemembered;
    if (isKept) remembered += laid.length;
    known.set(dirname(record.path), { record, hasHardLinks, ...(isKept ? { contents: laid } : {}) });
  };

  const keep = (
    job: JobSpec,
    kind: Kind,
    fill: Fill,
    signal: AbortSignal,
    about: { readonly type: string; readonly name: string; readonly expiresAtMs?: number },
  ): Promise<ArtifactRecord | undefined> =>
    withFileErrors({ doing: `save the artifacts of ${job.id}`, path: directory }, async () => {
      signal.throwIfAborted();
      const staging = join(directory, `.new-${randomBytes(8).toString('hex')}`);
      const files = join(staging, 'files');
      await mkdir(files, { recursive: true });
      try {
        const taken = await fill(files);
        signal.throwIfAborted();
        if (taken.entries.length === 0) {
          await removeTree(staging);
          return undefined;
        }
        const record = await publishPiece(staging, join(jobDirectory(job.id), kind), job.attempt, taken, about);
        if (about.expiresAtMs !== undefined) noteExpiry(directory, dirname(record.path), about.expiresAtMs);
        if (record.type === 'archive') remember(record, taken);
        (await present)?.add(safeName(job.id));
        return record;
      } catch (error) {
        await removeTree(staging);
        throw error;
      }
    });

  return {
    fetch: ({ id, attempt, store }) =>
      withFileErrors({ doing: `read the artifacts of ${id}`, path: store ?? directory }, async () => {
        if (store !== undefined) return fetchArchive(join(store, safeName(id)), attempt, known);
        return (await isPresent(id)) ? fetchArchive(jobDirectory(id), attempt, known) : undefined;
      }),
    store: (job, step, fill, signal) =>
      keep(job, 'uploads', fill, signal, {
        ...{ type: step.type, name: step.name ?? 'artifacts' },
        ...(step.expireInMs === undefined ? {} : { expiresAtMs: now() + step.expireInMs }),
      }),
    persist: async (job, fill, signal) => {
      await keep(job, 'layers', fill, signal, { type: 'workspace', name: 'workspace' });
    },
    workspaceLayers: async (from) =>
      (await Promise.all(from.map((each) => layersOf(jobDirectory(each.id), each)))).flat(),
    records: async (jobId) => {
      const pieces = await lastPieces(join(jobDirectory(jobId), 'uploads'));
      return Promise.all(pieces.map(async (piece) => (await readRecord(piece)).record));
    },
    seedFrom: (otherArtifacts, jobIds) =>
      withFileErrors({ doing: 'take over artifacts of another run', path: directory }, async () => {
        for (const jobId of jobIds) {
          await seed(join(otherArtifacts, safeName(jobId)), directory, jobDirectory(jobId));
          (await present)?.add(safeName(jobId));
        }
      }),
  };
}

async function knownPiece(piece: Piece, known: Known): Promise<KnownPiece> {
  const before = known.get(piece.directory);
  if (before !== undefined) return before;
  const { record, taken } = await readRecord(piece);
  const read = { record, hasHardLinks: taken.hasHardLinks ?? false };
  known.set(piece.directory, read);
  return read;
}

async function fetchArchive(
  jobDirectory: string,
  attempt: number | undefined,
  known: Known,
): Promise<FileTree | undefined> {
  const archives: (Piece & KnownPiece)[] = [];
  for (const piece of await lastPieces(join(jobDirectory, 'uploads'))) {
    // A try that left nothing has no artifacts, whatever a failed one before it left.
    if (attempt !== undefined && piece.attempt !== attempt) continue;
    const about = await knownPiece(piece, known);
    if (about.record.type === 'archive') archives.push({ ...piece, ...about });
  }
  const [first, ...more] = archives;
  if (first === undefined) return undefined;
  const size = {
    files: archives.reduce((sum, { record }) => sum + record.files, 0),
    bytes: archives.reduce((sum, { record }) => sum + record.totalBytes, 0),
  };
  const hasHardLinks = archives.some((each) => each.hasHardLinks);
  if (more.length === 0) {
    const { directory, contents } = first;
    return {
      root: join(directory, 'files'),
      immutable: true,
      id: directory,
      size,
      hasHardLinks,
      ...(contents === undefined ? {} : { contents: () => Promise.resolve(contents) }),
    };
  }
  const root = join(jobDirectory, `merged-${first.attempt}-${archives.length}`);
  if (!existsSync(root)) await merge(archives, jobDirectory, root);
  return { root, immutable: true, id: root, size, hasHardLinks };
}

async function merge(pieces: readonly Piece[], jobDirectory: string, root: string): Promise<void> {
  const staging = join(jobDirectory, `.new-${randomBytes(8).toString('hex')}`);
  try {
    for (const piece of pieces) await linkOrCopyTree({ root: join(piece.directory, 'files') }, staging);
    await rename(staging, root);
  } catch (error) {
    await removeTree(staging);
    // Another job of this run was faster.
    if (!existsSync(root)) throw error;
  }
}

async function layersOf(jobDirectory: string, { id }: Dependency): Promise<readonly WorkspaceLayer[]> {
  const pieces = await lastPieces(join(jobDirectory, 'layers'));
  return Promise.all(
    pieces.map(async (piece) => ({
      job: id,
      tree: { root: join(piece.directory, 'files'), immutable: true, id: piece.directory },
      entries: (await readRecord(piece)).taken.entries,
    })),
  );
}

async function seed(from: string, directory: string, to: string): Promise<void> {
  if (!existsSync(from) || existsSync(to)) return;
  const staging = join(directory, `.new-${randomBytes(8).toString('hex')}`);
  try {
    await linkOrCopyTree({ root: from }, staging, {
      rename: (path) => (path.startsWith('merged-') || path.startsWith('.new-') ? undefined : path),
    });
    await rename(staging, to);
  } catch (error) {
    await removeTree(staging);
    throw error;
  }
}
