import { readFileSync } from 'node:fs';

/**
 * Fields of `/proc/PID/stat` after the command's name: state, parent, group, session, …
 * @returns undefined: there is no such process, or no `/proc`.
 */
export function statFields(pid: number | string): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
