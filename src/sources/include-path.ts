import type { Checked } from '../diagnostics/diagnostic.ts';
import type { LoadedFile } from '../model/included-file.ts';

/** Files that a pattern matched, or why it may match none. */
export type FoundFiles = Checked<readonly LoadedFile[]>;

/**
 * An include's path without its leading slash, which means the project's root on GitLab; refused where it leads
 * elsewhere, or for a reason that the caller has found.
 */
export function includePath(
  pattern: string,
  problem?: string,
): { readonly path: string; readonly refused: FoundFiles | undefined } {
  const path = pattern.replace(/^(\.?\/+)+/, '');
  const found = problem ?? problemOf(pattern, path);
  return { path, refused: found === undefined ? undefined : refuse(pattern, found) };
}

function problemOf(pattern: string, path: string): string | undefined {
  if (path.includes('\0')) return 'holds a NUL character';
  if (/^[A-Za-z]:/.test(path) || path.includes('\\')) return 'is not a path with forward slashes';
  const segments = path.split('/');
  if (segments.includes('..')) return 'leads out of the project';
  if (segments.some((segment) => segment.toLowerCase() === '.git')) return "lies in git's own folder";
  return pattern.length > 4096 ? 'is longer than 4096 characters' : undefined;
}

function refuse(pattern: string, problem: string): FoundFiles {
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
