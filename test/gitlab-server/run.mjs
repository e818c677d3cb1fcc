// `npm run test:gitlab-server -- --project DIR …`: bundles by-hand/main.ts into a temporary file and runs it.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { loaders } from '../../scripts/bundle.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
// Packages are not bundled: they are found from where the file lies.
const cache = join(root, 'node_modules/.cache');
mkdirSync(cache, { recursive: true });
const directory = mkdtempSync(join(cache, 'gitlab-server-'));
let main;
try {
  const outfile = join(directory, 'main.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: ['test/gitlab-server/by-hand/main.ts'],
    outfile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    loader: loaders,
    logLevel: 'warning',
  });
  ({ main } = await import(pathToFileURL(outfile).href));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = await main(process.argv.slice(2), root);
