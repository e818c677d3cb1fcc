import { assertNever } from '../util/assert-never.ts';
import type { Dialect } from './dialect.ts';
import { gitlab } from './gitlab/gitlab.ts';

/** The language of a file by its path (relative, forward slashes); any YAML file that nobody claims is GitLab's. */
export function recogniseDialect(path: string): Dialect['name'] {
  if (/(^|\/)\.circleci\/[^/]+\.ya?ml$/.test(path)) return 'circle';
  return /(^|\/)\.ci\.ya?ml$/.test(path) ? 'ci' : 'gitlab';
}

/** The language of a name. GitLab's words are two of them; the others' are loaded when they are wanted. */
export async function dialectNamed(name: Dialect['name']): Promise<Dialect> {
  switch (name) {
    case 'ci':
      return (await import('./ci/ci.ts')).ci;
    case 'gitlab':
      return gitlab;
    case 'circle':
      return (await import('./circle/circle.ts')).circle;
    default:
      return assertNever(name);
  }
}
