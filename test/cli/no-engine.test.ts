import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEvents, runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

const nowhere = { DOCKER_HOST: 'unix:///none/docker.sock' };
const inContainers = `
a: { image: ci-test/busybox:latest, script: ['true'] }
b: { image: ci-test/busybox:latest, script: ['true'] }
`;

/** How often a text is in another. */
const times = (text: string, part: string): number => text.split(part).length - 1;

describe('an engine that does not answer', () => {
  it('is told once, before any job is started', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': inContainers });
    const result = await runCi(['run'], { cwd: project.root, home: project.home, env: nowhere });
    expect(result.exitCode, result.stdout + result.stderr).toBe(4);
    expect(result.stdout).toBe('');
    expect(times(result.stderr, 'no container engine answers')).toBe(1);
    expect(result.stderr).toContain('all 2 jobs run in containers: nothing was started, since no container engine');
    expect(result.stderr).toContain('unix:///none/docker.sock (DOCKER_HOST): not there');
    expect(result.stderr).toContain('`-e shell`');
    const runs = await runCi(['runs', '--format', 'json'], { cwd: project.root, home: project.home });
    expect(JSON.parse(runs.stdout)).toMatchObject({ runs: [] });
  });

  it('keeps jobs of the shell from being started too, and says which could be', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `${inContainers}
lint: { stage: .pre, script: ['true'] }
unit: { needs: [lint], script: ['true'] }
last: { stage: .post, script: ['true'] }
`,
    });
    const given = { cwd: project.root, home: project.home, env: nowhere };
    const result = await runCi(['run'], given);
    expect(result.exitCode).toBe(4);
    expect(result.stdout).toBe('');
    expect(result.stderr).toContain('2 of 5 jobs run in containers');
    expect(result.stderr).toContain('jobs that need no engine: lint, unit (');
    const alone = await runCi(['run', 'lint', 'unit'], given);
    expect(alone.exitCode, alone.stdout + alone.stderr).toBe(0);
  });

  it('is no matter as long as no job wants one', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
a: { script: ['true'] }
by-hand: { image: ci-test/busybox:latest, when: manual, script: ['true'] }
rescue: { stage: .post, image: ci-test/busybox:latest, when: on_failure, script: ['true'] }
`,
    });
    const given = { cwd: project.root, home: project.home, env: nowhere };
    expect((await runCi(['run'], given)).exitCode).toBe(0);
    expect((await runCi(['run', '-e', 'shell', '--all-manual'], given)).exitCode).toBe(0);
    expect((await runCi(['run', '--manual', 'by-hand'], given)).stderr).toContain('job by-hand runs in a container');
  });

  it('is told by the job that comes to want one', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
a: { script: ['false'] }
rescue: { stage: .post, image: ci-test/busybox:latest, when: on_failure, script: ['true'] }
`,
    });
    const given = { cwd: project.root, home: project.home, env: nowhere };
    const result = await runCi(['run', '--reporter', 'json'], given);
    expect(result.exitCode).toBe(4);
    const ended = readEvents(result.stdout).find(({ type, job }) => type === 'job-finished' && job === 'rescue');
    expect(ended).toMatchObject({ failureReason: 'runner_system_failure' });
  });

  it('ends no watching', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': inContainers });
    let tries = 0;
    const result = await runCi(['run', '--watch'], {
      cwd: project.root,
      home: project.home,
      env: nowhere,
      onStderr: (text, kill) => {
        tries += times(text, 'waiting for a change');
        if (tries === 1) writeFileSync(join(project.root, 'changed'), String(tries));
        if (tries === 2) kill('SIGINT');
      },
    });
    expect(times(result.stderr, 'no container engine answers')).toBe(2);
  });
});
