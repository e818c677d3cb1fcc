import type { ReadLog } from './log-files.ts';
import type { Output } from './output.ts';

/** Runs asynchronous pieces of work one after the other, in the order in which they were added. */
export interface Queue {
  add(work: () => Promise<void>): void;
  /** Resolves when all is done; throws the first error of a piece of work. */
  done(): Promise<void>;
}

/** Makes a Queue. A piece of work that fails does not stop those after it. */
export function workQueue(): Queue {
  let last: Promise<void> = Promise.resolve();
  const errors: unknown[] = [];
  return {
    add(work) {
      last = last.then(work).catch((error: unknown) => {
        errors.push(error);
      });
    },
    async done() {
      await last;
      if (errors.length > 0) throw errors[0];
    },
  };
}

/**
 * Copies a job's log from disk to an output, no faster than the output takes it, and ends it with a line end.
 * A log that can't be read is one line about that: a report must not fail for it.
 */
export async function writeWholeLog(path: string, readLog: ReadLog, output: Output): Promise<void> {
  let lastByte = 0x0a;
  try {
    for await (const chunk of readLog(path)) {
      if (chunk.length === 0) continue;
      lastByte = chunk.at(-1)!;
      output.write(chunk);
      await output.ready();
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (lastByte !== 0x0a) output.write('\n');
    output.write(`the log can't be read: ${why}\n`);
    return;
  }
  if (lastByte !== 0x0a) output.write('\n');
}
