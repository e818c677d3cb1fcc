import { askGit } from '../../util/git.ts';
import { enclosingRepository } from '../pipeline-file.ts';
import type { Check } from './check.ts';

/** Older ones lack options that are used. */
const oldest = [2, 20] as const;

/** Is there a git that is new enough, and a repository it works in? */
export const gitCheck: Check = {
  id: 'git',
  look: async ({ invocation: { cwd, env } }) => {
    const answer = await askGit(['--version'], { cwd, env });
    const repository = enclosingRepository(cwd);
    if (answer.kind !== 'ok') {
      return {
        status: repository === undefined ? 'warn' : 'fail',
        message: answer.kind === 'missing' ? 'not installed' : `does not work: ${answer.stderr.trim()}`,
        fix: 'install git: it says which files belong to the project',
      };
    }
    const version = /\d+(\.\d+)+/.exec(answer.stdout)?.[0] ?? '';
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const details = { version, ...(repository === undefined ? {} : { repository }) };
    if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
      return { status: 'warn', message: version, fix: `install git ${oldest.join('.')} or newer`, details };
    }
    if (repository === undefined) return { status: 'ok', message: `${version}; no repository here`, details };
    const commit = await askGit(['rev-parse', '--verify', '--quiet', 'HEAD'], { cwd, env });
    if (commit.kind === 'ok') return { status: 'ok', message: `${version}, repository ${repository}`, details };
    if (commit.kind === 'failed' && /dubious ownership/.test(commit.stderr)) {
      return {
        status: 'fail',
        message: `${version} refuses to work in ${repository}, which somebody else owns`,
        fix: `git config --global --add safe.directory ${repository}`,
        details,
      };
    }
    return {
      status: 'warn',
      message: `${version}; the repository ${repository} has no commit yet`,
      fix: 'commit something: until then CI_COMMIT_SHA and the like are made up',
      details,
    };
  },
};
