import { afterAll } from 'vitest';
import { createDockerExecutor } from '../../src/executors/docker/docker-executor.ts';
import { executorContract } from './contract.ts';
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
