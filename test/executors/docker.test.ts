import { createDockerExecutor } from '../../src/executors/docker/docker-executor.ts';
import type { Image } from '../../src/model/pipeline.ts';
import { type Contestant, executorContract } from './contract.ts';
import { engineLocation, labelled, testEngine } from './support/engine.ts';
import { processesWith } from './support/processes.ts';

const engine = await testEngine();
const span = { file: '.ci.yml', start: 0, end: 0 };

function contestant(name: string, image: Omit<Image, 'span'>): Contestant {
  const runId = `contract-${process.pid}-${name.replaceAll(/\W/g, '-')}`;
  return {
    name,
    available: engine !== undefined,
    does: 'scripts',
    job: { executor: 'docker', runId, image: { ...image, span } },
    make: () => createDockerExecutor({ engine: engineLocation, pull: 'never', graceMs: 500 }),
    processes: async (text) => processesWith(text),
    leftovers: async () => (engine === undefined ? [] : labelled(engine.api, runId)),
  };
}

executorContract(contestant('docker (Debian, bash)', { name: 'ci-test/debian' }));
executorContract(contestant('docker (BusyBox, sh, not root)', { name: 'ci-test/busybox', user: 'app' }));
