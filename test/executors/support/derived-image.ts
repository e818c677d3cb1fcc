import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import type { Engine } from '../../../src/executors/docker/engine.ts';

/** An image that a test makes and removes. */
export interface DerivedImage extends AsyncDisposable {
  readonly name: string;
}

/**
 * Makes an image out of another one by lines of a Dockerfile (ENTRYPOINT, USER, EXPOSE, HEALTHCHECK …).
 * @param files texts of programs to put into it, by absolute path.
 */
export async function derivedImage(
  engine: Engine,
  changes: readonly string[],
  files: Readonly<Record<string, string>> = {},
  base = 'ci-test/busybox',
): Promise<DerivedImage> {
  const container = await engine.api.createContainer({ Image: base, Cmd: ['true'] });
  if (Object.keys(files).length > 0) {
    const archive = pack();
    for (const [path, text] of Object.entries(files)) archive.entry({ name: path.slice(1), mode: 0o755 }, text);
    archive.finalize();
    await container.putArchive(Readable.from(archive), { path: '/' });
  }
  const name = `ci-test/derived-${process.pid}-${counter.next()}`;
  await container.commit({ repo: name, tag: 'latest', changes: changes.join('\n') });
  await container.remove();
  return {
    name,
    [Symbol.asyncDispose]: async () => {
      await engine.api.getImage(name).remove({ force: true });
    },
  };
}

const counter = (() => {
  let count = 0;
  return { next: () => count++ };
})();
