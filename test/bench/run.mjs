// `npm run bench [-- NAME… options]`: bundles test/bench/main.ts into a temporary file and runs it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'ci-bench-program-'));
let main;
try {
  const outfile = join(directory, 'main.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: ['test/bench/main.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    logLevel: 'warning',
  });
  ({ main } = await import(pathToFileURL(outfile).href));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = await main(process.argv.slice(2), root);
