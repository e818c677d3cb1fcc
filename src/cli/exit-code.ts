import { constants } from 'node:os';
import { SystemError } from '../model/outcome.ts';

/** The exit codes of `ci`, fixed by the command line's contract. */
export const exitCodes = {
  ok: 0,
  /** A job failed, or lint found problems. */
  failed: 1,
  usage: 2,
  invalidFile: 3,
  /** The surroundings failed: no engine, no image, disk full. */
  system: 4,
  bug: 5,
} as const;

/** Ends a command with a message for the user and an exit code; the message goes to stderr. */
export class CommandError extends Error {
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(exitCode: number, message: string, hint?: string) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** 128 + N, as shells tell it. */
export function signalExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** As `signalExitCode`, for a signal that this system may not know. */
export function signalNumberCode(signal: string): number {
  return 128 + (Object.entries(constants.signals).find(([name]) => name === signal)?.[1] ?? 0);
}

/** What a command ends with that could not tell all it had to tell: as if by SIGPIPE, or 4 where the disk is full. */
export function lostOutputExitCode(error: unknown): number {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT' ? exitCodes.system : signalExitCode('SIGPIPE');
}

/** Maps whatever a command threw to its exit code and to what the user reads. The one place that does so. */
export function describeFailure(error: unknown): { readonly exitCode: number; readonly text: string } {
  if (error instanceof CommandError) {
    return { exitCode: error.exitCode, text: withHint(error.message, error.hint) };
  }
  if (error instanceof SystemError) return { exitCode: exitCodes.system, text: withHint(error.message, error.hint) };
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return { exitCode: exitCodes.system, text: (error as Error).message };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    exitCode: exitCodes.bug,
    text: `this is a bug in ci, please report it with the lines below and the output of \`ci --version\`:\n${stack}`,
  };
}

function withHint(message: string, hint: string | undefined): string {
  return hint === undefined ? message : `${message}\n  ${hint}`;
}
