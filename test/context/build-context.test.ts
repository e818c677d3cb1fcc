import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildContext, type ContextOptions } from '../../src/context/build-context.ts';
import { zeroSha } from '../../src/context/gather-git-facts.ts';
import type { Context } from '../../src/model/context.ts';
import { gitEnv, type TestDirectory, testDirectory, testRepository } from './git-repository.ts';

function built(
  directory: TestDirectory,
  options: Partial<ContextOptions> = {},
): Context & { notices: readonly string[] } {
  const result = build(directory, options);
  if (result.kind !== 'context') throw new Error(result.message);
  return { ...result.context, notices: result.notices };
}

function build(directory: TestDirectory, options: Partial<ContextOptions> = {}) {
  return buildContext({
    root: directory.path,
    configPath: '.gitlab-ci.yml',
    env: gitEnv,
    nowMs: 0,
    version: '1.2.3',
    ...options,
  });
}

function variables(context: Context): Readonly<Record<string, string>> {
  return Object.fromEntries(context.predefined.map(({ name, value }) => [name, value]));
}

function onBranch(): TestDirectory {
  const repository = testRepository();
  repository.commit({ a: '1' }, 'First');
  repository.git('remote', 'add', 'origin', 'git@gitlab.example.com:Group/Sub/My-App.git');
  repository.git('checkout', '-q', '-b', 'Feature/LOGIN_form');
  repository.commit({ b: '1' }, 'Add the form\n\nIt costs $5');
  return repository;
}

