import { readdirSync, statSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { lifeOf, type Owner, type OwnerLife } from '../util/process-owner.ts';
import type { RunState } from './run-state.ts';

/** Of whom nothing can be known here is taken for dead when nothing has been written for so long, milliseconds. */
const longestSilenceMs = 7 * 24 * 3_600_000;

/**
 * Is the process there that made something in the state directory? That may be shared by several machines (a home
 * directory of a network) and by containers.
 */
export function lifeInState(owner: Owner | RunState['process']): OwnerLife {
  // Other systems tell nothing by which one machine is known from another.
  return lifeOf(owner, platform() === 'linux' ? 'elsewhere' : 'here');
}

/**
 * Is the process of a run there?
 * @param directory of the run.
 */
export function lifeOfRun(directory: string, { process }: Pick<RunState, 'process'>): OwnerLife {
  const life = lifeInState(process);
  return life === 'unknown' && Date.now() - lastChangeMs(directory) > longestSilenceMs ? 'over' : life;
}

function lastChangeMs(directory: string): number {
  const paths = [directory, ...namesIn(directory).map((name) => join(directory, name))];
  return Math.max(...paths.map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0));
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
