import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { labelPrefix } from '../../src/executors/docker/labels.ts';
import { labelled, testEngine } from '../executors/support/engine.ts';
import { readEvents, runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();
const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));

function statuses(stdout: string): Record<string, string> {
  const finished = readEvents(stdout).find((event) => event.type === 'pipeline-finished');
  const jobs = (finished?.['jobs'] ?? {}) as Record<string, { status: string }>;
  return Object.fromEntries(Object.entries(jobs).map(([id, job]) => [id, job.status]));
}

const outputOf = (stdout: string, job: string): string =>
  readEvents(stdout)
    .filter((event) => event.type === 'job-output' && event.job === job)
    .map((event) => event['text'])
    .join('');

describe.each(['shell', 'docker'] as const)('a real project in %s', (executor) => {
  it.skipIf(executor === 'docker' && engine === undefined)('passes, and finds its cache the second time', async () => {
    using project = temporaryProject({ copyOf: fixture('node-app') });
    const args = ['run', '--reporter', 'json', '-e', executor];
    const first = await runCi(args, { cwd: project.root, home: project.home });
    expect(first.exitCode, first.stdout + first.stderr).toBe(0);
    expect(statuses(first.stdout)).toEqual({
      install: 'success',
      lint: 'success',
      'unit: [-]': 'success',
      'unit: [_]': 'success',
      integration: 'success',
      build: 'success',
      verify: 'success',
    });
    expect(outputOf(first.stdout, 'install')).toContain('installing dependencies');
    expect(outputOf(first.stdout, 'unit: [_]')).toContain('the unit tests ended with success');
    expect(outputOf(first.stdout, 'verify')).toMatch(/verifying 1\.0\.0-[0-9a-f]{8}/);
    expect(outputOf(first.stdout, 'integration')).toMatch(executor === 'docker' ? /pass 1/ : /skipped 1/);
    const unit = readEvents(first.stdout).find((event) => event.type === 'job-finished' && event.job === 'unit: [-]');
    expect(unit).toMatchObject({ coverage: 100, artifacts: [expect.objectContaining({ type: 'junit' })] });
    const second = await runCi(args, { cwd: project.root, home: project.home });
    expect(outputOf(second.stdout, 'install')).toContain('dependencies came from the cache');
    expect(project.git('status', '--porcelain', '--ignored')).toBe('');
  });
});

