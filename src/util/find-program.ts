import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

/** Absolute path of the first executable file of this name in a `PATH` text, or undefined. */
export function findProgram(name: string, path: string): string | undefined {
  for (const directory of path.split(':')) {
    if (!directory.startsWith('/')) continue;
    const candidate = join(directory, name);
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // Not this one.
    }
  }
  return undefined;
}
