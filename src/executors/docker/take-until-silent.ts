import type { Duplex } from 'node:stream';
import type { LogSink } from '../../model/ports.ts';
import { demultiplex } from './demultiplex.ts';

/** How long the output of an ended command must be silent while somebody else holds it open, milliseconds. */
const silenceMs = 100;
/** More than buffers hold on the way: what comes after it was not written by the command that has ended. */
const mostBuffered = 4 << 20;

/**
 * Takes a command's output until its end, or, once the command has ended (`end` settles), until it is silent: a child
 * of the command may hold it open for ever. Waits as long as a sink needs.
 */
export function takeUntilSilent(
  stream: Duplex,
  stdout: LogSink,
  stderr: LogSink,
  end: Promise<unknown>,
): Promise<void> {
  return readUntilSilent(stream, end, (onChunk) => demultiplex(stream, stdout, stderr, onChunk));
}

/**
 * As `takeUntilSilent`, for output of any form.
 * @param read reads the stream; calls its argument with the size of each chunk before it is taken, and with 0 when it
 * has been.
 */
export async function readUntilSilent(
  stream: Duplex,
  end: Promise<unknown>,
  read: (onChunk: (bytes: number) => void) => Promise<void>,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const life: { state: 'running' | 'ended' | 'cut' } = { state: 'running' };
  let busy = false;
  let takenSinceEnd = 0;
  const cut = (): void => {
    life.state = 'cut';
    stream.destroy();
  };
  const wait = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (life.state !== 'ended' || busy) return;
    // The timer may be late and overtake data that wait to be read: let the event loop read once more.
    timer = setTimeout(() => {
      timer = undefined;
      setImmediate(() => {
        if (!busy && timer === undefined) cut();
      });
    }, silenceMs);
  };
  const ended = (): void => {
    life.state = 'ended';
    wait();
  };
  end.then(ended, cut);
  try {
    await read((bytes) => {
      busy = bytes > 0;
      if (life.state === 'ended') takenSinceEnd += bytes;
      if (takenSinceEnd > mostBuffered) cut();
      wait();
    });
  } catch (error) {
    if (life.state !== 'cut' || (error as { code?: unknown }).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  } finally {
    clearTimeout(timer);
  }
}
