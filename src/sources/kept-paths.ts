import { commitIn, isCommit } from './commit-in.ts';
import type { IncludeStore } from './include-store.ts';

/**
 * All paths of a project at a ref, as far as it was fetched before.
 * @param ref absent: its default branch.
 */
export function keptPaths(
  store: IncludeStore,
  {
    host,
    project,
    ref = 'HEAD',
  }: { readonly host: string; readonly project: string; readonly ref?: string | undefined },
): readonly string[] | undefined {
  const refs = isCommit(ref) ? undefined : store.read('refs', `${host}/${project}@${ref}`);
  const sha = refs === undefined ? ref : commitIn(refs, ref);
  const commit = sha === undefined ? undefined : store.read('commit', `${host}/${project} ${sha}`);
  const paths = commit && store.content(commit.paths);
  return paths?.toString('utf8').split('\0');
}
