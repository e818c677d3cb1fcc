import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type CiOptions, readEvents, runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));

async function run(project: TemporaryProject, args: readonly string[] = [], options: Partial<CiOptions> = {}) {
  const result = await runCi(['run', '--reporter', 'json', ...args], {
    cwd: project.root,
    home: project.home,
    ...options,
  });
  const events = readEvents(result.stdout);
  const finished = events.find((event) => event.type === 'pipeline-finished');
  const jobs = (finished?.['jobs'] ?? {}) as Record<
    string,
    { status: string; exitCode?: number; failureReason?: string }
  >;
  const outputOf = (job: string): string =>
    events
      .filter((event) => event.type === 'job-output' && event.job === job)
      .map((event) => event['text'])
      .join('');
  return {
    ...result,
    events,
    jobs,
    outputOf,
    statuses: Object.fromEntries(Object.entries(jobs).map(([id, job]) => [id, job.status])),
  };
}

const pipeline = (text: string, more: Readonly<Record<string, string>> = {}): TemporaryProject =>
  temporaryProject({ '.gitlab-ci.yml': text, ...more });

describe('ci run', () => {
  it('runs the pipeline of the tour; the second run finds the cache', async () => {
    using project = temporaryProject({ copyOf: fixture('tour') });
    const first = await run(project);
    expect(first.exitCode, first.stderr).toBe(0);
    expect(first.statuses).toEqual({
      dictionary: 'success',
      lint: 'success',
      build: 'success',
      'test: [short]': 'success',
      'test: [long]': 'success',
      package: 'success',
      publish: 'manual',
    });
    expect(first.outputOf('dictionary')).toContain('making vendor/');
    expect(first.outputOf('test: [short]')).toMatch(/testing build [0-9a-f]{8}, suite short/);
    const second = await run(project);
    expect(second.outputOf('dictionary')).toContain('vendor/ came out of the cache');
    expect(second.outputOf('dictionary')).not.toContain('making vendor/');
    // Nothing was written into the working tree.
    expect(project.git('status', '--porcelain', '--ignored')).toBe('');
  });

  it('starts a job when its needs end, although an unrelated job still runs', async () => {
    using project = pipeline(`
slow:
  script: ['while [ ! -e "$GATE" ]; do sleep 0.05; done']
fast:
  script: ['true']
after:
  needs: [fast]
  script: ['touch "$GATE"']
`);
    // \`slow\` only ends when \`after\` has run: a scheduler with waves would wait forever.
    const result = await run(project, ['-j', '2', '--var', `GATE=${project.home}/gate`, '--timeout', '30s']);
    expect(result.exitCode, result.stderr).toBe(0);
    const order = result.events
      .filter((event) => event.type.startsWith('job-'))
      .map((event) => `${event.type} ${event.job}`);
    expect(order.indexOf('job-started after')).toBeLessThan(order.indexOf('job-finished slow'));
    expect(order.indexOf('job-started after')).toBeGreaterThan(order.indexOf('job-finished fast'));
  });

  it('runs more jobs at once than Node takes for a leak, and says nothing of that', async () => {
    const count = 24;
    // Each waits until all are there.
    using project = pipeline(
      `wait:\n  parallel: ${count}\n  script:\n    - touch "$MEETING/$CI_NODE_INDEX"\n` +
        `    - until [ "$(ls "$MEETING" | wc -l)" -ge ${count} ]; do sleep 0.05; done\n`,
    );
    const meeting = join(project.home, 'meeting');
    mkdirSync(meeting, { recursive: true });
    const { exitCode, stderr, jobs } = await run(project, ['-j', String(count), '--var', `MEETING=${meeting}`]);
    expect(exitCode, stderr).toBe(0);
    expect(Object.keys(jobs)).toHaveLength(count);
    expect(stderr).not.toContain('Warning');
  });

  it('tells a failed job by exit code 1, and skips what depends on it', async () => {
    using project = pipeline(`
stages: [build, test]
build: { stage: build, script: ['exit 3'] }
other: { stage: build, script: ['true'] }
test: { stage: test, script: ['true'] }
free: { stage: test, needs: [other], script: ['true'] }
`);
    const result = await run(project);
    expect(result.exitCode).toBe(1);
    expect(result.statuses).toEqual({ build: 'failed', other: 'success', test: 'skipped', free: 'success' });
    expect(result.jobs['build']).toMatchObject({ exitCode: 3, failureReason: 'script_failure' });
  });

  it('forgives exit codes that allow_failure names, and no others', async () => {
    using project = pipeline(`
forgiven: { stage: build, script: ['exit 4'], allow_failure: { exit_codes: 4 } }
next: { stage: test, script: ['true'] }
`);
    const forgiven = await run(project);
    expect(forgiven.exitCode).toBe(0);
    expect(forgiven.statuses).toEqual({ forgiven: 'failed', next: 'success' });
    project.write(
      '.gitlab-ci.yml',
      "strict: { stage: build, script: ['exit 3'], allow_failure: { exit_codes: 4 } }\nnext: { stage: test, script: ['true'] }\n",
    );
    const strict = await run(project);
    expect(strict.exitCode).toBe(1);
    expect(strict.statuses).toEqual({ strict: 'failed', next: 'skipped' });
  });

  it('retries, and tells how often', async () => {
    using project = pipeline(`
flaky:
  retry: 2
  script:
    - echo try >> "$COUNT"
    - test "$(wc -l < "$COUNT")" -ge 3
`);
    const result = await run(project, ['--var', `COUNT=${project.home}/count`]);
    expect(result.exitCode, result.stdout).toBe(0);
    expect(result.events.find((event) => event.type === 'job-finished')).toMatchObject({
      status: 'success',
      attempts: 3,
    });
  });

  it('ends a job at its timeout and leaves no process', async () => {
    using project = pipeline(`
endless:
  timeout: 1 second
  script: ['sleep 300 & echo $! > "$PIDS"; sleep 300']
`);
    const result = await run(project, ['--var', `PIDS=${project.home}/pid`]);
    expect(result.exitCode).toBe(1);
    expect(result.jobs['endless']).toMatchObject({ failureReason: 'job_execution_timeout' });
    const pid = Number(readFileSync(`${project.home}/pid`, 'utf8'));
    // Gone, or a zombie that nobody has waited for yet.
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'latin1') : ') Z ';
    expect(stat).toMatch(/\) [ZX] /);
  });

  it('runs a job on the tree as it is, uncommitted changes included, ignored files not', async () => {
    using project = pipeline(
      "look: { script: ['cat a.txt new.txt; test ! -e ignored.txt', 'rm a.txt', 'git status --short'] }\n",
      {
        'a.txt': 'committed\n',
        '.gitignore': 'ignored.txt\n',
      },
    );
    project.write('a.txt', 'changed\n');
    project.write('new.txt', 'untracked\n');
    project.write('ignored.txt', 'x\n');
    const result = await run(project);
    expect(result.exitCode, result.stdout).toBe(0);
    expect(result.outputOf('look')).toContain('changed\nuntracked\n');
    expect(readFileSync(join(project.root, 'a.txt'), 'utf8')).toBe('changed\n');
  });

  it('runs in the tree itself with --in-place', async () => {
    using project = pipeline("touch: { script: ['echo here > made.txt', 'pwd'] }\n");
    const result = await run(project, ['--in-place']);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(readFileSync(join(project.root, 'made.txt'), 'utf8')).toBe('here\n');
  });

  it('starts manual jobs when asked, and says so when not', async () => {
    using project = pipeline(`
build: { stage: build, script: ['true'] }
gate: { stage: test, when: manual, allow_failure: false, script: ['true'] }
ship: { stage: deploy, script: ['true'] }
`);
    const waiting = await run(project);
    expect(waiting.exitCode).toBe(0);
    expect(waiting.statuses).toEqual({ build: 'success', gate: 'manual', ship: 'skipped' });
    const opened = await run(project, ['--manual', 'gate']);
    expect(opened.statuses).toEqual({ build: 'success', gate: 'success', ship: 'success' });
  });

  it('runs after_script with the status of the job, whatever it ends with', async () => {
    using project = pipeline(`
bad:
  script: ['cd /', 'exit 7']
  after_script: ['echo "after: $CI_JOB_STATUS in $(pwd)"', 'exit 9']
`);
    const result = await run(project);
    expect(result.jobs['bad']).toMatchObject({ status: 'failed', exitCode: 7 });
    expect(result.outputOf('bad')).toMatch(/after: failed in .*project/);
  });

  it('goes on from the last run with --failed and --from', async () => {
    using project = pipeline(`
stages: [build, test, deploy]
build:
  stage: build
  script: ['echo built > out.txt', 'echo "V=1" > v.env']
  artifacts: { paths: [out.txt], reports: { dotenv: v.env } }
test: { stage: test, script: ['test -e "$FLAG"', 'cat out.txt', 'echo "v is $V"'] }
deploy: { stage: deploy, script: ['cat out.txt'] }
`);
    const flag = ['--var', `FLAG=${project.home}/flag`];
    const first = await run(project, flag);
    expect(first.statuses).toEqual({ build: 'success', test: 'failed', deploy: 'skipped' });
    project.write('../home/flag', '');
    const second = await run(project, ['--failed', ...flag]);
    expect(second.exitCode, second.stdout + second.stderr).toBe(0);
    expect(second.statuses).toEqual({ test: 'success', deploy: 'success' });
    expect(second.outputOf('test')).toContain('built');
    expect(second.outputOf('test')).toContain('v is 1');
    const third = await run(project, ['--from', 'deploy', ...flag]);
    expect(third.statuses).toEqual({ deploy: 'success' });
    const nothing = await run(project, ['--failed', ...flag]);
    expect(nothing.exitCode).toBe(0);
    expect(nothing.stderr).toContain('nothing failed last time');
  });

  it('takes what a needed job left from an older run, if the last one did not run it', async () => {
    using project = pipeline(`
stages: [build, test]
build: { stage: build, script: ['echo built > out.txt'], artifacts: { paths: [out.txt] } }
other: { stage: build, script: ['true'] }
test: { stage: test, needs: [build], script: ['cat out.txt'] }
`);
    await run(project, ['other']);
    const without = await run(project, ['--from', 'test']);
    expect(without.exitCode).toBe(1);
    expect(without.events).toContainEqual(
      expect.objectContaining({
        type: 'warning',
        message: 'without artifacts of build: no run on this machine has them',
      }),
    );
    await run(project, ['build']);
    await run(project, ['other']);
    const older = await run(project, ['--from', 'test']);
    expect(older.exitCode, older.stdout).toBe(0);
    expect(older.outputOf('test')).toContain('built');
    const message = 'artifacts of build are those of run 3: it did not run since';
    expect(older.events).toContainEqual(expect.objectContaining({ type: 'notice', message }));
  });

  it('hides a secret everywhere', async () => {
    using project = pipeline("leak: { script: ['echo \"it is $TOKEN\"', 'echo $TOKEN | base64', 'exit 1'] }\n");
    const secret = 'correct-horse-battery';
    const result = await run(project, ['--secret', 'TOKEN', '--report', `json=${project.home}/report.json`], {
      env: { TOKEN: secret },
    });
    expect(result.outputOf('leak')).toContain('it is [MASKED]');
    const files = readdirSync(project.home, { recursive: true, encoding: 'utf8' }).map((name) =>
      join(project.home, name),
    );
    const encoded = Buffer.from(secret).toString('base64').slice(0, 20);
    for (const file of files) {
      let content: string;
      try {
        content = readFileSync(file, 'utf8');
      } catch {
        continue;
      }
      expect(content.includes(secret) || content.includes(encoded), file).toBe(false);
    }
    expect(result.stdout + result.stderr).not.toContain(secret);
  });

  it('writes reports and copies artifacts where it is told', async () => {
    using project = pipeline(
      "make: { script: ['echo hi > a.txt'], artifacts: { paths: [a.txt] } }\nbad: { script: ['exit 2'] }\n",
    );
    const reports = ['junit', 'html', 'json'].flatMap((kind) => ['--report', `${kind}=${project.home}/report.${kind}`]);
    await run(project, [...reports, '--artifacts-dir', `${project.home}/out`]);
    expect(readFileSync(`${project.home}/report.junit`, 'utf8')).toMatch(/<testcase [^>]*name="bad"[\s\S]*<failure/);
    expect(JSON.parse(readFileSync(`${project.home}/report.json`, 'utf8'))).toMatchObject({ schema: 'ci/1' });
    expect(readFileSync(`${project.home}/report.html`, 'utf8')).toContain('<html');
    expect(readFileSync(`${project.home}/out/make/a.txt`, 'utf8')).toBe('hi\n');
  });

  it('copies artifacts over those of the run before, through no link of theirs', async () => {
    using project = pipeline('make: { script: [\'ln -s "$VICTIM" x\'], artifacts: { paths: [x] } }\n');
    const victim = join(project.home, 'victim');
    mkdirSync(victim);
    const args = ['--artifacts-dir', `${project.home}/out`, '--var', `VICTIM=${victim}`];
    await run(project, args);
    project.write('.gitlab-ci.yml', "make: { script: ['mkdir x', 'echo hi > x/y'], artifacts: { paths: [x] } }\n");
    const result = await run(project, args);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(readFileSync(`${project.home}/out/make/x/y`, 'utf8')).toBe('hi\n');
    expect(readdirSync(victim)).toEqual([]);
  });

  it('gives later jobs what the last try left, and nothing when it left nothing', async () => {
    using project = pipeline(`
stages: [a, b]
flaky:
  stage: a
  retry: 1
  script: ['if [ -e "$ONCE" ]; then exit 0; fi', 'touch "$ONCE" out.txt', 'exit 1']
  artifacts: { when: always, paths: [out.txt] }
use: { stage: b, script: ['test ! -e out.txt'] }
`);
    const result = await run(project, ['--var', `ONCE=${project.home}/once`]);
    expect(result.statuses).toEqual({ flaky: 'success', use: 'success' });
  });

  it.skipIf(process.platform === 'win32')('keeps what it stores from other users', async () => {
    using project = pipeline("make: { script: ['echo hi > x'], cache: { paths: [x] } }\n");
    await run(project);
    for (const name of ['state/projects', 'cache/snapshots', 'cache/caches']) {
      expect([name, statSync(join(project.home, name)).mode & 0o077]).toEqual([name, 0]);
    }
  });

  it('keeps jobs of one resource group apart, also between two runs', async () => {
    const job = "  resource_group: one\n  script: ['mkdir \"$LOCK\"', 'sleep 0.3', 'rmdir \"$LOCK\"']\n";
    using project = pipeline(`a:\n${job}b:\n${job}`);
    const args = ['-j', '2', '--var', `LOCK=${project.home}/lock`];
    const results = await Promise.all([run(project, args), run(project, args)]);
    for (const result of results) expect(result.statuses, result.stdout).toEqual({ a: 'success', b: 'success' });
  });

  it('gives twenty runs at once an id each', async () => {
    using project = pipeline("one: { script: ['true'] }\n");
    const results = await Promise.all(Array.from({ length: 20 }, () => run(project)));
    expect(results.map((result) => result.exitCode)).toEqual(results.map(() => 0));
    const ids = results.map((result) => result.events.find((event) => event.type === 'pipeline-planned')?.['runId']);
    expect(new Set(ids).size).toBe(20);
  });
});

