import type { ProjectCheckouts } from '../model/included-file.ts';
import type { Environment } from '../util/git.ts';
import { commitOf, filesOfCommit } from '../util/git-commit.ts';
import { listPaths } from './repository-query.ts';

/**
 * Looks up projects that were mapped to folders of this machine, and their files. Starts `git` in them, in a way that
 * none of their own configuration is run and nothing is fetched.
 * @param given.mapped `group/name` → absolute path.
 * @param given.own the pipeline's project; only asked for when no mapping fits.
 */
export function projectCheckouts(given: {
  readonly mapped: ReadonlyMap<string, string>;
  readonly own: () => { readonly path: string; readonly root: string };
  readonly env: Environment;
  /** Paths of projects that lie elsewhere, as far as they are known. */
  readonly elsewhere?: ProjectCheckouts['paths'];
}): ProjectCheckouts {
  const { env } = given;
  const mapped = new Map([...given.mapped].map(([project, directory]) => [project.toLowerCase(), directory]));
  const known = new Map<string, readonly string[] | undefined>();
  const directory = (project: string): string | undefined => {
    const wanted = project.toLowerCase();
    const found = mapped.get(wanted);
    if (found !== undefined) return found;
    const own = given.own();
    return own.path.toLowerCase() === wanted ? own.root : undefined;
  };
  const list = (project: string, ref: string | undefined): readonly string[] | undefined => {
    const root = directory(project);
    if (root === undefined) return given.elsewhere?.(project, ref);
    if (ref === undefined) return listPaths({ root, env, settings: [] });
    const commit = commitOf(ref, { cwd: root, env });
    return commit === undefined ? undefined : filesOfCommit(commit, { cwd: root, env });
  };
  return {
    directory,
    paths: (project, ref) => {
      const key = JSON.stringify([project.toLowerCase(), ref]);
      if (!known.has(key)) known.set(key, list(project, ref));
      return known.get(key);
    },
  };
}
