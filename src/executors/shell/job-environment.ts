import { markerName } from '../../util/process-strays.ts';

/** What the environment of a job's processes is made of. */
export interface EnvironmentPlace {
  /** The user's own environment, of variables with which a process can be started. */
  readonly env: Readonly<Record<string, string>>;
  /** `PATH`, where the user's environment has none. */
  readonly path: string;
  /** Directory that comes first in `PATH`. */
  readonly programs?: string;
}

/**
 * The complete environment of a process. Bash reads `~/.bashrc` when its input is a socket, as it is with Node, unless another shell
 * runs above it.
 * @param marker by which the process is found again.
 */
export function jobEnvironment(
  place: EnvironmentPlace,
  env: Readonly<Record<string, string>>,
  marker: string,
): Record<string, string> {
  const all: Record<string, string> = { SHLVL: '1', ...place.env };
  addStartable(env, all);
  all[markerName] = marker;
  if (place.programs !== undefined) all['PATH'] = `${place.programs}:${all['PATH'] ?? place.path}`;
  return all;
}

/** The variables with which a process can be started: a name or value with NUL is none. */
export function startable(variables: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  addStartable(variables, kept);
  return kept;
}

function addStartable(variables: Readonly<Record<string, string>>, to: Record<string, string>): void {
  for (const name of Object.keys(variables)) {
    const value = variables[name]!;
    if (name !== '' && !name.includes('=') && !name.includes('\0') && !value.includes('\0')) to[name] = value;
  }
}
