import type { Command } from '../executor.ts';
import { preamble } from '../preamble.ts';
import type { JobContainerPlace } from './job-container-place.ts';
import { programsFirst } from './programs-first.ts';

/**
 * What a container's bootstrap reads: its line, then the script. Says on standard error which variables are left out.
 */
export async function commandInput(
  command: Command,
  env: Readonly<Record<string, string>>,
  place: Pick<JobContainerPlace, 'shell' | 'firstWords' | 'programs'>,
  usageMark: string,
): Promise<string> {
  const { firstWords, env: whole } = programsFirst(env, place);
  const { line, skipped } = preamble({
    env: whole,
    ...(command.directory === undefined ? {} : { directory: command.directory }),
    shell: command.shell?.trim() ?? place.shell,
    usageMark,
  });
  for (const name of skipped) {
    const warning = `WARNING: the variable ${JSON.stringify(name)} can't be set by a shell and is left out\n`;
    await command.stderr.write(Buffer.from(warning));
  }
  return `${firstWords}; ${line}${command.script}`;
}
