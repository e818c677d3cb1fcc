/** A program that the scripts of a job find, whatever else there is where they run. */
export interface JobProgram {
  /** What it is called by. */
  readonly name: string;
  /** A script for any POSIX shell, without the line that names one. */
  readonly text: string;
}
