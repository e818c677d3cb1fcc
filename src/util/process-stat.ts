import { readFileSync } from 'node:fs';

/**
 * Fields of `/proc/PID/stat` after the command's name: state, parent, group, session, …
 * @returns undefined: there is no such process, or no `/proc`.
 */
export function statFields(pid: number | string): readonly string[] | undefined {
  try {
    return fieldsIn(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** The same of the file's text. The name may hold anything. Source: man 5 proc_pid_stat */
export function fieldsIn(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
