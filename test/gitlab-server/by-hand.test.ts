import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { allFeatures, raw } from './raw.ts';

const program = fileURLToPath(new URL('run.mjs', import.meta.url));
let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'gitlab-by-hand-'));
  const git = (...args: readonly string[]): unknown =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: project, stdio: 'ignore' });
  writeFileSync(
    join(project, '.gitlab-ci.yml'),
    `
variables: { GREETING: hello }
build:
  stage: build
  image: alpine:3
  script: [echo $GREETING, make]
  cache: { key: k, paths: [c] }
  artifacts: { paths: [out], reports: { junit: j.xml } }
test:
  needs: [build]
  parallel: { matrix: [{ V: ['1', '2'] }] }
  script: test $V
  after_script: [done]
  tags: [docker]
never: { rules: [{ when: never }], script: 'no' }
`,
  );
  git('init', '--quiet', '-b', 'trunk');
  git('add', '.');
  git('commit', '--quiet', '-m', 'first');
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** The program, all it has written, and a wait for some text of it. */
function start(...args: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const state = { text: '' };
  child.stdout!.on('data', (chunk: Buffer) => {
    state.text += chunk.toString();
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    state.text += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const said = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const match = pattern.exec(state.text);
      if (match) return match;
      const more = new Promise((resolve) => child.stdout!.once('data', resolve));
      const over = await Promise.race([more.then(() => false), ended.then(() => true)]);
      if (over && !pattern.test(state.text)) throw new Error(`not said: ${pattern}\n${state.text}`);
    }
  };
  return { child, ended, said, text: () => state.text };
}

it('serves the pipeline of a project until it is done, and tells what happens', async () => {
  const server = start('--project', project, '--token', 'glrt-mine', '--tags', 'docker', '--until-done');
  const url = (await server.said(/runner protocol at (\S+)/))[1]!;
  await server.said(/runner token {8}glrt-mine\n/);
  const ask = () =>
    raw(`${url}/api/v4/jobs/request`, 'POST', { json: { token: 'glrt-mine', info: { features: allFeatures } } });
  const put = (job: { id: number; token: string }, state: string) =>
    raw(`${url}/api/v4/jobs/${job.id}`, 'PUT', { json: { token: job.token, state, failure_reason: 'script_failure' } });
  const { json: build } = await ask();
  expect(build).toMatchObject({
    job_info: { name: 'build', stage: 'build', project_full_path: 'group/project' },
    git_info: { ref: 'trunk' },
    image: { name: 'alpine:3' },
    steps: [{ name: 'script', script: ['echo $GREETING', 'make'] }],
    cache: [{ key: 'k', paths: ['c'], policy: 'pull-push' }],
    artifacts: [
      { artifact_type: 'archive', paths: ['out'] },
      { artifact_type: 'junit', paths: ['j.xml'] },
    ],
  });
  const own = build.variables.filter(({ key }: { key: string }) => key === 'GREETING');
  expect(own).toMatchObject([{ value: 'hello', public: true }]);
  const body = '2026-01-02T03:04:05.123456Z 01O hello\nx';
  await raw(`${url}/api/v4/jobs/${build.id}/trace`, 'PATCH', {
    headers: { 'job-token': build.token, 'content-type': 'text/plain', 'content-range': `0-${body.length - 1}` },
    body,
  });
  await put(build, 'success');
  for (const state of ['success', 'failed']) {
    const { json } = await ask();
    expect(json.steps[1]).toMatchObject({ name: 'after_script', script: ['done'] });
    await put(json, state);
  }
  expect(await server.ended).toBe(1);
  const lines = server
    .text()
    .split('\n')
    .filter((line) => /^(==|\S+ \||!!)/.test(line));
  expect(lines.map((line) => line.replace(/#\d+/, '#N'))).toEqual([
    '== build #N: pending',
    '== build #N: running',
    'build | 03:04:05 hello',
    'build | x',
    '== build #N: success',
    '== test: [1] #N: pending',
    '== test: [2] #N: pending',
    '== test: [1] #N: running',
    '== test: [1] #N: success',
    '== test: [2] #N: running',
    '== test: [2] #N: failed (script_failure)',
  ]);
});

it('ends when asked', async () => {
  const server = start('--project', project);
  await server.said(/attach a runner/);
  server.child.kill('SIGINT');
  expect(await server.ended).toBe(0);
});

it.each([
  ['no project', []],
  ['a folder that is no repository', ['--project', tmpdir()]],
  ['an unknown option', ['--project', '.', '--frobnicate']],
])('refuses %s', async (_, args) => {
  expect(await start(...args).ended).toBe(2);
});
