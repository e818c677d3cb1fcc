import { readdirSync } from 'node:fs';
import { createShellExecutor } from '../../src/executors/shell/shell-executor.ts';
import { executorContract } from './contract.ts';
import { processesWith } from './support/processes.ts';

executorContract({
  name: 'shell',
  available: true,
  does: 'scripts',
  job: { executor: 'shell' },
  make: (root) =>
    createShellExecutor({ root, graceMs: 500, env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/' } }),
  processes: async (text) => processesWith(text),
  leftovers: async (root) => readdirSync(root),
});
