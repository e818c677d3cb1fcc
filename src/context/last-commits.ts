import { type Environment, runGit } from '../util/git.ts';

/** Asks git once for each path which commit of HEAD's history changed it last; undefined: none, or there is no repository. */
export function lastCommits(given: {
  readonly root: string;
  readonly env: Environment;
}): (path: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (path) => {
    if (!known.has(path)) {
      const args = ['--literal-pathspecs', 'log', '-1', '--format=%H', 'HEAD', '--', path];
      const asked = runGit(args, { cwd: given.root, env: given.env, network: 'never' });
      known.set(path, asked.kind === 'ok' ? asked.stdout.trim() || undefined : undefined);
    }
    return known.get(path);
  };
}
