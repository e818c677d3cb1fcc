import { chmodSync, existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { askFactsAhead, gatherGitFacts, zeroSha } from '../../src/context/gather-git-facts.ts';
import { repositoryQuery } from '../../src/context/repository-query.ts';
import { gitTogether, runGit } from '../../src/util/git.ts';
import { gitEnv, type TestDirectory, testDirectory, testRepository } from './git-repository.ts';

it('reads a commit', () => {
  using repository = testRepository();
  repository.commit({ a: '1' }, 'First');
  repository.commit({ a: '2' }, 'Second\n\nWith a $BODY');
  repository.git('remote', 'add', 'origin', 'https://user:secret@gitlab.example.com/group/sub/app.git');
  repository.git('tag', 'v1.9');
  repository.git('tag', 'v1.10');
  repository.git('tag', 'a,b');
  const { facts, tagsAtHead, user, notice } = gatherGitFacts(repository.path, gitEnv);
  expect(facts).toEqual({
    real: true,
    topLevel: repository.path,
    sha: repository.git('rev-parse', 'HEAD'),
    shortSha: repository.git('rev-parse', 'HEAD').slice(0, 8),
    beforeSha: repository.git('rev-parse', 'HEAD^'),
    branch: 'main',
    defaultBranch: 'main',
    message: 'Second\n\nWith a $BODY\n',
    author: 'Ann Author <ann@example.com>',
    timestamp: '2024-03-01T12:00:00+01:00',
    remoteUrl: 'https://gitlab.example.com/group/sub/app.git',
  });
  expect(tagsAtHead).toEqual(['v1.10', 'v1.9', 'a,b']);
  expect(user).toEqual({ name: 'Ann Author', email: 'ann@example.com' });
  expect(notice).toBeUndefined();
});

it('makes facts up without a repository', () => {
  using directory = testDirectory();
  const { facts, notice } = gatherGitFacts(directory.path, gitEnv);
  expect(facts).toMatchObject({ real: false, topLevel: directory.path, sha: zeroSha, branch: 'main' });
  expect(notice).toMatch(/no git repository/);
});

it('makes facts up without git', () => {
  using directory = testDirectory();
  expect(gatherGitFacts(directory.path, { PATH: directory.path }).notice).toMatch(/git was not found/);
});

it('makes a commit up where there is none yet', () => {
  using repository = testRepository();
  repository.git('symbolic-ref', 'HEAD', 'refs/heads/trunk');
  repository.git('remote', 'add', 'origin', 'git@example.com:team/app.git');
  const { facts, notice } = gatherGitFacts(repository.path, gitEnv);
  expect(facts).toMatchObject({
    real: false,
    branch: 'trunk',
    defaultBranch: 'trunk',
    remoteUrl: 'git@example.com:team/app.git',
  });
  expect(notice).toMatch(/no commit/);
});

it('makes up the facts of a bare repository without a commit', () => {
  using directory = testDirectory();
  runGit(['init', '-q', '--bare', '.'], { cwd: directory.path, env: gitEnv });
  const { facts, notice } = gatherGitFacts(directory.path, gitEnv);
  expect(facts).toMatchObject({ real: false, topLevel: directory.path, sha: zeroSha });
  expect(notice).toMatch(/made up/);
});

it('has no branch when HEAD is detached', () => {
  using repository = testRepository();
  repository.commit({ a: '1' });
  repository.git('checkout', '-q', '--detach');
  const { facts } = gatherGitFacts(repository.path, gitEnv);
  expect(facts.branch).toBeUndefined();
  expect(facts.defaultBranch).toBe('main');
});

it('takes the default branch of origin, then main, then master, then the current one', () => {
  using repository = testRepository();
  repository.commit({ a: '1' });
  repository.git('branch', '-m', 'topic');
  expect(gatherGitFacts(repository.path, gitEnv).facts.defaultBranch).toBe('topic');
  repository.git('branch', 'master');
  expect(gatherGitFacts(repository.path, gitEnv).facts.defaultBranch).toBe('master');
  repository.git('branch', 'main');
  expect(gatherGitFacts(repository.path, gitEnv).facts.defaultBranch).toBe('main');
  repository.git('update-ref', 'refs/remotes/origin/develop', 'HEAD');
  repository.git('symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/develop');
  expect(gatherGitFacts(repository.path, gitEnv).facts.defaultBranch).toBe('develop');
});

it('reads work trees and submodules', () => {
  using repository = testRepository();
  using other = testRepository();
  repository.commit({ a: '1' });
  other.commit({ b: '1' }, 'Inner');
  repository.git('worktree', 'add', '-q', '-b', 'wt', 'below/wt');
  expect(gatherGitFacts(join(repository.path, 'below/wt'), gitEnv).facts).toMatchObject({
    real: true,
    branch: 'wt',
    topLevel: join(repository.path, 'below/wt'),
  });
  repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', other.path, 'sub');
  expect(gatherGitFacts(join(repository.path, 'sub'), gitEnv).facts).toMatchObject({
    message: 'Inner\n',
    topLevel: join(repository.path, 'sub'),
  });
});

it('is not led astray by the variables of a git hook', () => {
  using repository = testRepository();
  repository.commit({ a: '1' });
  const { facts } = gatherGitFacts(repository.path, { ...gitEnv, GIT_DIR: '/nowhere', GIT_INDEX_FILE: '/nowhere' });
  expect(facts.real).toBe(true);
});

it('runs nothing that the repository names', () => {
  using repository = testRepository();
  repository.commit({ a: '1', '.gitattributes': '* filter=a=b diff=evil\n' });
  const marker = join(repository.path, '..', `ran-${repository.path.split('/').at(-1)}`);
  repository.write({ '.git/evil.sh': `#!/bin/sh\ntouch '${marker}'\ncat\n` });
  const evil = join(repository.path, '.git/evil.sh');
  chmodSync(evil, 0o755);
  for (const key of [
    'core.fsmonitor',
    'diff.external',
    'diff.evil.command',
    'diff.evil.textconv',
    'gpg.program',
    'core.pager',
    'core.sshCommand',
  ]) {
    repository.git('config', key, evil);
  }
  for (const key of ['clean', 'smudge', 'process']) repository.git('config', `filter.a=b.${key}`, evil);
  repository.git('config', 'log.showSignature', 'true');
  repository.write({ a: '2', '.git/hooks/post-index-change': `#!/bin/sh\ntouch '${marker}'\n` });
  chmodSync(join(repository.path, '.git/hooks/post-index-change'), 0o755);
  const gathered = gatherGitFacts(repository.path, gitEnv);
  const query = repositoryQuery({
    root: repository.path,
    env: gitEnv,
    real: true,
    base: { kind: 'default-branch', branch: 'main' },
    settings: gathered.settings,
  });
  expect(query.changedPaths()).toEqual(['a']);
  expect(query.paths()).toEqual(['.gitattributes', 'a']);
  expect(existsSync(marker)).toBe(false);
});

it('does not follow links when it walks without git', () => {
  using directory = testDirectory();
  directory.write({ 'a/b': '', c: '', '.git/x': '' });
  symlinkSync('..', join(directory.path, 'a/loop'));
  const query = repositoryQuery({
    root: directory.path,
    env: gitEnv,
    real: false,
    base: { kind: 'none' },
    settings: [],
  });
  expect(query.paths()).toEqual(['a/b', 'a/loop', 'c']);
  expect(query.changedPaths()).toBeUndefined();
});

it('takes for the commit before where the branch stands on the server, else the parent', () => {
  using repository = testRepository();
  const before = (): string => gatherGitFacts(repository.path, gitEnv).facts.beforeSha;
  repository.commit({ a: '1' });
  expect(before()).toBe(zeroSha);
  const first = repository.git('rev-parse', 'HEAD');
  repository.git('update-ref', 'refs/remotes/origin/main', first);
  expect(before()).toBe(zeroSha);
  repository.commit({ a: '2' });
  repository.commit({ a: '3' });
  expect(before()).toBe(first);
  repository.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
  expect(before()).toBe(repository.git('rev-parse', 'HEAD^'));
  repository.git('checkout', '-q', '-b', 'topic/new');
  expect(before()).toBe(repository.git('rev-parse', 'HEAD^'));
  repository.git('update-ref', 'refs/remotes/origin/topic/new', first);
  expect(before()).toBe(first);
  repository.git('checkout', '-q', '--detach');
  expect(before()).toBe(repository.git('rev-parse', 'HEAD^'));
});

it('reads a merge commit', () => {
  using repository = testRepository();
  repository.commit({ a: '1' });
  repository.git('checkout', '-q', '-b', 'topic');
  repository.commit({ b: '1' });
  repository.git('checkout', '-q', 'main');
  repository.commit({ c: '1' });
  const main = repository.git('rev-parse', 'HEAD');
  repository.git('merge', '-q', '--no-ff', '-m', 'Merge branch topic', 'topic');
  const { facts } = gatherGitFacts(repository.path, gitEnv);
  expect(facts).toMatchObject({ beforeSha: main, message: 'Merge branch topic\n', branch: 'main' });
});

it('reads a shallow clone, which has no parent and no merge base', () => {
  using origin = testRepository();
  using parent = testDirectory();
  origin.commit({ a: '1' });
  origin.commit({ a: '2' }, 'Second');
  origin.git('checkout', '-q', '-b', 'topic');
  origin.commit({ b: '1' }, 'Third');
  parent.git('clone', '-q', '--depth', '1', '--branch', 'topic', `file://${origin.path}`, 'clone');
  const root = join(parent.path, 'clone');
  const { facts, settings } = gatherGitFacts(root, gitEnv);
  expect(facts).toMatchObject({ real: true, branch: 'topic', beforeSha: zeroSha, message: 'Third\n' });
  const query = repositoryQuery({ root, env: gitEnv, real: true, base: { kind: 'branch', branch: 'main' }, settings });
  expect(query.knowsRevision('topic')).toBe(true);
  expect(query.knowsRevision('main')).toBe(false);
  // Nothing older is known, so everything is new.
  expect(query.changedPaths()).toEqual(['a', 'b']);
});

const pushed = (repository: TestDirectory): void => {
  repository.commit({ a: '1', 'sub/b': '1' });
  repository.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
  repository.commit({ a: '2' });
};

it.each([
  ['a plain repository', '.', 3, (repository: TestDirectory) => repository.commit({ a: '1' })],
  ['a branch of a server', '.', 3, pushed],
  ['a folder of a repository', 'sub', 2, pushed],
  [
    'a tag and no branch',
    '.',
    3,
    (repository: TestDirectory) => {
      pushed(repository);
      repository.git('tag', 'v1');
      repository.git('checkout', '-q', '--detach');
    },
  ],
  ['no commit', '.', 3, () => {}],
  [
    'a broken HEAD',
    '.',
    3,
    (repository: TestDirectory) => {
      repository.commit({ a: '1' });
      repository.write({ '.git/HEAD': `${'1'.repeat(40)}\n` });
    },
  ],
  [
    'a HEAD with a NUL',
    '.',
    3,
    (repository: TestDirectory) => repository.write({ '.git/HEAD': 'ref: refs/heads/\0\n' }),
  ],
])('finds the same when git was asked ahead: %s', async (_, folder, questions, prepare) => {
  using repository = testRepository();
  prepare(repository);
  const directory = join(repository.path, folder);
  const asked: string[] = [];
  const together = gitTogether(gitEnv);
  const answered = await askFactsAhead(directory, (where, args) => {
    asked.push(args.join(' '));
    return together(where, args);
  });
  expect(asked).toHaveLength(questions);
  expect(gatherGitFacts(directory, gitEnv, answered)).toEqual(gatherGitFacts(directory, gitEnv));
});

it('asks for the commit anew when another branch was checked out meanwhile', async () => {
  using repository = testRepository();
  pushed(repository);
  const ahead = await askFactsAhead(repository.path, async (cwd, args) => runGit(args, { cwd, env: gitEnv }));
  repository.git('checkout', '-q', '-b', 'other');
  const names = ['rev-parse', '--symbolic-full-name'];
  const mixed: typeof ahead = (args) => (names.every((each) => args.includes(each)) ? undefined : ahead(args));
  expect(gatherGitFacts(repository.path, gitEnv, mixed)).toEqual(gatherGitFacts(repository.path, gitEnv));
});

it('makes facts up without a repository or without git when they were asked ahead', async () => {
  using directory = testDirectory();
  for (const env of [gitEnv, { PATH: directory.path }]) {
    const answered = await askFactsAhead(directory.path, gitTogether(env));
    const found = gatherGitFacts(directory.path, env, answered);
    expect(found).toEqual(gatherGitFacts(directory.path, env));
    expect(found.notice).toMatch(env === gitEnv ? /no git repository/ : /git was not found/);
  }
});
