import { closeSync, lstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { SystemError } from '../model/outcome.ts';
import type { FileLoader, LoadedFile } from '../model/ports.ts';
import { walkTree } from '../util/files/walk-tree.ts';
import { matchWildcardPath } from './wildcard-path.ts';

/** One byte more than a pipeline file may have: the parser then refuses it by its own rules. */
const mostBytes = 16 * 1024 * 1024 + 1;

type Found = Awaited<ReturnType<FileLoader['local']>>;

/**
 * Reads files of the project for `include:local`, straight from the working tree, so untracked files count too.
 * Refused with `gitlab/include-outside` (and without a span, which the caller knows): `..`, everything in `.git`, and
 * symbolic links that lead out of the project.
 * @param root absolute path of the project's root.
 * @throws SystemError when a file is there and can't be read.
 */
export function localFiles(root: string): FileLoader {
  return {
    local: async (pattern) => {
      // A leading slash means the project's root on GitLab.
      const path = pattern.replace(/^(\.?\/+)+/, '');
      const problem = pathProblem(pattern, path);
      if (problem !== undefined) return refuse(pattern, problem);
      return path.includes('*') ? matching(root, path) : one(root, path);
    },
  };
}

function pathProblem(pattern: string, path: string): string | undefined {
  if (path.includes('\0')) return 'holds a NUL character';
  if (/^[A-Za-z]:/.test(path) || path.includes('\\')) return 'is not a path with forward slashes';
  const segments = path.split('/');
  if (segments.includes('..')) return 'leads out of the project';
  if (segments.some((segment) => segment.toLowerCase() === '.git')) return "lies in git's own folder";
  return pattern.length > 4096 ? 'is longer than 4096 characters' : undefined;
}

function refuse(pattern: string, problem: string): Found {
  const shown = pattern.length > 200 ? `${pattern.slice(0, 200)}…` : pattern;
  return {
    value: [],
    diagnostics: [
      {
        code: 'gitlab/include-outside',
        severity: 'error',
        message: `the included file \`${shown}\` ${problem}`,
        hint: 'only files of the project can be included by path',
      },
    ],
  };
}

function one(root: string, path: string): Found {
  const target = locate(root, path);
  if (target === 'outside') return refuse(path, 'leads out of the project');
  return { value: target === undefined ? [] : [read(target, path)], diagnostics: [] };
}

async function matching(root: string, pattern: string): Promise<Found> {
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
