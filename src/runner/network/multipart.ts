import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { ContentUnavailable } from './exchange.ts';

/** A form with one file in it, made while it is sent. */
export interface Multipart {
  readonly contentType: string;
  /** The whole body, from its start at each call. */
  open(): Promise<Readable>;
}

/** @param given.filename its base name is sent, quoted as browsers do. */
export function multipartFile(given: { readonly filename: string; readonly open: () => Promise<Readable> }): Multipart {
  const boundary = randomBytes(30).toString('hex');
  const name = (given.filename.split(/[\\/]/).pop() || 'default').replace(/["\r\n]/g, (char) =>
    encodeURIComponent(char),
  );
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n` +
    'Content-Type: application/octet-stream\r\n\r\n';
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    async open() {
      const content = await given.open();
      const body = Readable.from(around(head, content, `\r\n--${boundary}--\r\n`), { objectMode: false });
      // Also where the generator was never asked for anything.
      return body.once('close', () => content.destroy());
    },
  };
}

async function* around(head: string, content: Readable, tail: string): AsyncGenerator<Buffer> {
  yield Buffer.from(head);
  try {
    for await (const chunk of content) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
  } catch (error) {
    throw new ContentUnavailable((error as Error).message, { cause: error });
  }
  yield Buffer.from(tail);
}
