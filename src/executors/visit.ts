import type { Readable } from 'node:stream';
import type { LogSink, RemoteTerminal } from '../model/ports.ts';

/** Somebody comes into a session: for a shell of his own, or for one command. */
export interface Visit {
  /** Text for the session's shell. Absent: an interactive shell, or without a terminal one that reads its input. */
  readonly command?: string;
  /** See Command.env. */
  readonly env: Readonly<Record<string, string>>;
  /** See Command.directory. */
  readonly directory?: string;
  readonly by: TerminalVisitor | StreamsVisitor;
}

/** Somebody elsewhere comes in while commands run: always for an interactive shell. */
export interface RemoteVisit extends Pick<Visit, 'env' | 'directory'> {
  readonly terminal: RemoteTerminal;
}

/** Of terminals that tell none. */
export const usualSize: TerminalSize = { columns: 80, rows: 24 };

/** Somebody at the terminal in which this program runs. */
export interface TerminalVisitor {
  readonly kind: 'terminal';
  readonly terminal: UserTerminal;
}

/** A visitor without a terminal: a script, or somebody who wants the output kept. */
export interface StreamsVisitor {
  readonly kind: 'streams';
  /** This program's standard input, which a process of this machine inherits instead. Absent: there is nothing to read. */
  readonly input?: () => Readable;
  readonly stdout: LogSink;
  readonly stderr: LogSink;
}

/** The terminal in which this program runs: its descriptors 0, 1 and 2. */
export interface UserTerminal {
  /** Gives it to a process of this machine that inherits the descriptors. Until it is disposed Ctrl-C is that one's. */
  lend(): Disposable;
  /** Takes all keys as they come, Ctrl-C too, until it is disposed. */
  open(): OpenTerminal;
}

/** The terminal with every key passed on; disposing of it gives keys their usual meaning back. */
export interface OpenTerminal extends Disposable {
  /** What is typed. */
  readonly input: Readable;
  /** Resolves when more may be written. */
  write(bytes: Uint8Array): Promise<void>;
  size(): TerminalSize;
  onResize(listener: () => void): void;
}

/** In characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}
