import { lstatSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Extract, type Header, extract as tarExtract } from 'tar-stream';
import { ArchiveError } from './archive-error.ts';
import { drained } from './drained.ts';
import { entryName } from './entry-name.ts';
import { type SymlinkPolicy, type TreeWriter, treeWriter, type UnpackedEntry } from './tree-writer.ts';
import { type UnpackLimits, unpackAccount, unpackDefaults } from './unpack-limits.ts';

/** How to unpack. */
export interface UnpackOptions {
  readonly limits?: UnpackLimits;
  /** Taken off the names; entries not below it are refused, the directory itself is the root. */
  readonly stripPrefix?: string;
  /** Another place for an entry, relative to the directory; undefined leaves it out. Applied after `stripPrefix`. */
  readonly rename?: (path: string) => string | undefined;
  /** False leaves the entry out. `path` is where it would be written. */
  readonly filter?: (entry: { readonly path: string; readonly type: 'file' | 'directory' | 'symlink' }) => boolean;
  /**
   * `inside` (default): a symbolic link that leads out of the directory is refused. `literal`: links are stored as
   * they are, whatever they point to; never followed here, and whoever uses the directory must not either.
   */
  readonly symlinks?: SymlinkPolicy;
  readonly signal?: AbortSignal;
}

/**
 * Unpacks a tar stream into an existing directory. Only regular files, directories, symbolic links and hard links to
 * files of the same archive; everything else is refused, and so is every entry whose path leads outside or through a
 * link. Owners are ignored; setuid, setgid and sticky bits dropped; modes and times kept. Files of the same name that
 * were there before are replaced.
 * @returns what was written, in the archive's order.
 * @throws ArchiveError when refused; the error of the operating system when writing fails. Both leave the directory
 * half filled, and nothing outside of it.
 */
export async function unpackTar(
  stream: Readable,
  intoDirectory: string,
  options: UnpackOptions = {},
): Promise<readonly UnpackedEntry[]> {
  options.signal?.throwIfAborted();
  if (!lstatSync(intoDirectory).isDirectory()) throw new Error(`not a directory: ${intoDirectory}`);
  const parser = tarExtract();
  const meter = { bytes: 0, trailingZeros: 0 };
  const feeding = feed(stream, parser, meter, options.signal);
  const writer = treeWriter(intoDirectory, options.symlinks ?? 'inside');
  const account = unpackAccount(options.limits ?? {}, () => meter.bytes);
  try {
    for await (const entry of parser as AsyncIterable<unknown> as AsyncIterable<ArchiveEntry>) {
      account.entry(entry.header.name, entry.header.size ?? 0);
      await unpackEntry(entry, writer, options);
      entry.resume();
    }
    await feeding;
    if (meter.trailingZeros < 512) throw new ArchiveError('truncated', 'the archive has no end mark');
    return writer.finish();
  } catch (error) {
    parser.destroy();
    stream.destroy();
    await feeding.catch(() => {});
    options.signal?.throwIfAborted();
    throw asArchiveError(error);
  }
}

/** Moves bytes from the stream into the parser with backpressure. */
async function feed(
  stream: Readable,
  parser: Extract,
  meter: { bytes: number; trailingZeros: number },
  signal: AbortSignal | undefined,
): Promise<void> {
  const stop = (): void => {
    parser.destroy(signal?.reason);
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      meter.bytes += chunk.byteLength;
      meter.trailingZeros = zerosAtEnd(chunk, meter.trailingZeros);
      if (parser.destroyed) return;
      if (!parser.write(chunk)) await drained(parser);
    }
    parser.end(undefined);
  } catch (error) {
    parser.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function zerosAtEnd(chunk: Uint8Array, before: number): number {
  let at = chunk.byteLength;
  while (at > 0 && chunk[at - 1] === 0) at--;
  return at === 0 ? before + chunk.byteLength : chunk.byteLength - at;
}

/** `tar-stream`'s types leave the kind of chunk open. */
type ArchiveEntry = AsyncIterable<Uint8Array> & { readonly header: Header; resume(): void };

async function unpackEntry(entry: ArchiveEntry, writer: TreeWriter, options: UnpackOptions): Promise<void> {
  const { header } = entry;
  const type = typeOf(header);
  const path = placeOf(header.name, options);
  if (path === undefined) return;
  const shown = type === 'link' ? 'file' : type;
  if (options.filter?.({ path, type: shown }) === false) return;
  const attributes = { mode: (header.mode ?? 0o644) & 0o777, mtimeMs: header.mtime?.getTime() ?? 0 };
  switch (type) {
    case 'directory':
      writer.directory(path, attributes, header.name);
      return;
    case 'symlink':
      writer.symlink(path, header.linkname ?? '', attributes, header.name);
      return;
    case 'link': {
      const target = placeOf(header.linkname ?? '', options);
      if (target === undefined)
        throw new ArchiveError('hardlink-target', 'a hard link to a left out file', header.name);
      writer.hardLink(path, target, header.name);
      return;
    }
    case 'file':
      await writer.file(path, entry, header.size ?? 0, attributes, header.name);
  }
}

function typeOf(header: Header): 'file' | 'directory' | 'symlink' | 'link' {
  switch (header.type) {
    case 'file':
    case 'contiguous-file':
      return 'file';
    case 'directory':
    case 'symlink':
    case 'link':
      return header.type;
    default:
      throw new ArchiveError(
        'type',
        `an entry is no file, directory or link (${header.type ?? 'unknown'})`,
        header.name,
      );
  }
}

function placeOf(name: string, options: UnpackOptions): string | undefined {
  const limits = { ...unpackDefaults, ...options.limits };
  const path = entryName(name, limits);
  const prefix = options.stripPrefix?.replace(/\/+$/, '') ?? '';
  let inside = path;
  if (prefix !== '' && path === prefix) inside = '';
  else if (prefix !== '' && path.startsWith(`${prefix}/`)) inside = path.slice(prefix.length + 1);
  else if (prefix !== '') throw new ArchiveError('outside', `an entry does not lie below ${prefix}`, name);
  if (options.rename === undefined) return inside;
  const renamed = options.rename(inside);
  return renamed === undefined ? undefined : renamed === '' ? '' : entryName(renamed, limits);
}

function asArchiveError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof ArchiveError) return error;
  if (error.message === 'Unexpected end of data') {
    return new ArchiveError('truncated', 'the archive ends in the middle of an entry', undefined, { cause: error });
  }
  if (/^(Invalid (tar )?header|Header exceeds)/.test(error.message)) {
    return new ArchiveError('corrupt', 'the archive is damaged', undefined, { cause: error });
  }
  return error;
}
