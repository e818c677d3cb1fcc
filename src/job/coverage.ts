import { StringDecoder } from 'node:string_decoder';
import { matchCoverage } from '../expressions/user-regex.ts';

/** Longer lines are cut here, so that a log without newlines does not fill the memory. */
const maxLineLength = 64 * 1024;

/** Reads a job's coverage off its log while it passes. */
export interface CoverageWatch {
  push(bytes: Uint8Array): void;
  /** Percent, as found in the last line that matches; ends the watch. */
  finish(): number | undefined;
}

/** @param pattern RE2 source without slashes. */
export function watchCoverage(pattern: string): CoverageWatch {
  const decoder = new StringDecoder('utf8');
  let line = '';
  let latest: number | undefined;
  return {
    push(bytes) {
      const text = line + decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      const end = text.lastIndexOf('\n');
      if (end >= 0) latest = matchCoverage(pattern, text.slice(0, end)) ?? latest;
      line = text.slice(end + 1).slice(0, maxLineLength);
    },
    finish: () => matchCoverage(pattern, line + decoder.end()) ?? latest,
  };
}
