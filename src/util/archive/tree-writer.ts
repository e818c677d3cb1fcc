import {
  chmodSync,
  closeSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { ArchiveError } from './archive-error.ts';
import { symlinkStaysInside } from './entry-name.ts';

/** Whether symbolic links that lead outside are refused or stored as they are. */
export type SymlinkPolicy = 'inside' | 'literal';

/** What was written. */
export interface UnpackedEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly sizeBytes: number;
}

/** Mode (permission bits only) and time that an entry gets. */
export interface Attributes {
  readonly mode: number;
  readonly mtimeMs: number;
}

/** Writes an archive's entries below a root. Paths are clean and relative; `name` is the entry's own, for messages. */
export interface TreeWriter {
  directory(path: string, attributes: Attributes, name: string): void;
  file(
    path: string,
    content: AsyncIterable<Uint8Array>,
    size: number,
    attributes: Attributes,
    name: string,
  ): Promise<void>;
  symlink(path: string, target: string, attributes: Attributes, name: string): void;
  hardLink(path: string, target: string, name: string): void;
  /** Sets the directories' modes and times. */
  finish(): readonly UnpackedEntry[];
}

/** Files up to this size are written in one call. */
const smallBytes = 256 * 1024;

/**
 * Every parent is looked at by `lstat` once and must be a real directory; nothing that the archive brought as a
 * directory is ever replaced, so what was seen stays true. Files are created exclusively: never through a link.
 */
export function treeWriter(root: string, symlinks: SymlinkPolicy): TreeWriter {
  const written = new Map<string, UnpackedEntry>();
  const directories = new Set<string>(['']);
  const attributesOf = new Map<string, Attributes>();
  const spellings = caseSpellings();

  const parent = (path: string, name: string): void => {
    const slash = path.lastIndexOf('/');
    if (slash > 0) ensureDirectory(path.slice(0, slash), name);
  };
  const ensureDirectory = (path: string, name: string): void => {
    if (directories.has(path)) return;
    parent(path, name);
    spellings.add(path, 'real', name);
    const stats = lstatSync(`${root}/${path}`, { throwIfNoEntry: false });
    if (stats === undefined) mkdirSync(`${root}/${path}`);
    else if (!stats.isDirectory()) throw new ArchiveError('through-link', 'an entry goes through a link or file', name);
    directories.add(path);
  };
  /** Makes room for something that is no directory. */
  const clear = (path: string, kind: 'link' | 'real', name: string): void => {
    if (path === '') throw new ArchiveError('bad-name', 'an entry would replace the directory itself', name);
    parent(path, name);
    spellings.add(path, kind, name);
    const before = written.get(path);
    if (directories.has(path) || (before !== undefined && (kind === 'link' || before.type === 'symlink'))) {
      throw new ArchiveError('collision', 'an entry replaces another one', name);
    }
    const stats = lstatSync(`${root}/${path}`, { throwIfNoEntry: false });
    if (stats?.isDirectory()) throw new ArchiveError('collision', 'an entry replaces a directory', name);
    if (stats !== undefined) unlinkSync(`${root}/${path}`);
  };
  const add = (path: string, type: UnpackedEntry['type'], sizeBytes: number): void => {
    written.delete(path);
    written.set(path, { path, type, sizeBytes });
  };

  return {
    directory: (path, attributes, name) => {
      if (path === '') return;
      ensureDirectory(path, name);
      attributesOf.set(path, attributes);
      add(path, 'directory', 0);
    },
    file: async (path, content, size, attributes, name) => {
      clear(path, 'real', name);
      await writeContent(`${root}/${path}`, content, size, attributes);
      add(path, 'file', size);
    },
    symlink: (path, target, { mtimeMs }, name) => {
      if (target === '' || target.includes('\0')) throw new ArchiveError('bad-name', 'a link points to nothing', name);
      if (symlinks === 'inside' && !symlinkStaysInside(path, target)) {
        throw new ArchiveError('symlink-outside', `a symbolic link leads outside (to ${JSON.stringify(target)})`, name);
      }
      clear(path, 'link', name);
      symlinkSync(target, `${root}/${path}`);
      lutimesSync(`${root}/${path}`, mtimeMs / 1000, mtimeMs / 1000);
      add(path, 'symlink', Buffer.byteLength(target));
    },
    hardLink: (path, target, name) => {
      const original = written.get(target);
      if (original?.type !== 'file' || path === target || !lstatSync(`${root}/${target}`).isFile()) {
        throw new ArchiveError('hardlink-target', 'a hard link to what is no file of the archive', name);
      }
      clear(path, 'real', name);
      linkSync(`${root}/${target}`, `${root}/${path}`);
      add(path, 'file', original.sizeBytes);
    },
    finish: () => {
      for (const [path, { mode, mtimeMs }] of [...attributesOf].reverse()) {
        utimesSync(`${root}/${path}`, mtimeMs / 1000, mtimeMs / 1000);
        chmodSync(`${root}/${path}`, mode);
      }
      return [...written.values()];
    },
  };
}

/**
 * Refuses two spellings of one name (case, Unicode composition) when one of them is a link: on a file system that
 * takes them for the same, the second would go through the first.
 */
function caseSpellings() {
  const known = new Map<string, { readonly path: string; readonly kind: 'link' | 'real' }>();
  return {
    add: (path: string, kind: 'link' | 'real', name: string): void => {
      const folded = path.normalize('NFC').toLowerCase();
      const before = known.get(folded);
      if (before !== undefined && before.path !== path && (kind === 'link' || before.kind === 'link')) {
        throw new ArchiveError('collision', `an entry differs from the link ${before.path} in spelling alone`, name);
      }
      known.set(folded, { path, kind });
    },
  };
}

async function writeContent(
  path: string,
  content: AsyncIterable<Uint8Array>,
  size: number,
  { mode, mtimeMs }: Attributes,
): Promise<void> {
  const seconds = mtimeMs / 1000;
  if (size <= smallBytes) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    const file = openSync(path, 'wx', mode);
    try {
      writeFileSync(file, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
      futimesSync(file, seconds, seconds);
    } finally {
      closeSync(file);
    }
    chmodSync(path, mode);
    return;
  }
  await using file = await open(path, 'wx', mode);
  for await (const chunk of content) await file.writeFile(chunk);
  await file.utimes(seconds, seconds);
  await file.chmod(mode);
}
