import type { JobProgram } from '../model/job-program.ts';

/** Where the programs of a job lie: no file variable is called like this. */
export function programsDirectory(temporaryDirectory: string): string {
  return `${temporaryDirectory}/.programs`;
}

/**
 * The file that a program is started from.
 * @param shell absolute path of a POSIX shell; absent: there is none where it is looked for, and the shell that starts a script without a first line runs it itself.
 */
export function programFile({ text }: JobProgram, shell: string | undefined): Uint8Array {
  return Buffer.from(shell === undefined ? text : `#!${shell}\n${text}`);
}

/** Everybody may run it, nobody writes to it. */
export const programMode = 0o555;
