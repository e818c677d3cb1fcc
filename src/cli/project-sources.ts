import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Sources } from '../diagnostics/locate.ts';

/** Texts of files as diagnostics name them: relative to the project root. Read only when something is printed. */
export function projectSources(root: string): Sources {
  return (file) => {
    try {
      return readFileSync(isAbsolute(file) ? file : join(root, file), 'utf8').replace(/^\uFEFF/, '');
    } catch {
      return undefined;
    }
  };
}
