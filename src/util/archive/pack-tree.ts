import { closeSync, constants, fstatSync, openSync, read, readlinkSync, readSync } from 'node:fs';
import { Readable } from 'node:stream';
import { type Header, type Pack, pack as tarPack } from 'tar-stream';
import { errorCode } from '../files/file-problem.ts';
import type { SkippedPath, Tree, TreeEntry } from '../files/tree-entry.ts';
import { drained } from './drained.ts';
import { treeEntries } from './tree-entries.ts';

/** How to pack. */
export interface PackOptions {
  /** Directory inside the archive that everything lies in; default: none. */
  readonly prefix?: string;
  /** Owner written for every entry; default 0. */
  readonly uid?: number;
  readonly gid?: number;
  /** Told what could not be read and is left out. */
  readonly onSkipped?: (skipped: SkippedPath) => void;
  readonly signal?: AbortSignal;
}

type EntryHeader = Partial<Header> & Pick<Header, 'name'>;

const chunkBytes = 64 * 1024;
/** Six octal digits, which is what `tar-stream` leaves for an owner. */
const largestPlainId = 0o777777;
const lastPlainSecond = 0x7fffffff;

/**
 * Packs a tree as a tar stream: files, directories, symbolic links (never followed), hard links inside the tree; modes
 * and times kept to the second, setuid bits dropped. Reads no faster than the stream is consumed. A file that shrinks
 * meanwhile is filled with zeros, one that grows is cut. With `tree.entries` only these are packed, in their order.
 */
export function packTree(tree: Tree, options: PackOptions = {}): Readable {
  const pack = tarPack();
  // Nobody may be reading yet: without a listener it would end the program.
  pack.on('error', () => {});
  const packing = packAll(tree, pack, options);
  packing.catch((error: unknown) => pack.destroy(error instanceof Error ? error : new Error(String(error))));
  return Readable.from(joined(pack, packing), { objectMode: false, highWaterMark: 4 * chunkBytes });
}

/** Joins small chunks, since every header is one. */
async function* joined(pack: Pack, packing: Promise<void>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of pack as AsyncIterable<Buffer>) {
      waiting.push(chunk);
      size += chunk.length;
      if (size < chunkBytes) continue;
      yield Buffer.concat(waiting, size);
      waiting = [];
      size = 0;
    }
    await packing;
    if (size > 0) yield Buffer.concat(waiting, size);
  } catch (error) {
    // Who comes late is told by the stream only that it was destroyed.
    await packing;
    throw error;
  } finally {
    pack.destroy();
  }
}

async function packAll(tree: Tree, pack: Pack, options: PackOptions): Promise<void> {
  const firstOf = new Map<string, string>();
  const prefix = options.prefix === undefined || options.prefix === '' ? '' : `${options.prefix.replace(/\/+$/, '')}/`;
  for await (const entry of treeEntries(tree, options)) {
    options.signal?.throwIfAborted();
    const name = prefix + entry.path;
    const key = `${entry.dev}:${entry.ino}`;
    const first = entry.type === 'file' && entry.nlink > 1 ? firstOf.get(key) : undefined;
    if (first !== undefined) await addEntry(pack, { ...headerOf(entry, options), name, type: 'link', linkname: first });
    else if (entry.type === 'directory') {
      await addEntry(pack, { ...headerOf(entry, options), name: `${name}/`, type: 'directory' });
    } else if (entry.type === 'symlink') {
      const linkname = readlinkSync(`${tree.root}/${entry.path}`);
      await addEntry(pack, { ...headerOf(entry, options), name, type: 'symlink', linkname });
    } else if (await addFile(pack, `${tree.root}/${entry.path}`, name, entry, options)) firstOf.set(key, name);
  }
  pack.finalize();
}

function headerOf(entry: TreeEntry, options: PackOptions): Omit<EntryHeader, 'name'> {
  const { uid = 0, gid = 0 } = options;
  const seconds = Math.floor(entry.mtimeMs / 1000);
  const pax: Record<string, string> = {};
  if (uid > largestPlainId) pax['uid'] = String(uid);
  if (gid > largestPlainId) pax['gid'] = String(gid);
  if (seconds > lastPlainSecond || seconds < 0) pax['mtime'] = String(seconds);
  return {
    mode: entry.mode & 0o777,
    mtime: new Date(Math.min(Math.max(seconds, 0), lastPlainSecond) * 1000),
    uid: Math.min(uid, largestPlainId),
    gid: Math.min(gid, largestPlainId),
    ...(Object.keys(pax).length === 0 ? {} : { pax }),
  };
}

/** Resolves when the entry has been taken from the stream. */
function addEntry(pack: Pack, header: EntryHeader, content?: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => (error ? reject(error) : resolve());
    if (content === undefined) pack.entry(header, done);
    else pack.entry(header, content, done);
  });
}

/** False: the file is gone or can't be read, and was left out. */
async function addFile(
  pack: Pack,
  path: string,
  name: string,
  entry: TreeEntry,
  options: PackOptions,
): Promise<boolean> {
  let file: number;
  try {
    // A link put in the file's place since it was looked at must not be followed.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const because = errorCode(error);
    if (because === undefined) throw error;
    options.onSkipped?.({ path: entry.path, because });
    return false;
  }
  try {
    const stats = fstatSync(file);
    const size = stats.isFile() ? stats.size : 0;
    const header: EntryHeader = { ...headerOf(entry, options), name, type: 'file', size };
    if (size <= chunkBytes) {
      const content = Buffer.alloc(size);
      readSync(file, content, 0, size, 0);
      await addEntry(pack, header, content);
    } else await addLargeFile(pack, file, header, size);
    return true;
  } finally {
    closeSync(file);
  }
}

async function addLargeFile(pack: Pack, file: number, header: EntryHeader, size: number): Promise<void> {
  let failed = false;
  const taken = new Promise<void>((resolve, reject) => {
    const sink = pack.entry(header, (error) => {
      failed = true;
      if (error) reject(error);
      else resolve();
    });
    const copy = async (): Promise<void> => {
      for (let at = 0; at < size && !failed; ) {
        const chunk = await readChunk(file, at, Math.min(4 * chunkBytes, size - at));
        at += chunk.length;
        if (!sink.write(chunk)) await drained(sink);
      }
      sink.end(undefined);
    };
    copy().catch(reject);
  });
  await taken;
}

/** `length` bytes from `at`, zeros where the file has ended. */
function readChunk(file: number, at: number, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunk = Buffer.alloc(length);
    read(file, chunk, 0, length, at, (error) => (error ? reject(error) : resolve(chunk)));
  });
}
