import { lastCommits } from '../../context/last-commits.ts';
import type { Context } from '../../model/context.ts';
import type { CacheKeyFacts } from '../../schedule/cache-keys.ts';
import type { Invocation } from '../invocation.ts';

/** What cache keys may ask about the repository of a pipeline. */
export function repositoryFacts({ env }: Invocation, { project, query }: Context): CacheKeyFacts {
  return { lastCommit: lastCommits({ root: project.root, env }), paths: () => query.paths() };
}
