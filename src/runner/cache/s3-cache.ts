import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { withFileErrors } from '../../model/file-errors.ts';
import type { FileTree } from '../../model/files.ts';
import { SystemError } from '../../model/outcome.ts';
import type { CacheHit, CachePort, Fill } from '../../model/ports.ts';
import { ArchiveError } from '../../util/archive/archive-error.ts';
import { packZip } from '../../util/archive/pack-zip.ts';
import { unpackZip } from '../../util/archive/unpack-zip.ts';
import { walkTree } from '../../util/files/walk-tree.ts';
import { writeFileAtomic } from '../../util/files/write-file-atomic.ts';
import { artifactFormatOf } from '../network/artifact-tries.ts';
import type { S3Bucket } from './s3-bucket.ts';

/** What keeping caches in a bucket needs. */
export interface S3CacheGiven {
  readonly bucket: S3Bucket;
  /** Copies of what is in the bucket, so that only what has changed is downloaded. */
  readonly local: CachePort;
  /** Where it is remembered which copies they are; absolute. */
  readonly tags: string;
  /** Absolute and of this job alone; what is in it is removed with it. */
  readonly directory: string;
  /** Bytes; 0: any size. */
  readonly maxUploadedArchiveSize: number;
  /** Of a key's object. @throws SystemError */
  readonly nameOf: (key: string) => string;
}

/**
 * Caches of a server's jobs in a bucket, as zip archives; keys are exact. What is in the bucket counts: what is here alone is
 * no cache.
 */
export function s3Cache(given: S3CacheGiven): CachePort {
  const { local } = given;
  return {
    restore: (key, _, signal) =>
      onDisk(`restore the cache ${key}`, given, async () => {
        const name = given.nameOf(key);
        const here = await local.restore(key, 'exact', signal);
        const etag = here === undefined ? undefined : await readTag(given, name, here.tree);
        const archive = await scratch(given);
        const got = await given.bucket.get(name, archive, { etag }, signal);
        if (got.kind === 'missing') return undefined;
        if (got.kind === 'unchanged') return here;
        const saved = await local.save(key, { overwrite: true }, unpacking(archive, signal), signal);
        await rm(archive);
        return saved === 'saved' ? remembered(given, { key, name, etag: got.etag }, signal) : undefined;
      }),
    save: (key, options, fill, signal) =>
      onDisk(`save the cache ${key}`, given, async () => {
        const name = given.nameOf(key);
        const result = await local.save(key, options, fill, signal);
        if (result !== 'saved') return result;
        const hit = await local.restore(key, 'exact', signal);
        if (hit === undefined)
          throw new SystemError('runner_system_failure', 'it was removed while it was being saved');
        const file = await packed(given, hit.tree, signal);
        const etag = await given.bucket.put(name, file, signal);
        await rm(file.path);
        await writeTag(given, name, { etag, version: hit.tree.id });
        return result;
      }),
  };
}

function onDisk<T>(doing: string, { directory }: S3CacheGiven, work: () => Promise<T>): Promise<T> {
  return withFileErrors({ doing, path: directory }, work);
}

async function scratch({ directory }: S3CacheGiven): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return join(directory, `cache-${randomBytes(6).toString('hex')}.zip`);
}

/** @throws SystemError for one that is too large to be kept. */
async function packed(
  given: S3CacheGiven,
  { root, entries }: FileTree,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly sizeBytes: number }> {
  const path = await scratch(given);
  const tree = { root, ...(entries === undefined ? {} : { entries }) };
  await pipeline(await packZip(tree, { signal }), createWriteStream(path, { mode: 0o600 }), { signal });
  const { size: sizeBytes } = await stat(path);
  const { maxUploadedArchiveSize: most } = given;
  if (most <= 0 || sizeBytes <= most) return { path, sizeBytes };
  await rm(path);
  const what = `the archive has ${sizeBytes} bytes, and \`MaxUploadedArchiveSize\` is ${most}`;
  throw new SystemError('runner_system_failure', what, { hint: 'cache less' });
}

function unpacking(archive: string, signal: AbortSignal): Fill {
  return async (directory) => {
    const format = await formatOf(archive);
    if (format !== 'zip') {
      throw new SystemError('runner_system_failure', `the cache is packed as ${format}, and only zip can be read here`);
    }
    try {
      await unpackZip(archive, directory, { symlinks: 'literal', signal });
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      throw new SystemError('runner_system_failure', `the cache can't be unpacked: ${error.message}`, { cause: error });
    }
    const { entries } = await walkTree(directory, { signal });
    const totalBytes = entries.reduce((sum, { type, sizeBytes }) => sum + (type === 'file' ? sizeBytes : 0), 0);
    return { entries, totalBytes, unmatched: [], outside: [] };
  };
}

async function formatOf(path: string): Promise<ReturnType<typeof artifactFormatOf>> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
  return artifactFormatOf(buffer);
}

/** What was just unpacked, and from now on is known to be the same as the bucket's. */
async function remembered(
  given: S3CacheGiven,
  { key, name, etag }: { readonly key: string; readonly name: string; readonly etag: string },
  signal: AbortSignal,
): Promise<CacheHit | undefined> {
  const hit = await given.local.restore(key, 'exact', signal);
  if (hit !== undefined) await writeTag(given, name, { etag, version: hit.tree.id });
  return hit;
}

/** Which object a copy is: its `ETag`, and the id of the copy. */
interface Tag {
  readonly etag: string;
  readonly version: string | undefined;
}

function tagPath({ tags }: S3CacheGiven, name: string): string {
  return join(tags, createHash('sha256').update(name).digest('hex'));
}

async function writeTag(given: S3CacheGiven, name: string, tag: Tag): Promise<void> {
  if (tag.etag === '' || tag.version === undefined) return;
  await mkdir(given.tags, { recursive: true, mode: 0o700 });
  await writeFileAtomic(tagPath(given, name), JSON.stringify(tag), { durable: 'fast' });
}

/** The `ETag` of the object that a copy was made of, if it is known. */
async function readTag(given: S3CacheGiven, name: string, { id }: FileTree): Promise<string | undefined> {
  const text = await readFile(tagPath(given, name), 'utf8').catch(() => '');
  try {
    const { etag, version } = JSON.parse(text) as Partial<Tag>;
    return typeof etag === 'string' && version === id && id !== undefined ? etag : undefined;
  } catch {
    return undefined;
  }
}