describe('bad input and bad surroundings', () => {
  const cases: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['an unknown command', ['biuld'], 2, /unknown command/],
    ['an unknown flag', ['run', '--nope'], 2, /unknown option/],
    ['an unknown job', ['run', 'tset'], 2, /there is no job `tset`[\s\S]*nearest: test/],
    ['an unknown stage', ['run', '--stage', 'tset'], 2, /there is no stage/],
    ['a bad value', ['run', '-j', 'many'], 2, /whole number/],
    ['a missing secret', ['run', '--secret', 'NOT_SET_ANYWHERE'], 2, /NOT_SET_ANYWHERE is not set/],
    ['a missing file', ['run', '-f', 'nothere.yml'], 3, /there is no file nothere.yml/],
    ['a missing folder', ['run', '-C', 'nothere'], 2, /there is no folder nothere/],
    ['a malformed variable', ['run', '--var', 'novalue'], 2, /NAME=value/],
    ['contradicting options', ['run', '--tag', 'v1', '--branch', 'main'], 2, /exclude each other/],
    ['a run that is not there', ['logs', '--run', '99'], 2, /there is no run 99/],
  ];
  it.each(cases)('%s', async (_, args, exitCode, message) => {
    using project = pipeline("test: { script: ['true'] }\n");
    const result = await runCi(args, { cwd: project.root, home: project.home });
    expect(result.stderr).toMatch(message);
    expect(result.exitCode).toBe(exitCode);
  });

  it('refuses an invalid file with 3 in every command but lint', async () => {
    using project = pipeline("test: { stage: tset, script: ['true'] }\n");
    for (const command of ['run', 'plan', 'list', 'graph']) {
      const result = await runCi([command], { cwd: project.root, home: project.home });
      expect([command, result.exitCode]).toEqual([command, 3]);
      expect(result.stderr).toContain(
        '.gitlab-ci.yml:1:16: error: stage `tset` of job `test` does not exist [plan/unknown-stage]',
      );
    }
    const lint = await runCi(['lint'], { cwd: project.root, home: project.home });
    expect(lint.exitCode).toBe(1);
  });

  it('says so when there is no pipeline file', async () => {
    using project = temporaryProject({ 'README.md': 'x' });
    const result = await runCi(['run'], { cwd: project.root, home: project.home });
    expect(result.exitCode).toBe(3);
    expect(result.stderr).toContain('no pipeline file here');
  });

  it('ends with 4 and names what was tried when no engine answers', async () => {
    using project = pipeline("test: { image: some/image, script: ['true'] }\n");
    const env = { DOCKER_HOST: `unix://${project.home}/no.sock` };
    const result = await runCi(['run'], { cwd: project.root, home: project.home, env });
    expect(result.exitCode, result.stdout).toBe(4);
    expect(result.stderr).toContain('no.sock');
    expect(result.stderr).toContain('-e shell');
  });

  it('is quiet and ends with 0 when workflow:rules leave the pipeline out', async () => {
    using project = pipeline("workflow: { rules: [{ if: $CI_COMMIT_TAG }] }\ntest: { script: ['true'] }\n");
    const out = await runCi(['run'], { cwd: project.root, home: project.home });
    expect([out.exitCode, out.stderr]).toEqual([0, expect.stringContaining('nothing runs')]);
    project.git('tag', 'v1');
    const tagged = await run(project, ['--event', 'tag', '--tag', 'v1']);
    expect(tagged.statuses).toEqual({ test: 'success' });
  });

  it('writes nothing and starts nothing of the file in the reading commands', async () => {
    using project = pipeline("test: { script: ['touch RAN'], rules: [{ changes: ['**/*'] }] }\n");
    for (const command of [['lint'], ['list'], ['plan'], ['graph'], ['explain', 'test'], ['config']]) {
      const result = await runCi(command, { cwd: project.root, home: project.home });
      expect(result.exitCode, result.stderr).toBe(0);
    }
    expect(project.git('status', '--porcelain', '--ignored')).toBe('');
    expect(readdirSync(project.home)).toEqual([]);
  });
});

