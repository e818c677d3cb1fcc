import type Dockerode from 'dockerode';
import { connectEngine, type Engine } from '../../../src/executors/docker/engine.ts';
import type { EngineLocation } from '../../../src/executors/docker/engine-address.ts';
import { labelPrefix } from '../../../src/executors/docker/labels.ts';

export const engineLocation: EngineLocation = {
  home: process.env.HOME ?? '/root',
  ...(process.env.DOCKER_HOST === undefined ? {} : { host: process.env.DOCKER_HOST }),
  ...(process.env.XDG_RUNTIME_DIR === undefined ? {} : { runtimeDirectory: process.env.XDG_RUNTIME_DIR }),
};

/** Set by the global set-up, which has said so already: workers need not look again. */
const noEngine = 'CI_TEST_NO_ENGINE';

/** The engine that tests may use, with the images of scripts/test-engine.sh; undefined and one loud line if none is. */
export async function testEngine(): Promise<Engine | undefined> {
  if (process.env[noEngine] === '1') return undefined;
  try {
    const engine = await connectEngine(engineLocation);
    for (const image of ['ci-test/busybox:latest', 'ci-test/debian:latest']) await engine.api.getImage(image).inspect();
    return engine;
  } catch (error) {
    process.env[noEngine] = '1';
    const reason = String(error).split('\n')[0];
    console.error(`!!! DOCKER TESTS ARE SKIPPED (scripts/test-engine.sh makes an engine with images): ${reason}`);
    return undefined;
  }
}

/** Names of everything at the engine that belongs to a run, or that a process made: other tests run at the same time. */
export async function labelled(api: Dockerode, owner: string | { readonly pid: number }): Promise<readonly string[]> {
  const label = typeof owner === 'string' ? `${labelPrefix}run=${owner}` : `${labelPrefix}pid=${owner.pid}`;
  const filters = { label: [label] };
  const [containers, networks, volumes] = await Promise.all([
    api.listContainers({ all: true, filters }),
    api.listNetworks({ filters }),
    api.listVolumes({ filters }),
  ]);
  return [
    ...containers.map(({ Names }) => `container ${Names.join()}`),
    ...networks.map(({ Name }) => `network ${Name}`),
    ...(volumes.Volumes ?? []).map(({ Name }) => `volume ${Name}`),
  ];
}
