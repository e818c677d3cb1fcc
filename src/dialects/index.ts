import { ci } from './ci/ci.ts';
import type { Dialect } from './dialect.ts';
import { gitlab } from './gitlab/gitlab.ts';

/** All languages that can be compiled. */
export const dialects: readonly Dialect[] = [ci, gitlab];

/** The language of a file by its path (relative, forward slashes); any YAML file that nobody claims is GitLab's. */
export function recogniseDialect(path: string): Dialect['name'] {
  if (/(^|\/)\.circleci\/[^/]+\.ya?ml$/.test(path)) return 'circle';
  return dialects.find((dialect) => dialect.recognises(path))?.name ?? 'gitlab';
}

/** The dialect of a name; undefined for one that can't be compiled yet. */
export function dialectNamed(name: Dialect['name']): Dialect | undefined {
  return dialects.find((dialect) => dialect.name === name);
}
