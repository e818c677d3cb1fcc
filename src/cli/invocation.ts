import type { Writable } from 'node:stream';
import { oneLine } from '../reporters/terminal-text.ts';

/** What a command knows of the outside: everything else gets its facts from here, never from `process`. */
export interface Invocation {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; `-C` is applied already. */
  readonly cwd: string;
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly stdinIsTty: boolean;
  /** Aborted when nobody takes our output any more; the reason is the stream's error (`EPIPE`, `EIO`, `ENOSPC`). */
  readonly outputLost: AbortSignal;
  readonly version: string;
  /** Where the package lies, with a slash at the end: `schemas/` is in it. */
  readonly packageRoot: URL;
}

/** One of the two output streams. */
export interface Terminal {
  readonly stream: Writable;
  readonly isTty: boolean;
  /** Width in columns; undefined when nobody knows. */
  readonly columns: number | undefined;
}

/** Writes text and resolves when the stream took it, so that a command never ends with half of its output unsent. */
export function print(terminal: Terminal, text: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    terminal.stream.write(text, (error) => {
      // Nobody reads any more (`ci list | head -1`, a closed terminal): that is no failure of ours.
      const code = (error as NodeJS.ErrnoException | null | undefined)?.code;
      if (error && !['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED'].includes(code ?? '')) reject(error);
      else resolve();
    });
  });
}

/**
 * Writes lines that name things of a pipeline file, of an engine or of the machine: of their text nothing acts on the
 * terminal.
 */
export function printLines(terminal: Terminal, lines: readonly string[]): Promise<void> {
  return print(terminal, lines.map((line) => `${oneLine(line, { color: false })}\n`).join(''));
}

/** Tells the user something about a command, on stderr; the lines that follow the first stand below it. */
export function printMessage({ stderr }: Pick<Invocation, 'stderr'>, text: string): Promise<void> {
  return printLines(stderr, `ci: ${text}`.split('\n'));
}

/** Writes one JSON document to stdout. */
export function printJson(invocation: Invocation, document: object): Promise<void> {
  return print(invocation.stdout, `${JSON.stringify(document, null, 2)}\n`);
}
