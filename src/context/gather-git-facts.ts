import type { GitFacts } from '../model/context.ts';
import { type Environment, runGit } from '../util/git.ts';
import { withoutCredentials } from './remote-url.ts';

/** Git's and GitLab's word for "no commit". */
export const zeroSha = '0'.repeat(40);

/** What `git` tells about the repository around a directory. */
export interface GatheredGit {
  readonly facts: GitFacts;
  /** Names of tags that point at HEAD, newest version first. */
  readonly tagsAtHead: readonly string[];
  /** From git's configuration. */
  readonly user: { readonly name?: string; readonly email?: string };
  /**
   * Settings for every further git command that reads the work tree: they switch off the filters that the
   * repository's own configuration defines, which would be programs of a stranger.
   */
  readonly settings: readonly (readonly [key: string, value: string])[];
  /** Why facts had to be made up. */
  readonly notice?: string;
}

/**
 * Reads the facts about the repository that encloses `directory`, with three `git` processes. Where there is no
 * repository, no commit or no git, facts are made up (`real: false`) and `notice` says so.
 */
export function gatherGitFacts(directory: string, env: Environment): GatheredGit {
  const options = { cwd: directory, env };
  const names = runGit(
    // `mai[n]`: the option wants a glob. A missing origin/HEAD fails the command after the rest is printed.
    [
      ...['rev-parse', '--symbolic-full-name', 'HEAD', '--show-toplevel'],
      ...['--branches=mai[n]', '--branches=maste[r]', 'refs/remotes/origin/HEAD'],
    ],
    options,
  );
  if (names.kind === 'missing') return madeUp(directory, 'git was not found: branch and commit are made up');
  const [head, topLevel, ...refs] = names.stdout.split('\n').filter((line) => line !== '');
  if (head === undefined || topLevel === undefined || !(head === 'HEAD' || head.startsWith('refs/'))) {
    return withoutCommit(directory, env);
  }
  const config = readConfig(directory, env);
  const branch = head.startsWith('refs/heads/') ? head.slice('refs/heads/'.length) : undefined;
  const commit = readCommit(directory, env, branch);
  if (!commit) return withoutCommit(directory, env);
  return {
    facts: {
      real: true,
      topLevel,
      sha: commit.sha,
      shortSha: commit.sha.slice(0, 8),
      beforeSha: commit.pushed ?? commit.parent ?? zeroSha,
      ...(branch === undefined ? {} : { branch }),
      defaultBranch: defaultBranch(refs, branch),
      message: commit.message,
      author: commit.author,
      timestamp: commit.timestamp,
      ...(config.remoteUrl === undefined ? {} : { remoteUrl: config.remoteUrl }),
    },
    tagsAtHead: commit.tags,
    user: config.user,
    settings: config.settings,
  };
}

function defaultBranch(refs: readonly string[], current: string | undefined): string {
  const remote = refs.find((ref) => ref.startsWith('refs/remotes/origin/') && ref !== 'refs/remotes/origin/HEAD');
  if (remote !== undefined) return remote.slice('refs/remotes/origin/'.length);
  return refs.find((ref) => ref.startsWith('refs/heads/'))?.slice('refs/heads/'.length) ?? current ?? 'main';
}

interface Commit {
  readonly sha: string;
  readonly parent?: string;
  /** Where the branch stands on the server, if it is known and another commit. */
  readonly pushed?: string;
  readonly author: string;
  readonly timestamp: string;
  readonly tags: readonly string[];
  readonly message: string;
}

