// Builds dist/: one bundle, and what V8 compiles of it. Run by `npm run build` and, after every install from git, by
// `prepare`.
import { rename, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';
import { compileAhead } from './compile-ahead.mjs';
import { compileSchemas } from './compile-schemas.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

await compileSchemas();
// Built beside and moved into its place, so that a `ci` that runs meanwhile finds all of the old or all of the new.
const fresh = `${root}dist.${process.pid}.tmp`;
await bundle(fresh);
try {
  await compileAhead(fresh);
} catch (error) {
  process.stderr.write(`nothing is compiled ahead, so every start takes longer: ${error.message}\n`);
}
const old = `${fresh}.old`;
await rename(`${root}dist`, old).catch((error) => {
  if (error.code !== 'ENOENT') throw error;
});
await rename(fresh, `${root}dist`);
await rm(old, { recursive: true, force: true });
