import { readdirSync } from 'node:fs';
import { createShellExecutor } from '../../src/executors/shell/shell-executor.ts';
import type { Isolation } from '../../src/workspaces/layer-mounts.ts';
import { executorContract } from './contract.ts';
import { processesWith } from './support/processes.ts';

const isolations: readonly Isolation[] = process.getuid?.() === 0 ? ['copy', 'overlay'] : ['copy'];

/** As many as are about to come: many are started by a helper. */
const kinds = isolations.flatMap((isolation) => [1, 1000].map((expectedJobs) => ({ isolation, expectedJobs })));

for (const { isolation, expectedJobs } of kinds) {
  executorContract({
    name: `shell by ${isolation}, jobs expected: ${expectedJobs}`,
    available: true,
    does: 'scripts',
    job: { executor: 'shell' },
    make: (root) =>
      createShellExecutor({
        root,
        graceMs: 500,
        env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/' },
        isolation,
        expectedJobs,
      }),
    processes: async (text) => processesWith(text),
    leftovers: async (root) => readdirSync(root),
  });
}