function readCommit(cwd: string, env: Environment, branch: string | undefined): Commit | undefined {
  const format = ['%H', '%P', '%an <%ae>', '%cI', '%D', '%B'].join('%x00');
  const result = runGit(
    [
      'log',
      '-z',
      '--no-walk=unsorted',
      '--ignore-missing',
      '-s',
      '--no-color',
      '--encoding=UTF-8',
      '--decorate=full',
      '--decorate-refs=refs/tags',
      `--format=${format}`,
      'HEAD',
      ...(branch === undefined ? [] : [`refs/remotes/origin/${branch}`]),
      '--',
    ],
    { cwd, env },
  );
  if (result.kind !== 'ok') return undefined;
  // A commit that is named twice is listed once.
  const [sha, parents, author, timestamp, refs, message = '', pushed] = result.stdout.split('\0');
  const parent = parents?.split(' ')[0];
  return {
    sha: sha!,
    ...(parent ? { parent } : {}),
    ...(pushed ? { pushed } : {}),
    author: author!,
    timestamp: timestamp!,
    tags: tagNames(refs ?? ''),
    message: message.replace(/\n+$/, '\n').replace(/^\n$/, ''),
  };
}

function tagNames(decoration: string): readonly string[] {
  const names = [...decoration.matchAll(/tag: refs\/tags\/(\S+?)(?=, |$)/g)].map((match) => match[1]!);
  return names.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
}

interface Config {
  readonly remoteUrl?: string;
  readonly user: { readonly name?: string; readonly email?: string };
  readonly settings: readonly (readonly [key: string, value: string])[];
}

function readConfig(cwd: string, env: Environment): Config {
  const wanted = '^(remote\\..*\\.url|user\\.(name|email)|filter\\..*\\.(clean|smudge|process|required))$';
  const result = runGit(['config', '-z', '--show-scope', '--get-regexp', wanted], { cwd, env });
  const fields = result.kind === 'ok' ? result.stdout.split('\0') : [];
  const values = new Map<string, string>();
  const settings = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [key, ...value] = fields[i + 1]!.split('\n');
    if (key!.startsWith('filter.')) {
      const own = fields[i] === 'local' || fields[i] === 'worktree';
      if (own) settings.set(key!, key!.endsWith('.required') ? 'false' : '');
    } else if (key!.startsWith('user.') || !values.has(key!)) values.set(key!, value.join('\n'));
  }
  const url = values.get('remote.origin.url') ?? [...values].find(([key]) => key.startsWith('remote.'))?.[1];
  const name = values.get('user.name');
  const email = values.get('user.email');
  return {
    ...(url === undefined ? {} : { remoteUrl: withoutCredentials(url) }),
    user: { ...(name === undefined ? {} : { name }), ...(email === undefined ? {} : { email }) },
    settings: [...settings],
  };
}

/** A repository without a commit, a bare one, or none at all. */
function withoutCommit(directory: string, env: Environment): GatheredGit {
  const top = runGit(['rev-parse', '--show-toplevel'], { cwd: directory, env });
  if (top.kind !== 'ok') {
    const owner = top.kind === 'failed' && top.stderr.includes('dubious ownership');
    return madeUp(
      directory,
      owner
        ? 'git refuses this repository because it belongs to another user (see `safe.directory`): branch and commit are made up'
        : 'this is no git repository: branch and commit are made up',
    );
  }
  const config = readConfig(directory, env);
  const head = runGit(['symbolic-ref', '-q', 'HEAD'], { cwd: directory, env });
  const branch = head.kind === 'ok' ? head.stdout.trim().replace(/^refs\/heads\//, '') : 'main';
  const made = madeUp(top.stdout.replace(/\n$/, ''), 'the repository has no commit yet: the commit is made up');
  return {
    ...made,
    facts: {
      ...made.facts,
      branch,
      defaultBranch: branch,
      ...(config.remoteUrl === undefined ? {} : { remoteUrl: config.remoteUrl }),
    },
    user: config.user,
    settings: config.settings,
  };
}

function madeUp(directory: string, notice: string): GatheredGit {
  return {
    facts: {
      real: false,
      topLevel: directory,
      sha: zeroSha,
      shortSha: zeroSha.slice(0, 8),
      beforeSha: zeroSha,
      branch: 'main',
      defaultBranch: 'main',
      message: 'Working tree',
      author: 'Nobody <nobody@localhost>',
      timestamp: '1970-01-01T00:00:00+00:00',
    },
    tagsAtHead: [],
    user: {},
    settings: [],
    notice,
  };
}
