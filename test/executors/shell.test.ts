import { readdirSync } from 'node:fs';
import { createShellExecutor } from '../../src/executors/shell/shell-executor.ts';
import type { Isolation } from '../../src/workspaces/layer-mounts.ts';
import { executorContract } from './contract.ts';
import { processesWith } from './support/processes.ts';

const isolations: readonly Isolation[] = process.getuid?.() === 0 ? ['copy', 'overlay'] : ['copy'];

for (const isolation of isolations) {
  executorContract({
    name: `shell by ${isolation}`,
    available: true,
    does: 'scripts',
    job: { executor: 'shell' },
    make: (root) =>
      createShellExecutor({
        root,
        graceMs: 500,
        env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/' },
        isolation,
      }),
    processes: async (text) => processesWith(text),
    leftovers: async (root) => readdirSync(root),
  });
}
