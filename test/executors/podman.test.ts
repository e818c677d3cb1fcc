import { afterAll, describe, expect, it } from 'vitest';
import { createDockerExecutor } from '../../src/executors/docker/docker-executor.ts';
import { collect, executorContract, jobSpec, never, run } from './contract.ts';
import { labelled, testEngine } from './support/engine.ts';
import { noPodman, startPodman } from './support/podman.ts';
import { processesWith } from './support/processes.ts';

const docker = await testEngine();
const missing = docker?.isLocal ? noPodman() : 'there is no local Docker engine to take the images from';
if (missing !== undefined) console.error(`!!! PODMAN TESTS ARE SKIPPED: ${missing}`);
const podman =
  missing === undefined ? await startPodman(docker!.text, ['ci-test/debian', 'ci-test/busybox']) : undefined;
afterAll(() => podman?.[Symbol.asyncDispose]());
// Podman starts a container in a third of a second: the second image only where time does not matter.
const long = process.env.CI_TEST_LONG === '1';
const location = { home: '/nonexistent', ...(podman === undefined ? {} : { host: podman.host }) };

for (const [name, user] of [
  ['ci-test/debian', undefined],
  ...(long ? ([['ci-test/busybox', 'app']] as const) : []),
] as const) {
  const runId = `podman-${process.pid}-${name.replaceAll(/\W/g, '-')}`;
  const span = { file: '.ci.yml', start: 0, end: 0 };
  executorContract({
    name: `docker at Podman (${name})`,
    available: podman !== undefined,
    does: 'scripts',
    job: { executor: 'docker', runId, image: { name, span, ...(user === undefined ? {} : { user }) } },
    make: (root) =>
      createDockerExecutor({ engine: location, pull: 'never', graceMs: 500, layersDirectory: `${root}/layers` }),
    processes: async (text) => processesWith(text),
    leftovers: async () => (podman === undefined ? [] : labelled(podman.engine.api, runId)),
  });
}

describe.skipIf(podman === undefined)('use of a container at Podman', () => {
  it('is told, and lack of memory from other kills', async () => {
    const span = { file: '.ci.yml', start: 0, end: 0 };
    const job = jobSpec({
      runId: `podman-use-${process.pid}`,
      executor: 'docker',
      image: { name: 'ci-test/debian', span },
    });
    const executor = createDockerExecutor({
      ...{ engine: location, pull: 'never', graceMs: 500 },
      containers: { memoryBytes: 32 << 20 },
    });
    {
      await using session = await executor.open(job, collect(), never);
      expect((await run(session, 'head -c 256m /dev/zero | tail -c 256m >/dev/null; exit $?')).exit).toEqual({
        kind: 'out-of-memory',
        code: 137,
        limitBytes: 32 << 20,
      });
      const used = (await session.stats?.())!;
      expect(used.cpuMs).toBeGreaterThan(0);
      expect(used.memoryPeakBytes).toBeGreaterThan(16 << 20);
      expect(used.memoryPeakBytes).toBeLessThanOrEqual(32 << 20);
      expect(used.networkReceivedBytes).toBeTypeOf('number');
      expect((await run(session, 'kill -9 $$')).exit).toEqual({ kind: 'code', code: 137, lackOfMemory: 'ruled-out' });
    }
    await executor.close();
    expect(await labelled(podman!.engine.api, job.runId)).toEqual([]);
  });
});

describe.skipIf(podman === undefined)('jobs at Podman', () => {
  const runId = `podman-${process.pid}-jobs`;
  const span = { file: '.ci.yml', start: 0, end: 0 };
  const image = { name: 'ci-test/debian', span };

  it('reach their services, know lack of memory, and leave nothing', async () => {
    const limits = { memoryBytes: 32 << 20 };
    const executor = createDockerExecutor({ engine: location, pull: 'never', graceMs: 500, containers: limits });
    const serve = 'mkdir /www; echo hello > /www/index.html; exec httpd -f -p 80 -h /www';
    const service = { name: 'ci-test/busybox', span, aliases: ['web'], variables: [], command: ['sh', '-c', serve] };
    const job = jobSpec({ runId, executor: 'docker', image, services: [service] });
    {
      await using session = await executor.open(job, collect(), never);
      const ask = 'for i in $(seq 50); do exec 3<>/dev/tcp/web/80 && break; sleep 0.1; done 2>/dev/null';
      const asked = await run(session, `${ask}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`);
      expect(asked.stdout.toString()).toMatch(/hello\n$/);
      const greedy = await run(session, 'head -c 256m /dev/zero | tail >/dev/null; exit $?');
      expect(greedy.exit).toMatchObject({ kind: 'out-of-memory', limitBytes: 32 << 20 });
      expect((await run(session, 'kill -KILL $$')).exit.kind).not.toBe('out-of-memory');
    }
    await executor.close();
    expect(await labelled(podman!.engine.api, runId)).toEqual([]);
  });
});
