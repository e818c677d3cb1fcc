import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { FileEntry } from '../../model/files.ts';
import { SystemError } from '../../model/outcome.ts';
import { packZip } from '../../util/archive/pack-zip.ts';

/**
 * Packs files as a server wants them: `zip`; `gzip`: each file by itself, one behind the other; `raw`: the one file as
 * it is.
 * @param path where the packed file goes.
 * @returns the path of what is to be sent.
 */
export async function packFiles(
  files: { readonly root: string; readonly entries: readonly FileEntry[] },
  format: string,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  const plain = files.entries.filter(({ type }) => type === 'file');
  switch (format) {
    case 'zip':
      await pipeline(await packZip(files, { signal }), createWriteStream(path, { mode: 0o600 }), { signal });
      return path;
    case 'gzip': {
      const paths = plain.map((file) => join(files.root, file.path));
      await pipeline(gzipped(paths, signal), createWriteStream(path, { mode: 0o600 }), { signal });
      return path;
    }
    case 'raw': {
      const [only, ...others] = plain;
      if (only !== undefined && others.length === 0) return join(files.root, only.path);
      const message = `a report of the format raw is one file, not ${plain.length}`;
      const hint = 'name one file in `artifacts:reports`';
      // As with GitLab Runner, whose uploader ends with 1.
      throw new SystemError('script_failure', message, { hint, exit: { kind: 'code', code: 1 } });
    }
    default: {
      const message = `the server wants artifacts packed as ${format}, which is not known`;
      throw new SystemError('script_failure', message, { exit: { kind: 'code', code: 1 } });
    }
  }
}

async function* gzipped(paths: readonly string[], signal: AbortSignal): AsyncGenerator<Buffer> {
  for (const path of paths) {
    const packed = createGzip();
    const packing = pipeline(createReadStream(path), packed, { signal });
    // Told by `packed`, too, which is what is waited for.
    packing.catch(() => {});
    yield* packed;
    await packing;
  }
}
