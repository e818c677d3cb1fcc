import { randomBytes } from 'node:crypto';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SystemError } from '../../model/outcome.ts';
import { openProcessStream } from '../../util/process-stream.ts';
import { begin, programLine } from './remote-programs.ts';
import type { SshConnection } from './ssh-connection.ts';

/** One short program at the other end. */
export interface Exchange {
  /** What is being done: "can't …". */
  readonly doing: string;
  readonly program: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly input?: Readable | Uint8Array;
  readonly signal?: AbortSignal;
}

/**
 * Starts a program and gives what it prints. The stream fails with a SystemError when the program does; what start-up files
 * print is left out.
 */
export function openExchange(connection: SshConnection, exchange: Exchange): Readable {
  const { doing, program, variables, input, signal } = exchange;
  const mark = randomBytes(12).toString('hex');
  const stream = openProcessStream({
    argv: connection.argv,
    env: connection.env,
    directory: connection.directory,
    failure: (said) => failed(connection, doing, said),
  });
  stream.write(programLine(`${begin}\n${program}`, { ...variables, ci_mark: mark }));
  // A program that ends before it has read everything tells why by itself.
  if (input === undefined || input instanceof Uint8Array) stream.end(input);
  else pipeline(input, stream).catch((error: Error) => stream.destroy(error));
  const out = new PassThrough();
  const drop = (): void => void stream.destroy(signal?.reason as Error);
  if (signal?.aborted) drop();
  else signal?.addEventListener('abort', drop, { once: true });
  pipeline(stream, (source: AsyncIterable<Uint8Array>) => afterMark(source, mark), out)
    .catch((error: Error) => out.destroy(error))
    .finally(() => signal?.removeEventListener('abort', drop));
  out.once('close', () => stream.destroy());
  return out;
}

/** As `openExchange`, as a whole. @throws SystemError; the signal's reason. */
export async function exchanged(connection: SshConnection, exchange: Exchange): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of openExchange(connection, exchange) as AsyncIterable<Uint8Array>) chunks.push(chunk);
  } catch (error) {
    exchange.signal?.throwIfAborted();
    throw error instanceof SystemError ? error : failed(connection, exchange.doing, (error as Error).message);
  }
  return Buffer.concat(chunks);
}

function failed({ text }: SshConnection, doing: string, said: string): SystemError {
  const why = said.split('\n').at(-1)?.trim() || 'the connection broke';
  return new SystemError('runner_system_failure', `can't ${doing} on ${text}: ${why}`);
}

async function* afterMark(source: AsyncIterable<Uint8Array>, mark: string): AsyncGenerator<Uint8Array> {
  let before: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of source) {
    if (before === undefined) {
      yield chunk;
      continue;
    }
    before = Buffer.concat([before, chunk]);
    const at = before.indexOf(mark);
    if (at < 0) continue;
    const rest = before.subarray(at + mark.length);
    before = undefined;
    if (rest.length > 0) yield rest;
  }
}
