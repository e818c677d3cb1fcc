import { ArchiveError } from './archive-error.ts';

/** Limits of a name. */
export interface NameLimits {
  readonly maxDepth: number;
  readonly maxPathBytes: number;
}

/**
 * An entry's name as a clean relative path (`''` for the root itself: `.`, `./`).
 * @throws ArchiveError for every name that could lead outside, here or on another system.
 */
export function entryName(name: string, limits: NameLimits): string {
  if (name === '') throw new ArchiveError('bad-name', 'an entry has no name');
  if (name.includes('\0')) throw new ArchiveError('bad-name', 'an entry has a NUL character in its name', name);
  if (name.startsWith('/') || name.startsWith('\\')) {
    throw new ArchiveError('absolute-path', 'an entry has an absolute path', name);
  }
  if (/^[a-z]:($|[\\/.])/i.test(name)) throw new ArchiveError('windows-path', 'an entry names a drive', name);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  for (const part of parts) {
    if (part === '..') throw new ArchiveError('outside', 'an entry leads outside of the archive', name);
    if (part.includes('\\') && part.split('\\').includes('..')) {
      throw new ArchiveError('windows-path', 'an entry leads outside of the archive on Windows', name);
    }
    if (Buffer.byteLength(part) > 255) throw new ArchiveError('bad-name', 'a part of an entry name is too long', name);
  }
  const path = parts.join('/');
  if (parts.length > limits.maxDepth || Buffer.byteLength(path) > limits.maxPathBytes) {
    throw new ArchiveError('too-deep', 'an entry lies too deep', name);
  }
  return path;
}

/**
 * Whether a symbolic link at `path` stays inside whatever other links there are: some `..` that go up through the
 * link's own (real) parents, then only downwards.
 */
export function symlinkStaysInside(path: string, target: string): boolean {
  if (target === '' || target.includes('\0') || target.startsWith('/') || target.startsWith('\\')) return false;
  if (/^[a-z]:/i.test(target) || target.split(/[\\/]/).length !== target.split('/').length) return false;
  let depth = path.split('/').length - 1;
  let descending = false;
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') {
      descending = true;
      continue;
    }
    if (descending || --depth < 0) return false;
  }
  return true;
}
