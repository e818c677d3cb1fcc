import { fileURLToPath } from 'node:url';
import { compileSchemas } from '../../scripts/compile-schemas.mjs';

/** Runs once before all tests: the validators are generated, not committed. */
export async function setup(): Promise<void> {
  compileSchemas({ outDir: fileURLToPath(new URL('../../src/syntax/generated', import.meta.url)) });
}
