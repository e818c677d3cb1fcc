import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { createDockerExecutor, type DockerExecutorOptions } from '../../src/executors/docker/docker-executor.ts';
import type { Image } from '../../src/model/pipeline.ts';
import { type Contestant, executorContract } from './contract.ts';
import { engineLocation, labelled, testEngine } from './support/engine.ts';
import { remoteEngine } from './support/engine-proxy.ts';
import { processesWith } from './support/processes.ts';

const engine = await testEngine();
/**
 * Each contestant takes half a minute. Two, with all ways there are between them (at Podman root has layers of its own),
 * always run; where time does not matter others with other pairs of these ways do.
 */
const long = process.env.CI_TEST_LONG === '1';
const span = { file: '.ci.yml', start: 0, end: 0 };

function contestant(
  name: string,
  image: Omit<Image, 'span'>,
  over: (root: string) => Partial<DockerExecutorOptions> = () => ({}),
): Contestant {
  const runId = `contract-${process.pid}-${name.replaceAll(/\W/g, '-')}`;
  return {
    name,
    available: engine !== undefined,
    does: 'scripts',
    job: { executor: 'docker', runId, image: { ...image, span } },
    make: (root) => createDockerExecutor({ engine: engineLocation, pull: 'never', graceMs: 500, ...over(root) }),
    processes: async (text) => processesWith(text),
    leftovers: async (root) => [
      ...(engine === undefined ? [] : await labelled(engine.api, runId)),
      ...(existsSync(layersDirectory(root)) ? readdirSync(layersDirectory(root)) : []),
    ],
  };
}

const layersDirectory = (root: string) => join(root, 'layers, of:\\jobs');
executorContract(
  contestant('docker (Debian, bash, layers as for an ordinary user)', { name: 'ci-test/debian' }, (root) => ({
    layersDirectory: layersDirectory(root),
    uid: 1000,
  })),
);
// As at any engine elsewhere nothing of this machine is mounted, although the directory for that is given.
const remote = engine?.isLocal ? await remoteEngine(engine.text.replace('unix://', '')) : undefined;
afterAll(() => remote?.[Symbol.asyncDispose]());
executorContract({
  ...contestant('docker (BusyBox, sh, not root, over TCP)', { name: 'ci-test/busybox', user: 'app' }, (root) => ({
    layersDirectory: layersDirectory(root),
    engine: { home: '/nonexistent', host: remote!.host },
  })),
  available: remote !== undefined,
});

if (long) {
  executorContract(contestant('docker (Debian, bash)', { name: 'ci-test/debian' }));
  executorContract(
    contestant('docker (layers)', { name: 'ci-test/debian' }, (root) => ({ layersDirectory: layersDirectory(root) })),
  );
  executorContract(
    contestant('docker (BusyBox, layers as for an ordinary user)', { name: 'ci-test/busybox' }, (root) => ({
      layersDirectory: layersDirectory(root),
      uid: 1000,
    })),
  );
  executorContract(contestant('docker (BusyBox, sh, not root)', { name: 'ci-test/busybox', user: 'app' }));
}
