import { wholeCharacters } from './utf8-repair.ts';

/** `output_limit` where the configuration says nothing: 4 MiB. */
export const defaultOutputLimitBytes = 4096 * 1024;

/** Lets so much of a log through, then says so, then nothing any more. */
export interface OutputLimit {
  /** @param bytes valid UTF-8. @returns what is to be written of it, in pieces. */
  take(bytes: Uint8Array): readonly Uint8Array[];
  readonly isReached: boolean;
}

/** @param limitBytes the message that it was reached comes on top. @param writtenBytes of an earlier life of the log. */
export function outputLimit(limitBytes: number, writtenBytes = 0): OutputLimit {
  let written = writtenBytes;
  let isReached = writtenBytes >= limitBytes;
  return {
    get isReached() {
      return isReached;
    },
    take(bytes) {
      if (isReached || bytes.length === 0) return [];
      const left = limitBytes - written;
      if (bytes.length < left) {
        written += bytes.length;
        return [bytes];
      }
      isReached = true;
      return [wholeCharacters(bytes, left), Buffer.from(limitMessage(limitBytes))].filter(({ length }) => length > 0);
    },
  };
}

function limitMessage(limitBytes: number): string {
  return (
    `\n\x1b[33;1mJob's log exceeded limit of ${limitBytes} bytes.\n` +
    'Job execution will continue but no more output will be collected.\x1b[0;m\n'
  );
}
