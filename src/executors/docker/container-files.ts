import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { SystemError } from '../../model/outcome.ts';
import { packTree } from '../../util/archive/pack-tree.ts';
import type { ArchiveSource } from '../archive-source.ts';
import type { SessionFiles } from '../executor.ts';
import { alternatesPath, sharedObjects } from '../git-objects.ts';
import { takeFiles } from '../take-files.ts';
import { existsInContainer, linkTarget, openArchive, readContainerFile } from './container-file.ts';
import type { Owner } from './container-owner.ts';
import type { FilesPlace } from './files-place.ts';

/** Files of a session that lie in a container, on this machine or another. */
export function containerFiles(place: FilesPlace): SessionFiles {
  const { engine, directory, owner } = place;
  const known = new Set<string>(['/', place.base, directory]);
  return {
    put: async (tree, at, signal) => {
      signal.throwIfAborted();
      const target = posix.resolve(directory, at);
      await makeDirectories(place, target, known);
      await send(place, packTree(tree, { prefix: below(place, target), ...owner, signal }), signal);
      if (!place.seesOurFiles && tree.entries === undefined) await sendObjects(place, tree.root, target, signal);
    },
    get: (selection, into, signal) => takeFiles(archiveSource(place), selection, into, signal),
    read: (path, maxBytes) => readContainerFile(engine, place.container, posix.resolve(directory, path), maxBytes),
    write: async (path, content, mode) => {
      const target = posix.resolve(directory, path);
      await makeDirectories(place, posix.dirname(target), known);
      await writeFiles(place, [], [{ path: target, content, mode }]);
    },
  };
}

function archiveSource({ engine, container, directory }: FilesPlace): ArchiveSource {
  return {
    directory,
    open: (path, signal) => openArchive(engine, container, path, signal),
    read: (path, maxBytes) => readContainerFile(engine, container, path, maxBytes),
    ...(engine.kind === 'podman' && {
      isFollowedLink: async (path) => {
        const target = await linkTarget(engine, container, path);
        return target !== undefined && target !== path;
      },
    }),
    failure: (error) => engine.failure('take files out of a container', error),
  };
}

/** A file that is put into a container; what is there of that name is replaced. `mode`: permission bits. */
export interface FileToWrite {
  /** Absolute. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode: number;
}

/** A directory (absolute path, permission bits) that is made in a container with those above it. */
export interface DirectoryToMake {
  readonly path: string;
  readonly mode: number;
}

/** Writes files with one call. The directories get owner and mode, made or not. */
export async function writeFiles(
  place: FilesPlace,
  directories: readonly DirectoryToMake[],
  files: readonly FileToWrite[],
): Promise<void> {
  const archive = pack();
  for (const { path, mode } of directories) addDirectory(archive, below(place, path), mode, place.owner);
  for (const { path, content, mode } of files) {
    archive.entry({ name: below(place, path), mode, mtime: new Date(), ...place.owner }, Buffer.from(content));
  }
  await send(place, await finished(archive), undefined);
}

/** Gives a repository its own copy of objects that an engine on another machine can't see. */
async function sendObjects(place: FilesPlace, root: string, target: string, signal: AbortSignal): Promise<void> {
  const shared = await sharedObjects(root);
  if (shared.length === 0) return;
  for (const objects of shared) {
    await send(
      place,
      packTree({ root: objects }, { prefix: below(place, `${target}/.git/objects`), ...place.owner, signal }),
      signal,
    );
  }
  const archive = pack();
  const name = below(place, `${target}/${alternatesPath}`);
  archive.entry({ name, mode: 0o644, ...place.owner }, Buffer.alloc(0));
  await send(place, await finished(archive), signal);
}

/** A small archive as a whole. */
async function finished(archive: ReturnType<typeof pack>): Promise<Buffer> {
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Makes what is missing of a path; what is there keeps its owner and mode. */
async function makeDirectories(place: FilesPlace, path: string, known: Set<string>): Promise<void> {
  const missing: string[] = [];
  for (let at = path; !known.has(at); at = posix.dirname(at)) {
    if (await existsInContainer(place.engine, place.container, at)) break;
    missing.unshift(at);
  }
  known.add(path);
  if (missing.length === 0) return;
  const directories = missing.map((each) => ({ path: each, mode: 0o755 }));
  await writeFiles(place, directories, []);
}

function addDirectory(archive: ReturnType<typeof pack>, path: string, mode: number, owner: Owner): void {
  archive.entry({ name: `${path}/`, type: 'directory', mode, mtime: new Date(), ...owner });
}

/** Where a path lies in an archive that is put below the place's base. */
function below({ base }: FilesPlace, path: string): string {
  const relative = posix.relative(base, path);
  if (relative !== '..' && !relative.startsWith('../')) return relative;
  throw new SystemError('runner_configuration_error', `${path} can't be written to: only ${base} can`, {
    hint: 'the container is read-only, as `read_only` below `[docker]` in the settings says',
  });
}

async function send(place: FilesPlace, archive: Readable | Buffer, signal: AbortSignal | undefined): Promise<void> {
  // The request fails with it; without a listener it would end the program.
  if (!Buffer.isBuffer(archive)) archive.on('error', () => {});
  const options = { path: place.base, ...(signal === undefined ? {} : { abortSignal: signal }) };
  try {
    const response = (await place.engine.api.getContainer(place.container).putArchive(archive, options)) as unknown;
    for await (const _ of response as Readable) {
      // Empty; read so that the connection can be used again.
    }
  } catch (error) {
    if (!Buffer.isBuffer(archive)) archive.destroy();
    signal?.throwIfAborted();
    throw place.engine.failure('put files into a container', error);
  }
}
