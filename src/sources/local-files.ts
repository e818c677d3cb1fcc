import { closeSync, lstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { LoadedFile } from '../model/included-file.ts';
import { SystemError } from '../model/outcome.ts';
import { walkTree } from '../util/files/walk-tree.ts';
import { type FoundFiles, includePath } from './include-path.ts';
import { matchWildcardPath } from './wildcard-path.ts';

/** One byte more than a pipeline file may have: the parser then refuses it by its own rules. */
const mostBytes = 16 * 1024 * 1024 + 1;

/**
 * Reads the files that an `include:local` names, straight from a working tree, so untracked files count too.
 * Refused with `gitlab/include-outside` (and without a span, which the caller knows): `..`, everything in `.git`, and
 * symbolic links that lead out of the project.
 * @param root absolute path of the project's root.
 * @param pattern a path from there, or a glob.
 * @throws SystemError when a file is there and can't be read.
 */
export async function readLocalFiles(root: string, pattern: string): Promise<FoundFiles> {
  const { path, refused } = includePath(pattern);
  if (refused !== undefined) return refused;
  return path.includes('*') ? matching(root, path) : one(root, path);
}

function one(root: string, path: string): FoundFiles {
  const target = locate(root, path);
  if (target === 'outside') return includePath(path, 'leads out of the project').refused!;
  return { value: target === undefined ? [] : [read(target, path)], diagnostics: [] };
}

async function matching(root: string, pattern: string): Promise<FoundFiles> {
  const base = pattern.slice(0, pattern.indexOf('*')).split('/').slice(0, -1).join('/');
  const start = base === '' ? root : join(root, base);
  if (!isDirectory(start) || locate(root, base) === 'outside') return { value: [], diagnostics: [] };
  const walked = await walkTree(start, { filter: (path) => !/(^|\/)\.git$/i.test(path) });
  const files: LoadedFile[] = [];
  for (const entry of walked.entries) {
    const path = base === '' ? entry.path : `${base}/${entry.path}`;
    if (entry.type === 'directory' || !matchWildcardPath(pattern, path)) continue;
    const target = locate(root, path);
    // What a wildcard happens to meet is passed over, not told: nobody named it.
    if (target !== undefined && target !== 'outside') files.push(read(target, path));
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { value: files, diagnostics: [] };
}

/** The real path of a file in the project; undefined: there is none. */
function locate(root: string, path: string): string | 'outside' | undefined {
  const full = join(root, path);
  try {
    lstatSync(full);
    const real = realpathSync(full);
    const way = relative(realpathSync(root), real);
    if (isAbsolute(way) || way.split(sep)[0] === '..') return 'outside';
    if (way.split(sep).some((segment) => segment.toLowerCase() === '.git')) return 'outside';
    return statSync(real).isFile() ? real : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG') return undefined;
    throw new SystemError('runner_system_failure', `can't read ${path}: ${code ?? 'unknown error'}`, { cause: error });
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function read(target: string, path: string): LoadedFile {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(target, 'r');
    const chunks: Buffer[] = [];
    let left = mostBytes;
    while (left > 0) {
      const chunk = Buffer.allocUnsafe(Math.min(left, 64 * 1024));
      const size = readSync(descriptor, chunk, 0, chunk.length, null);
      if (size === 0) break;
      chunks.push(chunk.subarray(0, size));
      left -= size;
    }
    return {
      path,
      text: Buffer.concat(chunks)
        .toString('utf8')
        .replace(/^\uFEFF/, ''),
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SystemError('runner_system_failure', `can't read ${path}: ${code ?? 'unknown error'}`, { cause: error });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
