import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GitFacts } from '../model/context.ts';
import { type Environment, type GitResult, runGit } from '../util/git.ts';
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

/** What git has answered already; undefined for other questions. */
export type AnsweredGit = (args: readonly string[]) => GitResult | undefined;

/** Asks git one question in the directory that is looked at. */
type Ask = (args: readonly string[]) => GitResult;

// `mai[n]`: the option wants a glob. An argument `refs/remotes/origin/HEAD` would fail where there is none.
const namesQuestion = [
  ...['rev-parse', '--symbolic-full-name', 'HEAD', '--show-toplevel'],
  ...['--branches=mai[n]', '--branches=maste[r]', '--glob=refs/remotes/origin/HEA[D]'],
];

/**
 * Asks what `gatherGitFacts` will, all at once, while something else is done. The question for the commit depends on the branch: where
 * that can't be told from the file `HEAD` of a plain repository, it is left for later.
 * @param ask must give the same answers as `runGit`.
 */
export async function askFactsAhead(
  directory: string,
  ask: (directory: string, args: readonly string[]) => Promise<GitResult>,
): Promise<AnsweredGit> {
  const head = /^(?:ref: refs\/heads\/(.+)|[0-9a-f]{40,64})\n?$/.exec(headFile(directory));
  const questions = [namesQuestion, configQuestion, ...(head ? [commitQuestion(head[1])] : [])];
  const answers = await Promise.all(
    questions.map(async (args) => [args.join('\0'), await ask(directory, args)] as const),
  );
  const known = new Map(answers);
  return (args) => known.get(args.join('\0'));
}

function headFile(directory: string): string {
  try {
    return readFileSync(join(directory, '.git/HEAD'), 'utf8');
  } catch {
    return '';
  }
}

/**
 * Reads the facts about the repository that encloses `directory`, with three `git` processes less those that `answered` makes
 * needless. Where there is no repository, no commit or no git, facts are made up (`real: false`) and `notice` says so.
 */
export function gatherGitFacts(directory: string, env: Environment, answered?: AnsweredGit): GatheredGit {
  const ask: Ask = (args) => answered?.(args) ?? runGit(args, { cwd: directory, env });
  const names = ask(namesQuestion);
  if (names.kind === 'missing') return madeUp(directory, 'git was not found: branch and commit are made up');
  const [head, topLevel, ...refs] = names.stdout.split('\n').filter((line) => line !== '');
  if (head === undefined || topLevel === undefined || !(head === 'HEAD' || head.startsWith('refs/'))) {
    return withoutCommit(directory, ask);
  }
  const config = readConfig(ask);
  const branch = head.startsWith('refs/heads/') ? head.slice('refs/heads/'.length) : undefined;
  const commit = readCommit(ask, branch);
  if (!commit) return withoutCommit(directory, ask);
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

function commitQuestion(branch: string | undefined): readonly string[] {
  const format = ['%H', '%P', '%an <%ae>', '%cI', '%D', '%B'].join('%x00');
  return [
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
  ];
}

function readCommit(ask: Ask, branch: string | undefined): Commit | undefined {
  const result = ask(commitQuestion(branch));
  // Of a bare repository without a commit git says nothing and that all is well.
  if (result.kind !== 'ok' || result.stdout === '') return undefined;
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

const configQuestion = [
  ...['config', '-z', '--show-scope', '--get-regexp'],
  '^(remote\\..*\\.url|user\\.(name|email)|filter\\..*\\.(clean|smudge|process|required))$',
];

function readConfig(ask: Ask): Config {
  const result = ask(configQuestion);
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
function withoutCommit(directory: string, ask: Ask): GatheredGit {
  const top = ask(['rev-parse', '--show-toplevel']);
  if (top.kind !== 'ok') {
    const owner = top.kind === 'failed' && top.stderr.includes('dubious ownership');
    return madeUp(
      directory,
      owner
        ? 'git refuses this repository because it belongs to another user (see `safe.directory`): branch and commit are made up'
        : 'this is no git repository: branch and commit are made up',
    );
  }
  const config = readConfig(ask);
  const head = ask(['symbolic-ref', '-q', 'HEAD']);
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
