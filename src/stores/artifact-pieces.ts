import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TakenFiles } from '../model/files.ts';
import type { ArtifactRecord } from '../model/outcome.ts';
import { errorCode } from '../util/files/file-problem.ts';

/** One stored piece: `<job>/<kind>/<attempt>-<number>/{files/,record.json}`. */
export interface Piece {
  readonly directory: string;
  readonly attempt: number;
  readonly number: number;
}

/** What lies beside the files of a piece. */
export interface StoredRecord {
  readonly record: ArtifactRecord;
  readonly taken: Pick<TakenFiles, 'entries' | 'totalBytes' | 'hasHardLinks'>;
}

/** The next free number of the attempt; `rename` to a name that is taken by a filled directory fails. */
export async function publishPiece(
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
export async function lastPieces(directory: string): Promise<Piece[]> {
  const pieces = await piecesIn(directory);
  return pieces.filter((piece) => piece.attempt === pieces.at(-1)!.attempt);
}

/** The path is of where it lies now: another run's record may have been taken over. */
export async function readRecord({ directory }: Piece): Promise<StoredRecord> {
  const stored = JSON.parse(await readFile(join(directory, 'record.json'), 'utf8')) as StoredRecord;
  return { ...stored, record: { ...stored.record, path: join(directory, 'files') } };
}