describe.each([
  ['shell', 'none'],
  ['docker', 'ci-test/debian:latest'],
  ['docker', 'ci-test/busybox:latest'],
])('variables by GITLAB_ENV in %s, image %s', (executor, image) => {
  it.skipIf(executor === 'docker' && engine === undefined)('reach the scripts that follow', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
default: { image: "${image}" }
theirs:
  before_script: [test ! -e "$GITLAB_ENV", test -d "$RUNNER_TEMP_PROJECT_DIR"]
  script: [echo "LEFT='two words'" >> "$GITLAB_ENV"]
  after_script: [echo "left $LEFT"]
elsewhere:
  variables: { GITLAB_ENV: $CI_PROJECT_DIR/a b }
  script: [echo LEFT=there > "$GITLAB_ENV"]
  after_script: [echo "left $LEFT"]
`,
    });
    const args = ['run', '--reporter', 'json', '-e', executor, '--pull', 'never'];
    const { exitCode, stdout, stderr } = await runCi(args, { cwd: project.root, home: project.home });
    expect(exitCode, stdout + stderr).toBe(0);
    expect(outputOf(stdout, 'theirs')).toMatch(/^left two words$/m);
    expect(outputOf(stdout, 'elsewhere')).toMatch(/^left there$/m);
  });
});

describe.skipIf(engine === undefined)('docker', () => {
  it('runs the steps of a .ci.yml and hands out what they upload, owned by the caller', async () => {
    using project = temporaryProject({ copyOf: fixture('go-build') });
    const result = await runCi(['run', '--artifacts-dir', 'out'], { cwd: project.root, home: project.home });
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    const binary = join(project.root, 'out/build/artifacts/myapp');
    expect(existsSync(binary)).toBe(true);
    expect(statSync(binary).uid).toBe(process.getuid?.());
    expect(statSync(binary).mode & 0o111).not.toBe(0);
  });

  it('takes no variable of a job for its own client', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
variables: &elsewhere { DOCKER_HOST: 'tcp://127.0.0.1:1', DOCKER_CONTEXT: nowhere, DOCKER_CONFIG: /none, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: /none }
a: { image: ci-test/busybox:latest, variables: *elsewhere, script: ['echo "$DOCKER_HOST $DOCKER_CONTEXT"'] }
`,
    });
    const result = await runCi(['run', '--reporter', 'json', '--var', 'DOCKER_HOST=ssh://nobody@127.0.0.1:1'], {
      cwd: project.root,
      home: project.home,
    });
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    expect(outputOf(result.stdout, 'a')).toContain('ssh://nobody@127.0.0.1:1 nowhere\n');
  });

  it('goes to the engine that the user has named, never to one of the repository', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': "a: { image: ci-test/busybox:latest, script: ['true'] }\n",
      '.ci.toml': "[docker]\nhost = 'unix:///none/of/the/repository.sock'\n",
    });
    const env = { DOCKER_HOST: '', DOCKER_CONTEXT: '' };
    const ignored = await runCi(['run'], { cwd: project.root, home: project.home, env });
    expect(ignored.stderr).toContain('.ci.toml:2: `docker.host` is ignored here');
    expect(ignored.stdout + ignored.stderr).not.toContain('/none/of/the/repository.sock');
    mkdirSync(join(project.home, 'config'), { recursive: true });
    writeFileSync(join(project.home, 'config/config.toml'), "[docker]\nhost = 'unix:///none/of/mine.sock'\n");
    const named = await runCi(['run'], { cwd: project.root, home: project.home, env });
    expect(named.exitCode).toBe(4);
    expect(named.stdout + named.stderr).toContain('unix:///none/of/mine.sock ([docker] host): not there');
  });

  it('leaves nothing behind after success and failure', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
default: { image: ci-test/busybox:latest }
good: { services: [{ name: ci-test/busybox:latest, alias: s, command: [sleep, '60'] }], script: ['true'] }
bad: { services: [{ name: ci-test/busybox:latest, alias: s, command: [sleep, '60'] }], script: ['exit 5'] }
`,
    });
    const result = await runCi(['run', '--reporter', 'json'], { cwd: project.root, home: project.home });
    expect(statuses(result.stdout)).toEqual({ good: 'success', bad: 'failed' });
    expect(result.exitCode).toBe(1);
    expect(await labelled(engine!.api, result)).toEqual([]);
  });

  it('warns of a service that ends at once, with its log', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
a:
  image: ci-test/busybox:latest
  services: [{ name: ci-test/busybox:latest, alias: db, command: [sh, -c, 'echo dying; exit 3'] }]
  script: ['true']
`,
    });
    const result = await runCi(['run'], { cwd: project.root, home: project.home });
    expect(result.exitCode, result.stdout).toBe(0);
    expect(result.stdout).toMatch(
      /WARNING: Service ci-test\/busybox:latest probably didn't start properly: .*exit code 3/,
    );
    expect(result.stdout).toContain('dying');
  });

  it('fails with 4 and a clear message when an image is not there', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': "a: { image: ci-test/no-such-image:1, script: ['true'] }\n",
    });
    const result = await runCi(['run', '--pull', 'never'], { cwd: project.root, home: project.home });
    expect(result.exitCode).toBe(4);
    expect(result.stdout).toContain('ci-test/no-such-image:1');
  });

  it('passes git history, artifacts, caches and file variables into containers', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
default: { image: ci-test/debian:latest }
make:
  stage: build
  script:
    - git log --oneline | wc -l
    - git status --porcelain
    - mkdir -p out/deep && echo content > out/deep/file && ln -s file out/deep/link && chmod 750 out/deep/file
  artifacts: { paths: [out/] }
use:
  stage: test
  script:
    - test "$(readlink out/deep/link)" = file
    - test "$(stat -c %a out/deep/file)" = 750
    - cat out/deep/link
`,
    });
    const result = await runCi(['run', '--reporter', 'json'], { cwd: project.root, home: project.home });
    expect(result.exitCode, result.stdout).toBe(0);
    expect(outputOf(result.stdout, 'make')).toMatch(/^1$/m);
    expect(outputOf(result.stdout, 'use')).toContain('content');
  });

  it('leaves nothing running when a second signal ends it at once', async () => {
    const job = `stubborn-${process.pid}`;
    using project = temporaryProject({
      '.gitlab-ci.yml': `
${job}:
  image: ci-test/busybox:latest
  script: ['trap "" TERM', 'echo now-sleeping', 'sleep 600 & wait']
`,
    });
    let sent = false;
    const result = await runCi(['run', '--reporter', 'json'], {
      cwd: project.root,
      home: project.home,
      onStdout: (text, kill) => {
        if (sent || !text.includes('now-sleeping\\n')) return;
        sent = true;
        kill('SIGINT');
        setTimeout(() => kill('SIGINT'), 300);
      },
    });
    expect(result.exitCode).toBe(130);
    const filters = { label: [`${labelPrefix}job=${job}`], status: ['running'] };
    expect(await engine!.api.listContainers({ filters })).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('cleans up on %s and ends with 128+N', async (signal) => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
long:
  image: ci-test/busybox:latest
  services: [{ name: ci-test/busybox:latest, alias: s, command: [sleep, '600'] }]
  script: ['echo now-sleeping', 'sleep 600']
  after_script: ['echo "after: $CI_JOB_STATUS"']
`,
    });
    let sent = false;
    const result = await runCi(['run', '--reporter', 'json'], {
      cwd: project.root,
      home: project.home,
      onStdout: (text, kill) => {
        if (sent || !text.includes('now-sleeping\\n')) return;
        sent = true;
        kill(signal);
      },
    });
    const number = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 }[signal];
    expect(result.exitCode, result.stdout + result.stderr).toBe(128 + number);
    expect(statuses(result.stdout)).toEqual({ long: 'canceled' });
    expect(outputOf(result.stdout, 'long')).toContain('after: canceled');
    expect(await labelled(engine!.api, result)).toEqual([]);
  });
});

