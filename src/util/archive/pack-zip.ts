import { createReadStream, readlinkSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { SkippedPath, Tree, TreeEntry } from '../files/tree-entry.ts';
import { treeEntries } from './tree-entries.ts';

/**
 * Packs a tree as a zip stream: files, directories, symbolic links (never followed); modes and times kept. Of a file with
 * several names each is packed. With `tree.entries` only these are packed, in their order.
 */
export async function packZip(
  tree: Tree,
  options: { readonly onSkipped?: (skipped: SkippedPath) => void; readonly signal?: AbortSignal } = {},
): Promise<Readable> {
  const { ZipFile } = await import('yazl');
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  zip.on('error', (error) => output.destroy(error as Error));
  for await (const entry of treeEntries(tree, options)) {
    options.signal?.throwIfAborted();
    const attributes = { mtime: new Date(entry.mtimeMs), mode: modeOf(entry) };
    const path = `${tree.root}/${entry.path}`;
    if (entry.type === 'directory') zip.addEmptyDirectory(entry.path, attributes);
    else if (entry.type === 'symlink')
      zip.addBuffer(Buffer.from(readlinkSync(path)), entry.path, { ...attributes, compress: false });
    else {
      zip.addReadStreamLazy(entry.path, attributes, (take) => {
        try {
          take(null, createReadStream(path));
        } catch (error) {
          take(error, undefined as never);
        }
      });
    }
  }
  zip.end();
  return output;
}

const types = { file: 0o100000, directory: 0o040000, symlink: 0o120000 } as const;

function modeOf({ type, mode }: TreeEntry): number {
  return types[type] | (mode & 0o777);
}
