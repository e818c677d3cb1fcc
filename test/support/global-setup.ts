import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { testEngine } from '../executors/support/engine.ts';

/** Runs once before all tests: the validators and the bundle are generated, not committed. */
export async function setup(): Promise<void> {
  execFileSync(process.execPath, [fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))], {
    stdio: 'inherit',
  });
  await testEngine();
}