describe('what earlier runs left', () => {
  it('is shown by logs, artifacts and runs, and removed by clean', async () => {
    using project = pipeline(
      "make: { script: ['echo hello from make', 'echo x > a.txt'], artifacts: { paths: [a.txt] } }\n",
    );
    await run(project);
    const given = { cwd: project.root, home: project.home };
    expect((await runCi(['logs', 'make'], given)).stdout).toMatch(/^hello from make$/m);
    const artifacts = JSON.parse((await runCi(['artifacts', '--format', 'json'], given)).stdout);
    expect(artifacts.artifacts).toHaveLength(1);
    expect(readFileSync(join(artifacts.artifacts[0].path, 'a.txt'), 'utf8')).toBe('x\n');
    const runs = JSON.parse((await runCi(['runs', '--format', 'json'], given)).stdout);
    expect(runs.runs).toMatchObject([{ id: '1', status: 'success', jobs: { make: 'success' } }]);
    const dry = await runCi(['clean', '--all', '--dry-run'], given);
    expect(dry.stdout).toContain('would remove');
    expect(existsSync(artifacts.artifacts[0].path)).toBe(true);
    await runCi(['clean', '--all'], given);
    expect(existsSync(artifacts.artifacts[0].path)).toBe(false);
    expect((await runCi(['logs'], given)).exitCode).toBe(2);
  });
});
