import { readdirSync, readFileSync } from 'node:fs';

/** Pids of this machine's processes (those in containers of a local engine too) whose command line starts with a text. */
export function processesWith(text: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').startsWith(text);
    } catch {
      return false;
    }
  });
}
