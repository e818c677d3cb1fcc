import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { createSshExecutor } from '../../src/executors/ssh/ssh-executor.ts';
import { removeTree } from '../../src/util/files/remove-tree.ts';
import { hasSshServer, startSshServer } from '../support/ssh-server.ts';
import { executorContract } from './contract.ts';
import { processesWith } from './support/processes.ts';

const place = mkdtempSync(join(tmpdir(), 'ci-sshd-'));
const server = hasSshServer ? await startSshServer(place, [`SetEnv HOME=${place}`]) : undefined;
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await removeTree(place);
});

executorContract({
  name: 'ssh',
  available: server !== undefined,
  does: 'scripts',
  job: { executor: 'ssh' },
  make: (root) =>
    createSshExecutor({
      target: server!.target,
      root,
      scratch: place,
      graceMs: 500,
      env: { PATH: process.env.PATH ?? '', HOME: place },
    }),
  processes: async (text) => processesWith(text),
  leftovers: async (root) => readdirSync(root),
});
