import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobSpec } from '../../../src/model/job-spec.ts';
import type { Repository } from '../../../src/model/repository.ts';
import { readConfig } from '../../../src/runner/config/read-config.ts';
import { jobSpecOf } from '../../../src/runner/job/job-spec-of.ts';
import { decodeJob } from '../../../src/runner/network/decode-job.ts';
import { gitWishes } from '../../../src/runner/sources/git-wishes.ts';
import { checkoutDirectory, type KeptCheckout, keptCheckouts } from '../../../src/runner/sources/kept-checkouts.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { type GitlabServer, startGitlabServer } from '../../gitlab-server/gitlab-server.ts';
import { askForJob } from '../../gitlab-server/raw.ts';
import { emptyRepository } from '../../support/empty-repository.ts';
import { plainEnvironment } from '../../support/run-ci.ts';

const env = {
  ...plainEnvironment('/nonexistent'),
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@b',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@b',
};
const runner = readConfig({ runners: [{ executor: 'shell' }] }, {}).config.runners[0]!;

let root: string;
let server: GitlabServer;
let token: string;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'ci-checkouts-'));
  server = await startGitlabServer({ relativeUrl: '/gitlab' });
  token = server.addRunner().token;
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

function git(directory: string, ...args: string[]): string {
  return execFileSync('git', ['-c', 'protocol.file.allow=always', ...args], {
    cwd: directory,
    env,
    encoding: 'utf8',
  }).trim();
}

/** One that talks to the server, which is in this process. */
function talk(cwd: string, ...args: string[]) {
  return promisify(execFile)('git', args, { cwd, env: { ...env, GIT_TERMINAL_PROMPT: '0' } });
}

/** A repository with so many commits. */
function repository(name: string, commits = 3): string {
  const directory = join(root, name);
  mkdirSync(directory);
  git(directory, 'init', '-q', '-b', 'main');
  for (let count = 1; count <= commits; count++) commit(directory, `file-${count}`);
  return directory;
}

function commit(directory: string, file: string, content = file): string {
  writeFileSync(join(directory, file), content);
  git(directory, 'add', '-A');
  git(directory, 'commit', '-q', '-m', file);
  return git(directory, 'rev-parse', 'HEAD');
}

/** The job that the server hands out, as this program sees it. */
async function nextJob(): Promise<JobSpec> {
  const { json } = await askForJob(server, token);
  return jobSpecOf(decodeJob(json), runner).spec;
}

function repositoryOf({ source }: JobSpec): Repository {
  if (source.kind !== 'repository') throw new Error('no repository');
  return source.repository;
}

/** Fetches a job's sources into one kept directory. */
async function fetch(
  job: JobSpec,
  variables: Record<string, string> = {},
  url?: string,
  over: Partial<KeptCheckout> = {},
) {
  const lines: string[] = [];
  const directory = join(root, 'kept');
  const port = keptCheckouts({ directory, env, tls: {}, clock: systemClock, fetchesAs: 'job', ...over });
  const say = async (line: string): Promise<void> => void lines.push(line);
  const fetched = await port.fetch(url === undefined ? repositoryOf(job) : { ...repositoryOf(job), url }, {
    job,
    variable: (name) => variables[name],
    say,
    warn: async (line) => void lines.push(`WARNING: ${line}`),
    output: { write: async (bytes) => void lines.push(Buffer.from(bytes).toString()) },
    temporaryDirectory: join(root, 'of the job'),
    signal: new AbortController().signal,
  });
  return { tree: fetched?.tree, secrets: fetched?.secrets ?? [], lines, directory };
}

function pipeline(directory: string, jobs = 1): void {
  const project = server.store.projects.find(({ path }) => path === 'group/project');
  server.addPipeline(
    { jobs: Array.from({ length: jobs }, (_, at) => ({ name: `job-${at}` })) },
    project ?? server.addProject({ repository: directory, depth: 2 }),
  );
}

