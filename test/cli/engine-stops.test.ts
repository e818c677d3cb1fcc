import { once } from 'node:events';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDockerExecutor } from '../../src/executors/docker/docker-executor.ts';
import { collect, jobSpec, never, run } from '../executors/contract.ts';
import { labelled, testEngine } from '../executors/support/engine.ts';
import { type OwnEngine, ownEngine, whyNoOwnEngine } from '../executors/support/own-engine.ts';
import { reaperOf } from '../support/reaper.ts';
import { runCi } from '../support/run-ci.ts';
import { outputOf, startCi, workspacesOf } from '../support/running-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();
const why = engine === undefined ? 'there is no engine with images' : whyNoOwnEngine();
if (why !== undefined) console.error(`!!! TESTS OF AN ENGINE THAT STOPS ARE SKIPPED: ${why}`);
/** Its containers don't take the ten seconds that an engine gives others to end. */
const image = 'ci-test/ends-at-once:latest';

describe.skipIf(why !== undefined)('an engine that stops while a job runs', { timeout: 60_000 }, () => {
  let own: OwnEngine;

  beforeAll(async () => {
    own = await ownEngine(engine!.api, ['ci-test/busybox:latest']);
    const made = await own.api.createContainer({ Image: 'ci-test/busybox:latest', StopSignal: 'SIGKILL' });
    await made.commit({ repo: image.split(':')[0]!, tag: 'latest' });
    await made.remove();
  });
  afterAll(() => own[Symbol.asyncDispose]());

  async function running(project: TemporaryProject) {
    const child = startCi(project, [], { DOCKER_HOST: own.host });
    const output = outputOf(child);
    await output.says('now-sleeping\\n');
    return { child, output, ended: once(child, 'exit') };
  }

  const sleepingProject = (): TemporaryProject =>
    temporaryProject({
      '.gitlab-ci.yml': JSON.stringify({ job: { image, script: ['echo now-sleeping', 'sleep 1000'] } }),
    });

  it.each(['stop', 'kill'] as const)('%s: ends with 4, names it, and leaves nothing when it is back', async (how) => {
    using project = sleepingProject();
    const { child, output, ended } = await running(project);
    await own[how]();
    const [exitCode] = await ended;
    expect(exitCode, output.text()).toBe(4);
    expect(output.text()).toMatch(new RegExp(`"failureReason":"runner_system_failure".*${own.host}`));
    expect(output.text()).not.toMatch(/bug in ci|nhandled/);
    await own.start();
    await gone(own.api, child.pid!, 10_000);
    expect(workspacesOf(project)).toEqual([]);
  });

  it('is used on when it was restarted between the making of a container and its start', async () => {
    const span = { file: '.ci.yml', start: 0, end: 0 };
    const runId = `restarted-${process.pid}`;
    const executor = createDockerExecutor({ engine: { home: '/', host: own.host }, pull: 'never', graceMs: 500 });
    const session = await executor.open(
      jobSpec({ runId, executor: 'docker', image: { name: image, span } }),
      collect(),
      never,
    );
    await own.stop();
    await own.start();
    expect((await run(session, 'echo on')).stdout.toString()).toBe('on\n');
    await session[Symbol.asyncDispose]();
    await executor.close();
    expect(await labelled(own.api, runId)).toEqual([]);
  });

  it('leaves nothing after the next start when the reaper is gone too', async () => {
    using project = sleepingProject();
    const { child, ended } = await running(project);
    const reaper = reaperOf(child.pid!);
    await own.kill();
    expect((await ended)[0]).toBe(4);
    process.kill(reaper!, 'SIGKILL');
    await own.start();
    expect(await labelled(own.api, { pid: child.pid! })).not.toEqual([]);
    project.write('.gitlab-ci.yml', JSON.stringify({ job: { image, script: ['true'] } }));
    const next = await runCi(['run'], { cwd: project.root, home: project.home, env: { DOCKER_HOST: own.host } });
    expect(next.exitCode, next.stdout + next.stderr).toBe(0);
    await gone(own.api, child.pid!, 0);
  });
});

async function gone(api: Docker, pid: number, withinMs: number): Promise<void> {
  const until = Date.now() + withinMs;
  for (;;) {
    const left = await labelled(api, { pid });
    if (left.length === 0) return;
    if (Date.now() > until) expect(left).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
