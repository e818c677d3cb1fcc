// Bundles src/cli/main.ts and all that it imports into one file.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { lazyModules } from './lazy-modules.mjs';

const { parameters } = createRequire(import.meta.url)('../bin/bundle.js');

/** Programs in other languages are imported as texts. */
export const loaders = { '.awk': 'text', '.pl': 'text', '.sh': 'text' };

/**
 * Writes `ci.js` (the text of one function, see bin/bundle.js) and its source map into a folder.
 * A module that is imported by `import()` alone is evaluated when that is called.
 * @param names `short`, or `kept`: identifiers as they are in the source, and functions named after the modules that
 * they evaluate.
 * @returns the modules that are in it with their size in bytes.
 */
export async function bundle(outdir, { names = 'short' } = {}) {
  const result = await build({
    absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
    entryPoints: { ci: 'src/cli/main.ts' },
    outdir,
    bundle: true,
    write: false,
    metafile: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    charset: 'ascii',
    minifySyntax: true,
    minifyWhitespace: true,
    minifyIdentifiers: names === 'short',
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    external: [
      // Only needed for an ssh:// engine and for BuildKit sessions: loaded from node_modules when used.
      ...['ssh2', 'cpu-features', '@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs'],
      // What ws would take in their place where somebody has installed them.
      ...['bufferutil', 'utf-8-validate'],
    ],
    plugins: [lazyModules],
    loader: loaders,
    define: { 'import.meta.url': 'bundleUrl' },
    // No line is added in front, so that the source map stays true but for columns of the first line.
    banner: { js: `(function(${parameters.join(',')}){` },
    footer: { js: '})' },
    logLevel: 'warning',
  });
  await mkdir(outdir, { recursive: true });
  for (const { path, text } of result.outputFiles) {
    if (path === join(outdir, 'ci.js')) {
      const hash = createHash('sha256').update(text).digest('hex').slice(0, 32);
      await writeFile(path, `/*${hash}*/${text}`);
    } else await writeFile(path, text);
  }
  const outputs = Object.values(result.metafile.outputs);
  return outputs.flatMap(({ inputs }) =>
    Object.entries(inputs).map(([module, { bytesInOutput }]) => ({ module, bytes: bytesInOutput })),
  );
}