describe('events', () => {
  it('push', () => {
    using repository = onBranch();
    const context = built(repository);
    const set = variables(context);
    expect(set).toMatchObject({
      CI: 'true',
      GITLAB_CI: 'true',
      CI_PIPELINE_SOURCE: 'push',
      CI_COMMIT_BRANCH: 'Feature/LOGIN_form',
      CI_COMMIT_REF_NAME: 'Feature/LOGIN_form',
      CI_COMMIT_REF_SLUG: 'feature-login-form',
      CI_COMMIT_REF_PROTECTED: 'false',
      CI_COMMIT_SHA: repository.git('rev-parse', 'HEAD'),
      CI_COMMIT_BEFORE_SHA: repository.git('rev-parse', 'HEAD^'),
      CI_COMMIT_TITLE: 'Add the form',
      CI_COMMIT_DESCRIPTION: 'It costs $5\n',
      CI_COMMIT_AUTHOR: 'Ann Author <ann@example.com>',
      CI_COMMIT_TIMESTAMP: '2024-03-01T12:00:00+01:00',
      CI_DEFAULT_BRANCH: 'main',
      CI_PROJECT_PATH: 'Group/Sub/My-App',
      CI_PROJECT_PATH_SLUG: 'group-sub-my-app',
      CI_PROJECT_NAME: 'My-App',
      CI_PROJECT_NAMESPACE: 'Group/Sub',
      CI_PROJECT_ROOT_NAMESPACE: 'Group',
      CI_PROJECT_URL: 'https://gitlab.example.com/Group/Sub/My-App',
      CI_REGISTRY_IMAGE: 'registry.gitlab.example.com/group/sub/my-app',
      CI_SERVER_FQDN: 'gitlab.example.com',
      CI_API_V4_URL: 'https://gitlab.example.com/api/v4',
      CI_PIPELINE_CREATED_AT: '1970-01-01T00:00:00Z',
      CI_RUNNER_VERSION: '1.2.3',
      GITLAB_USER_LOGIN: 'tester',
      GITLAB_USER_NAME: 'Ann Author',
    });
    expect(Object.keys(set).filter((name) => /MERGE_REQUEST|CI_COMMIT_TAG|SCHEDULE|TRIGGER/.test(name))).toEqual([]);
    expect(context.predefined.every((variable) => variable.raw)).toBe(true);
    expect(context.source).toBe('push');
    expect(context.notices).toEqual([]);
  });

  it('merge_request', () => {
    using repository = onBranch();
    const set = variables(built(repository, { event: 'merge_request' }));
    expect(set).toMatchObject({
      CI_PIPELINE_SOURCE: 'merge_request_event',
      CI_COMMIT_REF_NAME: 'Feature/LOGIN_form',
      CI_COMMIT_BEFORE_SHA: zeroSha,
      CI_MERGE_REQUEST_IID: '1',
      CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: 'Feature/LOGIN_form',
      CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main',
      CI_MERGE_REQUEST_DIFF_BASE_SHA: repository.git('rev-parse', 'main'),
      CI_MERGE_REQUEST_EVENT_TYPE: 'detached',
      CI_OPEN_MERGE_REQUESTS: 'Group/Sub/My-App!1',
    });
    expect(set).not.toHaveProperty('CI_COMMIT_BRANCH');
    expect(set).not.toHaveProperty('CI_COMMIT_TAG');
    expect(
      variables(built(repository, { event: 'merge_request', targetBranch: 'dev' })).CI_MERGE_REQUEST_TARGET_BRANCH_NAME,
    ).toBe('dev');
  });

  it('tag', () => {
    using repository = onBranch();
    repository.git('tag', '-a', 'v1.0', '-m', 'The first\n\nrelease');
    for (const options of [{ event: 'tag' }, { tag: 'v1.0' }, { event: 'push', tag: 'v1.0' }] as const) {
      const context = built(repository, options);
      const set = variables(context);
      expect(set).toMatchObject({
        CI_PIPELINE_SOURCE: 'push',
        CI_COMMIT_TAG: 'v1.0',
        CI_COMMIT_TAG_MESSAGE: 'The first\n\nrelease',
        CI_COMMIT_REF_NAME: 'v1.0',
        CI_COMMIT_REF_SLUG: 'v1-0',
        CI_COMMIT_BEFORE_SHA: zeroSha,
      });
      expect(set).not.toHaveProperty('CI_COMMIT_BRANCH');
      expect(context.git).toMatchObject({ tag: 'v1.0' });
      expect(context.git).not.toHaveProperty('branch');
      expect(context.query.changedPaths()).toBeUndefined();
    }
    expect(variables(built(repository, { tag: 'unborn' })).CI_COMMIT_TAG_MESSAGE).toBe('');
  });

  it.each([
    ['schedule', 'CI_PIPELINE_SCHEDULE_DESCRIPTION'],
    ['trigger', 'CI_PIPELINE_TRIGGERED'],
    ['web', 'CI_COMMIT_BRANCH'],
    ['api', 'CI_COMMIT_BRANCH'],
  ] as const)('%s', (event, name) => {
    using repository = onBranch();
    const context = built(repository, { event, branch: 'release' });
    expect(variables(context)).toMatchObject({
      CI_PIPELINE_SOURCE: event,
      CI_COMMIT_BRANCH: 'release',
      CI_COMMIT_BEFORE_SHA: zeroSha,
    });
    expect(variables(context)).toHaveProperty(name);
    expect(context.query.changedPaths()).toBeUndefined();
  });

  it('names no branch on a detached HEAD and says so', () => {
    using repository = onBranch();
    repository.git('checkout', '-q', '--detach');
    const context = built(repository);
    expect(variables(context)).not.toHaveProperty('CI_COMMIT_BRANCH');
    expect(variables(context).CI_COMMIT_REF_NAME).toBe(context.git.shortSha);
    expect(context.notices).toEqual([expect.stringContaining('--branch')]);
    expect(built(repository, { branch: 'x' }).notices).toEqual([]);
    expect(build(repository, { event: 'merge_request' })).toMatchObject({
      kind: 'usage-error',
      hint: expect.stringContaining('--branch'),
    });
  });

  it('works without a repository', () => {
    using directory = testDirectory();
    const context = built(directory);
    expect(variables(context)).toMatchObject({ CI_COMMIT_BRANCH: 'main', CI_COMMIT_SHA: zeroSha });
    expect(context.project.path).toMatch(/^local\/context-/);
    expect(context.notices).toHaveLength(1);
  });

  it.each<readonly [Partial<ContextOptions>, RegExp]>([
    [{ event: 'tag' }, /no tag points at HEAD/],
    [{ tag: 'a', branch: 'b' }, /exclude/],
    [{ tag: 'a', event: 'merge_request' }, /does not fit/],
    [{ branch: 'a', event: 'tag' }, /does not fit/],
    [{ targetBranch: 'a' }, /only fits/],
    [{ branch: '' }, /--branch is empty/],
    [{ changedSince: '' }, /--changed-since is empty/],
    [{ changedSince: 'nowhere' }, /--changed-since: there is no revision `nowhere`/],
    [{ changedSince: '--all' }, /--changed-since: there is no revision `--all`/],
  ])('refuses %j', (options, message) => {
    using repository = onBranch();
    expect(build(repository, options)).toMatchObject({ kind: 'usage-error', message: expect.stringMatching(message) });
  });
});

it('cuts a message that is longer than an environment takes', () => {
  using repository = testRepository();
  repository.write({ message: `Title\n\n${'ä'.repeat(60_000)}` });
  repository.git('add', '-A');
  repository.git('commit', '-q', '-F', 'message');
  const set = variables(built(repository));
  expect(set.CI_COMMIT_MESSAGE_IS_TRUNCATED).toBe('true');
  expect(Buffer.byteLength(set.CI_COMMIT_MESSAGE!)).toBeGreaterThan(99_990);
  expect(Buffer.byteLength(set.CI_COMMIT_MESSAGE!)).toBeLessThanOrEqual(100_000);
  expect(set.CI_COMMIT_MESSAGE!.endsWith('ä')).toBe(true);
  expect(set.CI_COMMIT_DESCRIPTION!.startsWith('ää')).toBe(true);
});

