import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { assertNever } from './assert-never.ts';
import { type ProcessEnd, type ProcessRequest, processEnd } from './process.ts';

/**
 * What a starter is told over its standard input: a process that starts other processes, carries what they write, and does
 * nothing else. Secrets reach it so only, never by arguments. Each message is two lengths (four bytes each, the
 * highest first), texts between NULs, and bytes. The texts are one of:
 * - `common`, names and values of an environment;
 * - `start`, the number of the request, directory, how many names to unset in the common environment, how many to set, those
 *   names, those names and values, the program and its arguments; the bytes are its standard input;
 * - `taken`, the number of a request, 1 or 2 for its standard output or error, how many bytes of that were taken.
 */
export interface StartRequest extends Omit<ProcessRequest, 'stdout' | 'stderr'> {
  readonly id: number;
}

/** Standard output and standard error. */
export type StreamNumber = 1 | 2;

/**
 * What a starter says, a line each: `ready`, `started ID PID`, `failed ID ERRNO`, `output ID STREAM LENGTH` with so many bytes behind it,
 * `ended ID CODE SIGNAL` (no signal: 0). Of a stream it says no more than 256 KiB before it hears that some were taken.
 */
export type StarterAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'started'; readonly id: number; readonly pid: number }
  | { readonly kind: 'failed'; readonly id: number; readonly errno: number }
  | { readonly kind: 'output'; readonly id: number; readonly stream: StreamNumber; readonly bytes: Uint8Array }
  | { readonly kind: 'ended'; readonly id: number; readonly end: ProcessEnd };

/** The message that tells what the environments of all requests have in common. */
export function commonMessage(env: StartRequest['env']): Buffer {
  return message(['common', ...Object.entries(env).flat()], '');
}

/** @returns undefined for what no process can be started with, since a text holds NUL. */
export function startMessage(request: StartRequest, common: StartRequest['env']): Buffer | undefined {
  const { id, file, args, directory, env, stdin } = request;
  const unset = Object.keys(common).filter((name) => env[name] === undefined);
  const set: string[] = [];
  for (const name of Object.keys(env)) if (common[name] !== env[name]) set.push(name, env[name]!);
  const counts = [String(unset.length), String(set.length / 2)];
  const texts = ['start', String(id), directory, ...counts, ...unset, ...set, file, ...args];
  return texts.some((text) => text.includes('\0')) ? undefined : message(texts, stdin);
}

/** The message that so much of a stream was taken. */
export function takenMessage(id: number, stream: StreamNumber, bytes: number): Buffer {
  return message(['taken', String(id), String(stream), String(bytes)], '');
}

function message(texts: readonly string[], script: string): Buffer {
  const text = texts.join('\0');
  const length = Buffer.byteLength(text);
  const scriptLength = Buffer.byteLength(script);
  const bytes = Buffer.allocUnsafe(8 + length + scriptLength);
  bytes.writeUInt32BE(length, 0);
  bytes.writeUInt32BE(scriptLength, 4);
  bytes.write(text, 8);
  bytes.write(script, 8 + length);
  return bytes;
}

const lineEnd = 0x0a;

/** Takes what a starter says apart, wherever it is cut; output that is cut comes in as many answers. */
export function answerReader(take: (answer: StarterAnswer) => void): (chunk: Buffer) => void {
  let begun = '';
  let output: { readonly id: number; readonly stream: StreamNumber; left: number } | undefined;
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (output !== undefined) {
        const { id, stream } = output;
        const bytes = chunk.subarray(at, at + output.left);
        at += bytes.length;
        output.left -= bytes.length;
        if (output.left === 0) output = undefined;
        take({ kind: 'output', id, stream, bytes });
        continue;
      }
      const end = chunk.indexOf(lineEnd, at);
      const text = begun + chunk.toString('latin1', at, end < 0 ? chunk.length : end);
      begun = end < 0 ? text : '';
      if (end < 0) return;
      at = end + 1;
      const [word, ...numbers] = text.split(' ');
      const [id = 0, first = 0, second = 0] = numbers.map(Number);
      if (word === 'output') output = { id, stream: first as StreamNumber, left: second };
      else take(answerOf(word as Exclude<StarterAnswer['kind'], 'output'>, id, first, second));
    }
  };
}

function answerOf(
  kind: Exclude<StarterAnswer['kind'], 'output'>,
  id: number,
  first: number,
  second: number,
): StarterAnswer {
  switch (kind) {
    case 'ready':
      return { kind };
    case 'started':
      return { kind, id, pid: first };
    case 'failed':
      return { kind, id, errno: first };
    case 'ended':
      return { kind, id, end: processEnd(first, signalName(second)) };
    default:
      return assertNever(kind);
  }
}

function signalName(number: number): string | null {
  if (number === 0) return null;
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `SIG${number}`;
}

/** The error as `spawn` would throw it. */
export function startError(errno: number, { file, args }: StartRequest): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  const syscall = `spawn ${file}`;
  const error = new Error(`${syscall} ${code}`);
  return Object.assign(error, { errno: -errno, code, syscall, path: file, spawnargs: args });
}
