import type { IncomingMessage } from 'node:http';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { limitSilence } from './call-limits.ts';
import { type Engine, statusOf } from './engine.ts';

/** A tar stream of a path in a container; undefined if the path is not there. */
export async function openArchive(
  engine: Engine,
  container: string,
  path: string,
  signal?: AbortSignal,
): Promise<Readable | undefined> {
  const options = { path, ...(signal === undefined ? {} : { abortSignal: signal }) };
  try {
    const archive = (await engine.api.getContainer(container).getArchive(options)) as Readable;
    limitSilence(archive, engine.answerLimitMs);
    return archive;
  } catch (error) {
    signal?.throwIfAborted();
    if (statusOf(error) === 404) return undefined;
    throw engine.failure(`read ${path} in a container`, error);
  }
}

/** Is the path in the container, whatever it is? Does not start the container. */
export async function existsInContainer(engine: Engine, container: string, path: string): Promise<boolean> {
  try {
    const response = (await engine.api.getContainer(container).infoArchive({ path })) as Readable;
    response.resume();
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw await lookFailure(engine, container, path, error);
  }
}

/** Where a path in a container leads to, as far as the engine tells; undefined if it is not there. */
export async function linkTarget(engine: Engine, container: string, path: string): Promise<string | undefined> {
  try {
    const response = (await engine.api.getContainer(container).infoArchive({ path })) as IncomingMessage;
    response.resume();
    const stat = Buffer.from(String(response.headers['x-docker-container-path-stat'] ?? ''), 'base64').toString();
    const { linkTarget: target } = JSON.parse(stat) as { readonly linkTarget?: string };
    return target || path;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw await lookFailure(engine, container, path, error);
  }
}

/** A HEAD request is refused without words: the same question as GET is told them. */
async function lookFailure(engine: Engine, container: string, path: string, error: unknown): Promise<unknown> {
  const asked: unknown = await engine.api
    .getContainer(container)
    .getArchive({ path })
    .then((archive) => void (archive as Readable).destroy())
    .catch((words: unknown) => words);
  return engine.failure(`look into a container for ${path}`, asked ?? error);
}

/** Content of a regular file of at most `maxBytes`, links followed; undefined if there is none. */
export async function readContainerFile(
  engine: Engine,
  container: string,
  path: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  let current = path;
  for (let links = 0; links < 10; links++) {
    const archive = await openArchive(engine, container, current);
    if (archive === undefined) return undefined;
    const found = await readFirstEntry(archive, maxBytes);
    if (found === undefined || 'content' in found) return found?.content;
    current = posix.resolve(posix.dirname(current), found.link);
  }
  return undefined;
}

type FirstEntry = { readonly content: Uint8Array } | { readonly link: string } | undefined;

async function readFirstEntry(archive: Readable, maxBytes: number): Promise<FirstEntry> {
  const entries = archive.pipe(extract());
  archive.on('error', (error) => entries.destroy(error));
  try {
    for await (const entry of entries) {
      if (entry.header.type === 'symlink') return { link: entry.header.linkname ?? '' };
      if (entry.header.type !== 'file' || (entry.header.size ?? 0) > maxBytes) return undefined;
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry as AsyncIterable<Uint8Array>) chunks.push(chunk);
      return { content: Buffer.concat(chunks) };
    }
    return undefined;
  } finally {
    archive.destroy();
  }
}