it('takes a merge request for a draft by its title', () => {
  using repository = onBranch();
  const draft = (): string | undefined =>
    variables(built(repository, { event: 'merge_request' })).CI_MERGE_REQUEST_DRAFT;
  expect(draft()).toBe('false');
  repository.commit({}, 'Draft: try it');
  expect(draft()).toBe('true');
});

describe('changed paths', () => {
  const changed = (repository: TestDirectory, options: Partial<ContextOptions> = {}) =>
    built(repository, options).query.changedPaths();

  it('on a branch: since the merge base, with what is not committed', () => {
    using repository = onBranch();
    repository.git('checkout', '-q', 'main');
    repository.commit({ elsewhere: '1' });
    repository.git('checkout', '-q', 'Feature/LOGIN_form');
    expect(changed(repository)).toEqual(['b']);
    repository.write({ a: 'changed', 'new/file': '', '.gitignore': 'ignored\n', ignored: '' });
    repository.git('add', 'a');
    expect(changed(repository)).toEqual(['.gitignore', 'a', 'b', 'new/file']);
    expect(changed(repository, { changedSince: 'HEAD' })).toEqual(['.gitignore', 'a', 'new/file']);
    expect(changed(repository, { event: 'merge_request' })).toEqual(['.gitignore', 'a', 'b', 'new/file']);
  });

  it('on the default branch: since what was pushed, else since the commit before', () => {
    using repository = testRepository();
    repository.commit({ a: '1' });
    expect(changed(repository)).toEqual(['a']);
    repository.commit({ b: '1' });
    repository.commit({ c: '1' });
    expect(changed(repository)).toEqual(['c']);
    repository.git('update-ref', 'refs/remotes/origin/main', 'HEAD~2');
    expect(changed(repository)).toEqual(['b', 'c']);
    repository.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    expect(changed(repository)).toEqual(['c']);
    repository.write({ d: '' });
    expect(changed(repository)).toEqual(['d']);
  });

  it('tells both names of a renamed file', () => {
    using repository = testRepository();
    repository.commit({ old: 'some text\n' });
    repository.git('mv', 'old', 'new');
    expect(changed(repository)).toEqual(['new', 'old']);
  });

  it('compares with another branch by its merge base', () => {
    using repository = onBranch();
    repository.git('branch', 'base');
    repository.commit({ c: '1' });
    const { query } = built(repository);
    expect(query.changedPaths('base')).toEqual(['c']);
    expect(query.changedPaths('refs/heads/base')).toEqual(['c']);
    expect(query.changedPaths('--output=/tmp/x')).toBeUndefined();
    expect(query.changedPaths('nowhere')).toBeUndefined();
    expect(['base', 'refs/heads/base', 'HEAD', 'nowhere', '--all'].map((name) => query.knowsRevision(name))).toEqual([
      ...[true, true, true, false, false],
    ]);
    expect(built(repository, { changedSince: 'HEAD' }).query.knowsRevision('nowhere')).toBe(true);
    repository.git('update-ref', 'refs/remotes/origin/theirs', 'base');
    expect(query.knowsRevision('refs/heads/theirs')).toBe(true);
    expect(query.changedPaths('refs/heads/theirs')).toEqual(['c']);
    expect(query.changedPaths()).toEqual(['b', 'c']);
    expect(built(repository, { event: 'tag', tag: 'v1' }).query.changedPaths('base')).toEqual(['c']);
  });

  it('is relative to a project below the top level', () => {
    using repository = testRepository();
    repository.commit({ 'app/a': '1', other: '1' });
    repository.commit({ 'app/b': '1', other: '2' });
    repository.write({ 'app/c': '1', more: '1' });
    const { query } = built(repository, { root: join(repository.path, 'app') });
    expect(query.changedPaths()).toEqual(['c']);
    expect(query.paths()).toEqual(['a', 'b', 'c']);
    repository.git('add', '-A');
    repository.git('commit', '-q', '-m', 'x');
    expect(built(repository, { root: join(repository.path, 'app') }).query.changedPaths()).toEqual(['c']);
  });
});

it('lists tracked and untracked paths that are there and not ignored', () => {
  using repository = testRepository();
  repository.commit({ 'a b': '', gone: '', '.gitignore': 'ignored\n' });
  repository.git('rm', '-q', '--cached', 'a b');
  repository.write({ ignored: '', é: '', staged: '' });
  repository.git('add', 'staged');
  repository.git('update-index', '--force-remove', 'gone');
  expect(built(repository).query.paths()).toEqual(['.gitignore', 'a b', 'gone', 'staged', 'é']);
});
