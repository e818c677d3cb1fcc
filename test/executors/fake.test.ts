import { readdirSync } from 'node:fs';
import { createFakeExecutor } from '../../src/executors/fake/fake-executor.ts';
import { executorContract } from './contract.ts';

executorContract({
  name: 'fake',
  available: true,
  does: 'files',
  job: {},
  make: (root) => createFakeExecutor({ root }),
  processes: async () => [],
  leftovers: async (root) => readdirSync(root),
});