/** A zombie that nobody has waited for yet does not run. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

describe('signals in the shell', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s stops the job and its children', async (signal) => {
    using project = temporaryProject({
      '.gitlab-ci.yml':
        "long: { script: ['setsid sleep 600 & echo $! > \"$PIDS\"', 'echo now-sleeping', 'sleep 600'], after_script: ['echo \"after: $CI_JOB_STATUS\"'] }\n",
    });
    let sent = false;
    const result = await runCi(['run', '--reporter', 'json', '--var', `PIDS=${project.home}/pid`], {
      cwd: project.root,
      home: project.home,
      onStdout: (text, kill) => {
        if (sent || !text.includes('now-sleeping\\n')) return;
        sent = true;
        kill(signal);
      },
    });
    const number = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 }[signal];
    expect(result.exitCode, result.stdout + result.stderr).toBe(128 + number);
    expect(outputOf(result.stdout, 'long')).toContain('after: canceled');
    const pid = Number(readFileSync(`${project.home}/pid`, 'utf8'));
    expect(isRunning(pid)).toBe(false);
  });

  it('a second signal ends at once', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml':
        "stubborn: { script: [\"trap '' TERM\", 'echo $$ > \"$PIDS\"', 'echo now-sleeping', 'while true; do sleep 1; done'], after_script: ['sleep 600'] }\n",
    });
    let signals = 0;
    const startedAt = Date.now();
    const result = await runCi(['run', '--reporter', 'json', '--var', `PIDS=${project.home}/pid`], {
      cwd: project.root,
      home: project.home,
      onStdout: (text, kill) => {
        if (signals > 0 || !text.includes('now-sleeping\\n')) return;
        signals = 1;
        kill('SIGINT');
        setTimeout(() => kill('SIGINT'), 300);
      },
    });
    expect(result.exitCode).toBe(130);
    // Far below the grace period of ten seconds and the after_script of ten minutes.
    expect(Date.now() - startedAt).toBeLessThan(8000);
    expect(isRunning(Number(readFileSync(`${project.home}/pid`, 'utf8')))).toBe(false);
  });
});
