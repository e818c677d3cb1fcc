import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { withFileErrors } from '../model/file-errors.ts';
import type { FileTree, TakenFiles } from '../model/files.ts';
import type { Dependency, JobSpec } from '../model/job-spec.ts';
import type { ArtifactRecord } from '../model/outcome.ts';
import type { ArtifactPort, Fill, WorkspaceLayer } from '../model/ports.ts';
import { linkOrCopyTree } from '../util/files/clone-tree.ts';
import { errorCode } from '../util/files/file-problem.ts';
import { removeTree } from '../util/files/remove-tree.ts';
import type { TreeEntry } from '../util/files/tree-entry.ts';
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

/** One stored piece: `<job>/<kind>/<attempt>-<number>/{files/,record.json}`. */
interface Piece {
  readonly directory: string;
  readonly attempt: number;
  readonly number: number;
}

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

interface StoredRecord {
  readonly record: ArtifactRecord;
  readonly taken: Pick<TakenFiles, 'entries' | 'totalBytes' | 'hasHardLinks'>;
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
        const record = await publish(staging, join(jobDirectory(job.id), kind), job.attempt, taken, about);
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

/** The next free number of the attempt; `rename` to a name that is taken by a filled directory fails. */
async function publish(
  staging: string,
  into: string,
  attempt: number,
  taken: TakenFiles,
  about: { readonly type: string; readonly name: string },
): Promise<ArtifactRecord> {
  await mkdir(into, { recursive: true });
  for (let number = (await piecesIn(into)).length + 1; ; number++) {
    const directory = join(into, `${attempt}-${number}`);
    const record: ArtifactRecord = {
      type: about.type,
      name: about.name,
      path: join(directory, 'files'),
      files: taken.entries.filter((entry) => entry.type !== 'directory').length,
      totalBytes: taken.totalBytes,
    };
    const { entries, totalBytes, hasHardLinks = false } = taken;
    const stored: StoredRecord = { record, taken: { entries, totalBytes, hasHardLinks } };
    await writeFile(join(staging, 'record.json'), JSON.stringify(stored));
    try {
      await rename(staging, directory);
      return record;
    } catch (error) {
      if (errorCode(error) !== 'ENOTEMPTY' && errorCode(error) !== 'EEXIST') throw error;
    }
  }
}

async function piecesIn(directory: string): Promise<Piece[]> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
  return names
    .flatMap((name) => {
      const match = /^(\d+)-(\d+)$/.exec(name);
      return match ? [{ directory: join(directory, name), attempt: Number(match[1]), number: Number(match[2]) }] : [];
    })
    .sort((a, b) => a.attempt - b.attempt || a.number - b.number);
}

/** Those of the last try that left any. */
async function lastPieces(directory: string): Promise<Piece[]> {
  const pieces = await piecesIn(directory);
  return pieces.filter((piece) => piece.attempt === pieces.at(-1)!.attempt);
}

/** The path is of where it lies now: another run's record may have been taken over. */
async function readRecord({ directory }: Piece): Promise<StoredRecord> {
  const stored = JSON.parse(await readFile(join(directory, 'record.json'), 'utf8')) as StoredRecord;
  return { ...stored, record: { ...stored.record, path: join(directory, 'files') } };
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
