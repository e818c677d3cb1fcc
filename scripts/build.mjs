// Builds dist/: one bundle with lazy chunks. Run by `npm run build` and, after every install from git, by `prepare`.
import { rename, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { compileSchemas } from './compile-schemas.mjs';
import { lazyModules } from './lazy-modules.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

await compileSchemas();
// Built beside and moved into its place, so that a `ci` that runs meanwhile finds all of the old or all of the new.
const fresh = `${root}dist.${process.pid}.tmp`;
await build({
  absWorkingDir: root,
  entryPoints: { ci: 'src/cli/main.ts' },
  outdir: fresh,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  chunkNames: 'chunks/[name]-[hash]',
  minify: true,
  keepNames: false,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  // Only needed for an ssh:// engine and for BuildKit sessions: loaded from node_modules when used.
  external: ['ssh2', 'cpu-features', '@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs'],
  plugins: [lazyModules],
  banner: {
    // Bundled CommonJS packages ask for Node's own modules with require().
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
const old = `${fresh}.old`;
await rename(`${root}dist`, old).catch((error) => {
  if (error.code !== 'ENOENT') throw error;
});
await rename(fresh, `${root}dist`);
await rm(old, { recursive: true, force: true });
