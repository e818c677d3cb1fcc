import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { sha256 } from '../util/sha256.ts';

/**
 * Name of a project's directory in the stores: readable, and the same for every way that leads to the project root.
 * @param projectRoot absolute; must exist.
 */
export function projectKey(projectRoot: string): string {
  const real = realpathSync(projectRoot);
  const readable = basename(real)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[-.]+/, '')
    .slice(0, 40);
  return `${readable === '' ? 'project' : readable}-${sha256(real).slice(0, 12)}`;
}
