import { quote } from '../preamble.ts';
import type { JobContainerPlace } from './job-container-place.ts';

/** How the shell of a command or a visit begins. */
export interface ShellBeginning {
  readonly env: Readonly<Record<string, string>>;
  readonly firstWords: string;
}

/** Puts the job's programs before all of `PATH`: the job's own, or the one that the image sets. */
export function programsFirst(
  env: Readonly<Record<string, string>>,
  { programs, firstWords }: Pick<JobContainerPlace, 'programs' | 'firstWords'>,
): ShellBeginning {
  if (programs === undefined) return { env, firstWords };
  const { PATH } = env;
  if (PATH !== undefined) return { env: { ...env, PATH: `${programs}:${PATH}` }, firstWords };
  const words = `PATH=${quote(programs)}"\${PATH:+:$PATH}"; export PATH`;
  return { env, firstWords: `${firstWords}; ${words}` };
}
