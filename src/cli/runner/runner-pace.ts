import { type AcknowledgePace, defaultAcknowledgePace } from '../../runner/job/begin-job.ts';
import { defaultLimits, type NetworkLimits } from '../../runner/network/network-limits.ts';
import { defaultTraceLimits, type TraceLimits } from '../../runner/trace/trace-limits.ts';
import { CommandError, exitCodes } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { type DeadPace, defaultDeadPace } from './look-after-the-dead.ts';

/** How long a runner waits, and how often it tries: all of it is GitLab Runner's unless a test says otherwise. */
export interface RunnerPace {
  readonly network: Partial<NetworkLimits>;
  readonly trace: Partial<TraceLimits>;
  readonly acknowledge: AcknowledgePace;
  readonly dead: DeadPace;
}

const variable = 'CI_RUNNER_PACE';

/**
 * What `CI_RUNNER_PACE` says, which tests set and users need not know: JSON such as `{"trace": {"updateIntervalMs": 50}}`.
 * @throws CommandError exit 2 for anything that it may not say.
 */
export function runnerPace({ env }: Pick<Invocation, 'env'>): RunnerPace {
  const given = readGiven(env[variable]);
  const part = <T extends object>(name: keyof RunnerPace, known: T): Partial<T> => numbersOf(name, given[name], known);
  const unknown = Object.keys(given).find((name) => !['network', 'trace', 'acknowledge', 'dead'].includes(name));
  if (unknown !== undefined) throw refused(`nothing is called "${unknown}"`);
  return {
    network: part('network', defaultLimits),
    trace: part('trace', defaultTraceLimits),
    acknowledge: { ...defaultAcknowledgePace, ...part('acknowledge', defaultAcknowledgePace) },
    dead: { ...defaultDeadPace, ...part('dead', defaultDeadPace) },
  };
}

function readGiven(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined || text === '') return {};
  try {
    const given: unknown = JSON.parse(text);
    if (typeof given === 'object' && given !== null && !Array.isArray(given)) return { ...given };
  } catch {
    // Said below.
  }
  throw refused('it is no JSON object');
}

function numbersOf<T extends object>(name: string, given: unknown, known: T): Partial<T> {
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null) throw refused(`"${name}" is no object`);
  for (const [key, value] of Object.entries(given)) {
    if (!(key in known)) throw refused(`"${name}" has no "${key}"`);
    if (typeof value !== 'number' || !(value >= 0)) throw refused(`"${name}.${key}" is no number from 0`);
  }
  return given as Partial<T>;
}

function refused(why: string): CommandError {
  return new CommandError(exitCodes.usage, `${variable}: ${why}`);
}
