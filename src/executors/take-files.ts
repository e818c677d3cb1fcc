import { mkdtemp, readdir, realpath } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { extract, pack } from 'tar-stream';
import type { FileEntry, FileSelection, TakenFiles } from '../model/files.ts';
import { ArchiveError } from '../util/archive/archive-error.ts';
import { unpackTar } from '../util/archive/unpack-tar.ts';
import { cloneTree } from '../util/files/clone-tree.ts';
import { removeTree } from '../util/files/remove-tree.ts';
import { selectFiles } from '../util/files/select-files.ts';
import type { ArchiveSource } from './archive-source.ts';
import { pathSelector, selectionRoots } from './path-selector.ts';
import { untrackedPaths } from './untracked-paths.ts';

/**
 * Takes files out of a session elsewhere: streams the directories that patterns can match in and keeps only what is selected.
 * Archives with named pipes, or with hard links to files that are not selected, take a second, slower way.
 */
export async function takeFiles(
  source: ArchiveSource,
  selection: FileSelection,
  into: string,
  signal: AbortSignal,
): Promise<TakenFiles> {
  const base = posix.resolve(source.directory, selection.base ?? '.');
  if (selection.untracked) return takeByStaging(source, base, selection, into, signal);
  const selector = pathSelector(selection, [base]);
  try {
    const entries: FileEntry[] = [];
    for (const root of await archiveRoots(source, base, selectionRoots(selector.patterns))) {
      const archive = await source.open(posix.join(base, root), signal);
      if (archive === undefined) continue;
      const options = { rename: placeBelow(base, root), filter: selector.takes, symlinks: 'literal', signal } as const;
      entries.push(...(await unpackTar(archive, into, options)));
    }
    return taken(entries, selector.unmatched(), selector.outside);
  } catch (error) {
    if (!(error instanceof ArchiveError) || !['type', 'hardlink-target'].includes(error.kind)) {
      signal.throwIfAborted();
      throw source.failure(error);
    }
    for (const name of await readdir(into)) await removeTree(join(into, name));
    return takeByStaging(source, base, selection, into, signal);
  }
}

/** All that may be selected goes to a directory of its own first, then what is selected to its place. */
async function takeByStaging(
  source: ArchiveSource,
  base: string,
  selection: FileSelection,
  into: string,
  signal: AbortSignal,
): Promise<TakenFiles> {
  // Beside what is filled, so that it goes with that if we are killed.
  const staging = await mkdtemp(join(await realpath(dirname(into)), '.taking-'));
  try {
    const roots = selection.untracked
      ? ['']
      : await archiveRoots(source, base, selectionRoots(pathSelector(selection, [base]).patterns));
    for (const root of roots) {
      const archive = await source.open(posix.join(base, root), signal);
      if (archive === undefined) continue;
      const ordinary = onlyOrdinary(archive);
      await unpackTar(ordinary, staging, { rename: placeBelow(base, root), symlinks: 'literal', signal });
    }
    const untracked = selection.untracked ? await untrackedPaths(source, base, staging, signal) : [];
    const { untracked: _, base: __, ...wanted } = selection;
    const selected = await selectFiles(staging, { ...wanted, untracked, alsoKnownAs: [base] }, { signal });
    await cloneTree({ root: staging, entries: selected.entries }, into, { signal });
    return taken(selected.entries, selected.unmatched, selected.outside);
  } catch (error) {
    signal.throwIfAborted();
    throw source.failure(error);
  } finally {
    await removeTree(staging);
  }
}

/** Where a link is sent as what that leads to, the directory is asked for that the link is in. */
async function archiveRoots(source: ArchiveSource, base: string, roots: readonly string[]): Promise<readonly string[]> {
  if (source.isFollowedLink === undefined) return roots;
  const found = new Set<string>();
  for (const root of roots) {
    let at = root;
    while (at !== '' && (await source.isFollowedLink(posix.join(base, at))))
      at = at.includes('/') ? posix.dirname(at) : '';
    found.add(at);
  }
  return [...found].filter((root) => ![...found].some((other) => isBelow(root, other)));
}

function isBelow(path: string, directory: string): boolean {
  return path !== directory && (directory === '' || path.startsWith(`${directory}/`));
}

/** An archive names everything below the last part of the path it was asked for. */
function placeBelow(base: string, root: string): (path: string) => string {
  if (root === '') {
    const name = posix.basename(base);
    return (path) => (path === name || name === '' ? (name === '' ? path : '') : path.slice(name.length + 1));
  }
  const parent = posix.dirname(root);
  return (path) => (parent === '.' ? path : `${parent}/${path}`);
}

function taken(entries: readonly FileEntry[], unmatched: readonly string[], outside: readonly string[]): TakenFiles {
  return {
    entries: entries.filter(({ path }) => path !== '').map(({ path, type, sizeBytes }) => ({ path, type, sizeBytes })),
    totalBytes: entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.sizeBytes : 0), 0),
    unmatched,
    outside,
  };
}

/** The same archive without devices, named pipes and sockets. */
function onlyOrdinary(archive: Readable): Readable {
  const entries = extract();
  archive.on('error', (error) => entries.destroy(error));
  archive.pipe(entries);
  const out = pack();
  const copy = async (): Promise<void> => {
    for await (const entry of entries) {
      const { header } = entry;
      if (['file', 'contiguous-file'].includes(header.type ?? '')) {
        await new Promise<void>((resolve, reject) => {
          const sink = out.entry({ ...header, pax: null } as never, (error) => (error ? reject(error) : resolve()));
          entry.pipe(sink);
        });
        continue;
      }
      if (['directory', 'symlink', 'link'].includes(header.type ?? '')) out.entry({ ...header, pax: null } as never);
      entry.resume();
    }
    out.finalize();
  };
  copy().catch((error: Error) => out.destroy(error));
  return Readable.from(out, { objectMode: false });
}
