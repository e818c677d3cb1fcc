import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { anySignal } from '../../util/any-signal.ts';

/** How long an engine may take to answer, milliseconds: one under load takes tens of seconds to start a container. */
export const defaultAnswerLimitMs = 120_000;

/**
 * These answer when something has happened, which may take as long as it likes. Not so what joins input and output: that
 * answers at once, and then has no limit.
 */
const openEnded = /^\/(containers\/[^/]+\/(wait|logs)|images\/create|events)\b/;

/**
 * Gives every call a limit until its answer has come (of streams: has begun): a socket that takes requests and never
 * answers must not hold a run for ever. Not for calls that wait for something to happen. An upload may take as long as
 * it moves.
 */
export function limitCalls(modem: Dockerode['modem'], limitMs: number): void {
  const dial = modem.dial.bind(modem);
  modem.dial = (call, callback) => {
    if (openEnded.test(call.path)) return dial(call, callback);
    const late = new AbortController();
    const { file } = call;
    const stop =
      typeof file === 'object' && !Buffer.isBuffer(file)
        ? watchUpload(file as Readable, limitMs, late)
        : stopper(setTimeout(() => late.abort(), limitMs));
    const either = anySignal([late.signal, ...(call.abortSignal === undefined ? [] : [call.abortSignal])]);
    dial({ ...call, abortSignal: either.signal }, (error, result) => {
      stop();
      if (call.isStream && result) (result as Readable).once('close', () => either[Symbol.dispose]());
      else either[Symbol.dispose]();
      callback?.(late.signal.aborted ? noAnswer(limitMs) : error, result);
    });
  };
}

/**
 * Ends an engine's answer, with an error, when nothing of it has come for so long. That we are slow to take it does not
 * count.
 */
export function limitSilence(answer: Readable, limitMs: number): void {
  const stop = watchMovement(
    () => (answer as IncomingMessage).socket?.bytesRead,
    limitMs,
    () => answer.readableLength === 0 && answer.destroy(noAnswer(limitMs)),
  );
  answer.once('close', stop);
}

/** Dockerode pipes what is to be sent into its request, and shows it in no other way. */
function watchUpload(file: Readable, limitMs: number, late: AbortController): () => void {
  let request: ClientRequest | undefined;
  const pipe = file.pipe.bind(file);
  file.pipe = (destination, options) => {
    request = destination as unknown as ClientRequest;
    return pipe(destination, options);
  };
  return watchMovement(
    () => request?.socket?.bytesWritten,
    limitMs,
    () => late.abort(),
  );
}

/** Calls `onStill` when a number has not changed from one look to the next, `limitMs` milliseconds later. */
function watchMovement(look: () => number | undefined, limitMs: number, onStill: () => void): () => void {
  let before: number | undefined;
  return stopper(
    setInterval(() => {
      const now = look();
      if (now === before) onStill();
      before = now;
    }, limitMs).unref(),
  );
}

function stopper(timer: NodeJS.Timeout): () => void {
  return () => clearTimeout(timer);
}

function noAnswer(limitMs: number): Error {
  return new Error(`no answer in ${limitMs / 1000} s`);
}