describe('sources of a job', () => {
  it('are fetched with the token of the job, which stays nowhere', async () => {
    pipeline(repository('one'));
    const job = await nextJob();
    const { lines, directory } = await fetch(job);
    expect(readFileSync(join(directory, 'file-3'), 'utf8')).toBe('file-3');
    expect(git(directory, 'rev-list', '--count', 'HEAD')).toBe('2');
    expect(git(directory, 'status', '--porcelain')).toBe('');
    expect(lines).toEqual([
      'Created fresh repository.',
      'Fetching changes with git depth set to 2...',
      expect.stringMatching(/^Checking out [0-9a-f]{8} as detached HEAD \(ref is main\)\.\.\.$/),
      'Skipping Git submodules setup',
    ]);
    const config = readFileSync(join(directory, '.git', 'config'), 'utf8');
    expect(config).toContain('/gitlab/group/project.git');
    expect(config).not.toContain('gitlab-ci-token');
    expect(existsSync(join(directory, '.git', 'hooks'))).toBe(false);
  });

  it('are only brought up to date for the next job, whatever lies there', async () => {
    const source = repository('one');
    pipeline(source, 2);
    const { directory } = await fetch(await nextJob());
    writeFileSync(join(directory, 'left'), 'by a git that was killed');
    writeFileSync(join(directory, '.git', 'index.lock'), '');
    writeFileSync(join(directory, '.git', 'shallow.lock'), '');
    const marker = join(directory, '.git', 'marker');
    writeFileSync(marker, '');
    const { lines } = await fetch(await nextJob());
    expect(lines).not.toContain('Created fresh repository.');
    expect(existsSync(marker)).toBe(true);
    expect(existsSync(join(directory, 'left'))).toBe(false);
  });

  it('are cloned anew with GIT_STRATEGY=clone', async () => {
    pipeline(repository('one'), 2);
    const { directory } = await fetch(await nextJob());
    writeFileSync(join(directory, '.git', 'marker'), '');
    const { lines } = await fetch(await nextJob(), { GIT_STRATEGY: 'clone' });
    expect(lines).toContain('Created fresh repository.');
    expect(existsSync(join(directory, '.git', 'marker'))).toBe(false);
  });

  it.each(['none', 'empty'])('are not there with GIT_STRATEGY=%s', async (strategy) => {
    pipeline(repository('one'));
    const { tree, lines, directory } = await fetch(await nextJob(), { GIT_STRATEGY: strategy });
    expect(tree).toBeUndefined();
    expect(lines).toEqual([expect.stringMatching(/^Skipping Git repository setup/)]);
    expect(existsSync(directory)).toBe(false);
  });

  it('have all of their history with GIT_DEPTH=0, also after a shallow fetch', async () => {
    pipeline(repository('one', 5), 2);
    const { directory } = await fetch(await nextJob());
    const { lines } = await fetch(await nextJob(), { GIT_DEPTH: '0' });
    expect(lines).toContain('Fetching changes...');
    expect(git(directory, 'rev-list', '--count', 'HEAD')).toBe('5');
  });

  it('stay at the old commit with GIT_CHECKOUT=false', async () => {
    const source = repository('one');
    pipeline(source);
    const { directory } = await fetch(await nextJob());
    const before = git(directory, 'rev-parse', 'HEAD');
    const project = server.store.projects[0]!;
    const clone = join(root, 'clone');
    git(root, 'clone', '-q', project.repository!, clone);
    commit(clone, 'later');
    git(clone, 'push', '-q', 'origin', 'main');
    pipeline(source);
    const job = await nextJob();
    const { lines } = await fetch(job, { GIT_CHECKOUT: 'false' });
    expect(lines).toContain('Skipping Git checkout');
    expect(git(directory, 'rev-parse', 'HEAD')).toBe(before);
    expect(git(directory, 'cat-file', '-t', repositoryOf(job).sha)).toBe('commit');
  });

  it('hold submodules of the same server, by the same token', async () => {
    const inner = repository('inner', 1);
    server.addProject({ path: 'group/inner', repository: inner });
    const outer = repository('outer', 1);
    git(outer, 'submodule', '--quiet', 'add', inner, 'sub');
    git(outer, 'config', '-f', '.gitmodules', 'submodule.sub.url', '../inner.git');
    git(outer, 'commit', '-q', '-am', 'sub');
    pipeline(outer, 3);
    const without = await fetch(await nextJob());
    expect(existsSync(join(without.directory, 'sub', 'file-1'))).toBe(false);
    const { lines, directory } = await fetch(await nextJob(), { GIT_SUBMODULE_STRATEGY: 'recursive' });
    expect(lines).toContain('Updating/initializing submodules recursively with git depth set to 2...');
    expect(existsSync(join(directory, 'sub', 'file-1'))).toBe(true);
    await expect(fetch(await nextJob(), { GIT_SUBMODULE_STRATEGY: 'sometimes' })).rejects.toThrow(
      /GIT_SUBMODULE_STRATEGY can't be sometimes/,
    );
  });

  it('hold no submodules by keys of the user of the runner, but for jobs that run as that user', async () => {
    const outer = repository('outer', 1);
    writeFileSync(
      join(outer, '.gitmodules'),
      '[submodule "sub"]\n\tpath = sub\n\turl = ssh://git@localhost/private.git\n',
    );
    const head = git(outer, 'rev-parse', 'HEAD');
    git(outer, 'update-index', '--add', '--cacheinfo', `160000,${head},sub`);
    git(outer, 'add', '.gitmodules');
    git(outer, 'commit', '-q', '-m', 'sub');
    pipeline(outer, 2);
    // What ssh is told, by a program in its place that logs in nowhere.
    const [bin, told, home] = [join(root, 'bin'), join(root, 'told'), join(root, 'home')];
    mkdirSync(bin);
    mkdirSync(home);
    writeFileSync(join(home, '.gitconfig'), '[ssh]\n\tvariant = ssh\n');
    writeFileSync(join(bin, 'ssh'), `#!/bin/sh\necho "$HOME|$SSH_AUTH_SOCK|$*" > '${told}'\nexit 1\n`, { mode: 0o755 });
    const user = { ...env, PATH: `${bin}:${process.env['PATH']}`, HOME: home, SSH_AUTH_SOCK: '/agent' };
    const tell = async (fetchesAs: KeptCheckout['fetchesAs']): Promise<string> => {
      const job = await nextJob();
      const variables = { GIT_SUBMODULE_STRATEGY: 'normal', GET_SOURCES_ATTEMPTS: '1' };
      await expect(fetch(job, variables, undefined, { env: user, fetchesAs })).rejects.toThrow(/git submodule failed/);
      return readFileSync(told, 'utf8').trim();
    };
    const [nobody, agent, options] = (await tell('job')).split('|');
    expect({ nobody, agent }).toEqual({ nobody: '/nonexistent', agent: '' });
    expect(options).toMatch(/^-F none -o BatchMode=yes -o IdentityFile=none -o IdentityAgent=none .*git@localhost/);
    expect(await tell('user')).toMatch(new RegExp(`^${home}\\|/agent\\|(?!.*IdentityFile).*git@localhost`));
  });

  it('let the scripts of the job fetch, in submodules too, by a file outside of them', async () => {
    const inner = repository('inner', 1);
    git(inner, 'branch', 'other');
    server.addProject({ path: 'group/inner', repository: inner });
    const outer = repository('outer', 1);
    git(outer, 'submodule', '--quiet', 'add', inner, 'sub');
    git(outer, 'config', '-f', '.gitmodules', 'submodule.sub.url', '../inner.git');
    git(outer, 'commit', '-q', '-am', 'sub');
    git(outer, 'branch', 'other');
    pipeline(outer);
    const { directory, secrets } = await fetch(await nextJob(), { GIT_SUBMODULE_STRATEGY: 'normal' });
    const [secret] = secrets;
    expect(secret?.path).toBe(join(root, 'of the job', '.gitlab-runner.ext.conf'));
    for (const place of [directory, join(directory, 'sub')]) {
      await expect(talk(place, 'fetch', '-q', 'origin')).rejects.toThrow(/could not read Username/);
    }
    mkdirSync(join(root, 'of the job'));
    writeFileSync(secret!.path, secret!.content);
    await talk(directory, 'fetch', '-q', 'origin');
    expect(git(directory, 'rev-parse', 'origin/other')).toMatch(/^[0-9a-f]{40}$/);
    await talk(join(directory, 'sub'), 'fetch', '-q', 'origin', 'other');
    expect(git(directory, 'config', 'remote.origin.url')).not.toContain('@');
  });

  it('come without what an earlier job left for the next git', async () => {
    pipeline(repository('one', 1), 2);
    const { directory } = await fetch(await nextJob());
    const dotGit = join(directory, '.git');
    const evil = join(root, 'evil');
    const settings = [
      ['core.fsmonitor', `touch ${evil}-fsmonitor`],
      ['core.sshCommand', `touch ${evil}-ssh`],
      ['credential.helper', `!touch ${evil}-helper`],
      ['filter.x.smudge', `touch ${evil}-filter; cat`],
      ['includeIf.gitdir:/.path', join(root, 'more')],
      ['include.path', join(root, 'more')],
      ['remote.origin.uploadpack', `touch ${evil}-pack`],
      ['core.worktree', root],
    ] as const;
    for (const [key, value] of settings) git(directory, 'config', key, value);
    writeFileSync(join(root, 'more'), `[core]\n\tfsmonitor = touch ${evil}-more\n`);
    mkdirSync(join(dotGit, 'hooks'));
    writeFileSync(join(dotGit, 'hooks', 'post-checkout'), `#!/bin/sh\ntouch ${evil}-hook\n`, { mode: 0o755 });
    mkdirSync(join(dotGit, 'info'), { recursive: true });
    writeFileSync(join(dotGit, 'info', 'attributes'), '* filter=x\n');
    rmSync(join(directory, 'file-1'));
    await fetch(await nextJob());
    expect(readFileSync(join(directory, 'file-1'), 'utf8')).toBe('file-1');
    expect(readdirSync(root).filter((name) => name.startsWith('evil'))).toEqual([]);
    const config = readFileSync(join(dotGit, 'config'), 'utf8');
    expect(config).not.toMatch(/touch|helper|includeIf|worktree/);
    expect(config.match(/^\[include\]$/gm)).toHaveLength(1);
    expect(existsSync(join(dotGit, 'hooks'))).toBe(false);
  });

  it('fail with a line of git when the server refuses, without the token', async () => {
    pipeline(repository('one'));
    const job = await nextJob();
    const wrong = repositoryOf(job).url.replace(/:[^:@/]+@/, ':wrong@');
    await expect(fetch(job, {}, wrong)).rejects.toThrow(/^git fetch failed \(exit code 128\)$/);
  });

  it('do not come from this machine, nor by programs that the server names', async () => {
    const own = repository('private');
    pipeline(own);
    const job = await nextJob();
    for (const url of [own, `file://${own}`, `ext::cat ${own}`]) await expect(fetch(job, {}, url)).rejects.toThrow();
    const ran = join(root, 'ran');
    const refspecs = [`--upload-pack=touch ${ran}; git-upload-pack`, '+refs/heads/main:refs/remotes/origin/main'];
    const source = { kind: 'repository', repository: { ...repositoryOf(job), refspecs } } as const;
    await expect(fetch({ ...job, source }, {}, own)).rejects.toThrow();
    await expect(fetch({ ...job, source })).rejects.toThrow();
    expect(existsSync(ran)).toBe(false);
  });

  it('are not asked for by what git takes for an option', async () => {
    const secret = join(root, 'secret');
    writeFileSync(secret, 'word-of-this-machine\n');
    pipeline(repository('one'));
    const job = await nextJob();
    const asked = repositoryOf(job);
    const odd: readonly (readonly [Partial<Repository>, RegExp])[] = [
      // Git would tell the job's log that it finds no such file as the secret's lines.
      [{ sha: `--pathspec-from-file=${secret}` }, /the server names what can't be: the commit "--pathspec-from-file=/],
      [{ sha: '' }, /the commit ""$/],
      [{ sha: 'HEAD@{upstream}' }, /the commit "HEAD@/],
      [{ url: `--file=${secret}` }, /the repository "--file=/],
      [{ refspecs: ['-t', ...asked.refspecs] }, /the refspec "-t"$/],
    ];
    for (const [part, why] of odd) {
      const source = { kind: 'repository', repository: { ...asked, ...part } } as const;
      await expect(fetch({ ...job, source })).rejects.toThrow(why);
    }
    expect(existsSync(join(root, 'kept'))).toBe(false);
  });

  it('take no flags that would run programs beside the job', async () => {
    pipeline(repository('one'));
    const evil = join(root, 'evil');
    const flags = `--upload-pack=touch${'$'}{IFS}${evil} --no-tags -j2`;
    const { lines } = await fetch(await nextJob(), {
      GIT_FETCH_EXTRA_FLAGS: flags,
      GIT_CLEAN_FLAGS: '-ffd -e keep --x',
    });
    expect(lines.filter((line) => line.startsWith('WARNING'))).toEqual([
      expect.stringMatching(/GIT_FETCH_EXTRA_FLAGS: --upload-pack=\S+ is left out|GIT_CLEAN_FLAGS: --x is left out/),
      expect.stringMatching(/left out/),
    ]);
    expect(existsSync(evil)).toBe(false);
  });

  it('are cleaned by the flags of the job, each where git would take it', () => {
    const flags = '-ffd -e --x -e -e --interactive --exclude=a/b -i';
    const { wishes, warnings } = gitWishes(emptyRepository, (name) => (name === 'GIT_CLEAN_FLAGS' ? flags : undefined));
    expect(wishes.cleanFlags).toEqual(['-ffd', '-e', '--x', '-e', '-e', '--exclude=a/b']);
    expect(warnings).toEqual(['GIT_CLEAN_FLAGS: --interactive -i is left out, since git runs beside the job']);
  });

  it('end at once when the job does', async () => {
    pipeline(repository('one'));
    const job = await nextJob();
    const port = keptCheckouts({ directory: join(root, 'kept'), env, tls: {}, clock: systemClock, fetchesAs: 'job' });
    const stop = new AbortController();
    stop.abort(new Error('canceled'));
    const request = {
      job,
      variable: () => undefined,
      say: async () => {},
      warn: async () => {},
      output: { write: async () => {} },
      temporaryDirectory: '/job.tmp',
    };
    await expect(port.fetch(repositoryOf(job), { ...request, signal: stop.signal })).rejects.toThrow('canceled');
  });
});

describe('the directory of a project', () => {
  const given = {
    ...{ buildsDir: '/builds', shortToken: 'abc', concurrentProjectId: 2 },
    ...{ projectPath: 'group/sub/app', projectId: 7 },
  };

  it('is of one runner and one job at a time, and below the builds', () => {
    expect(checkoutDirectory(given)).toBe('/builds/abc/2/group/sub/app/@7');
    const hostile = { ...given, shortToken: '../x', projectPath: '../../etc/./passwd' };
    expect(checkoutDirectory(hostile)).toBe('/builds/.._x/2/etc/passwd/@7');
  });

  it("is in no other project's, nor what one that had the path before has left", () => {
    const outer = checkoutDirectory({ ...given, projectPath: 'group/sub' });
    expect(checkoutDirectory(given).startsWith(`${outer}/`)).toBe(false);
    expect(checkoutDirectory({ ...given, projectId: 8 })).not.toBe(checkoutDirectory(given));
  });
});
