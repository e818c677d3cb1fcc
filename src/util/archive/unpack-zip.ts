import { lstatSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { ArchiveError, type ArchiveErrorKind } from './archive-error.ts';
import { entryName } from './entry-name.ts';
import { type SymlinkPolicy, type TreeWriter, treeWriter, type UnpackedEntry } from './tree-writer.ts';
import { type UnpackLimits, unpackAccount, unpackDefaults } from './unpack-limits.ts';

/** Names of links are short; more is meant to fill the memory. */
const longestLink = 4096;
const typeMask = 0o170000;
const linkType = 0o120000;
/** What deflate packs best is 1032 times smaller: more can only come of entries that lie on each other. */
const bestRatio = 1032;
const fileType = 0o100000;
const directoryType = 0o040000;

/**
 * Unpacks a zip file into an existing directory, with the care of `unpackTar`. Modes are kept where the archive was made
 * on a Unix.
 * @param options.symlinks as for `unpackTar`. @returns what was written, in the archive's order.
 * @throws ArchiveError when refused; the error of the operating system when writing fails. Both leave the directory
 * half filled, and nothing outside of it.
 */
export async function unpackZip(
  path: string,
  intoDirectory: string,
  options: { readonly limits?: UnpackLimits; readonly symlinks?: SymlinkPolicy; readonly signal?: AbortSignal } = {},
): Promise<readonly UnpackedEntry[]> {
  options.signal?.throwIfAborted();
  const limits = { ...unpackDefaults, maxRatio: bestRatio, ...options.limits };
  const writer = treeWriter(intoDirectory, options.symlinks ?? 'inside');
  const sizeBytes = lstatSync(path).size;
  const account = unpackAccount(limits, () => sizeBytes);
  const { openPromise } = await import('yauzl');
  let zip: ZipFile | undefined;
  try {
    // Names are checked here; the library's own check says less of what is wrong.
    zip = await openPromise(path, { lazyEntries: true, autoClose: false, decodeStrings: true, strictFileNames: false });
    for await (const entry of zip.eachEntry()) {
      options.signal?.throwIfAborted();
      account.entry(entry.fileName, entry.uncompressedSize);
      await unpackEntry(zip, entry, writer, limits);
    }
    return writer.finish();
  } catch (error) {
    options.signal?.throwIfAborted();
    throw asArchiveError(error);
  } finally {
    zip?.close();
  }
}

async function unpackEntry(
  zip: ZipFile,
  entry: Entry,
  writer: TreeWriter,
  limits: typeof unpackDefaults,
): Promise<void> {
  const name = entry.fileName;
  const path = entryName(name, limits);
  const mode = modeOf(entry);
  const attributes = { mode: mode & 0o777, mtimeMs: entry.getLastModDate().getTime() };
  const type = name.endsWith('/') ? directoryType : mode & typeMask;
  if (type === directoryType) writer.directory(path, attributes, name);
  else if (type === linkType) writer.symlink(path, await readLink(zip, entry), attributes, name);
  else if (type === fileType) {
    const content = checked(await zip.openReadStreamPromise(entry), entry);
    await writer.file(path, content, entry.uncompressedSize, attributes, name);
  } else throw new ArchiveError('type', 'an entry is no file, directory or link', name);
}

/** The library compares sizes, and not the content's checksum. @throws ArchiveError at the end of other content. */
async function* checked(
  stream: AsyncIterable<Uint8Array>,
  { crc32: wanted, fileName }: Entry,
): AsyncGenerator<Uint8Array> {
  let sum = 0;
  for await (const chunk of stream) {
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (sum !== wanted) throw new ArchiveError('corrupt', 'the content of an entry is damaged', fileName);
}

/** Type and permissions; those of a plain file where the archive was made on another system. */
function modeOf({ versionMadeBy, externalFileAttributes, fileName }: Entry): number {
  const unix = versionMadeBy >> 8 === 3 ? externalFileAttributes >>> 16 : 0;
  if (unix !== 0) return (unix & typeMask) === 0 ? unix | fileType : unix;
  return fileName.endsWith('/') ? directoryType | 0o755 : fileType | 0o644;
}

async function readLink(zip: ZipFile, entry: Entry): Promise<string> {
  if (entry.uncompressedSize > longestLink) {
    throw new ArchiveError('bad-name', 'a link points to nothing', entry.fileName);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString();
}

function asArchiveError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof ArchiveError) return error;
  if ((error as NodeJS.ErrnoException).syscall !== undefined) return error;
  // What the library, or zlib, says of the archive.
  const kind = kinds.find(([pattern]) => pattern.test(error.message))?.[1] ?? 'corrupt';
  return new ArchiveError(kind, `the archive is damaged (${error.message})`, undefined, { cause: error });
}

const kinds: readonly (readonly [RegExp, ArchiveErrorKind])[] = [
  [/end of central directory|EOF|unexpected end/i, 'truncated'],
  [/invalid relative path/i, 'outside'],
  [/absolute path/i, 'absolute-path'],
  [/invalid characters in fileName/i, 'windows-path'],
];
