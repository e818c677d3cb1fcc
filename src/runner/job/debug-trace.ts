import { expandVariables } from '../../expressions/expand-variables.ts';
import type { RunnerEntry } from '../config/runner-config.ts';
import type { JobPayload } from '../network/payload.ts';
import { environmentOf } from './environment-of.ts';

/** Variables that show in the log what else would not be there. */
const switches = ['CI_DEBUG_TRACE', 'CI_DEBUG_SERVICES'];

/** Is it one of the variables that show in the log what else would not be there? */
export const isDebugSwitch = (name: string): boolean => switches.includes(name);

/**
 * Whether only maintainers may read the log, since it may show all variables: as the job's variables and the runner's `environment` say
 * once they are expanded.
 */
export function debugTraceOf({
  runner,
  job,
}: {
  readonly runner: Pick<RunnerEntry, 'environment' | 'debugTraceDisabled'>;
  readonly job: Pick<JobPayload, 'variables'>;
}): 'on' | 'off' {
  if (runner.debugTraceDisabled) return 'off';
  const own = environmentOf(runner).map(({ name, value }) => ({ key: name, value, raw: false }));
  const known = new Map([...own, ...job.variables].map((variable) => [variable.key, variable]));
  const isOn = (name: string): boolean => {
    const { value = '', raw = false } = known.get(name) ?? {};
    const text = raw ? value : expandVariables(value, (other) => known.get(other)?.value);
    return /^(1|t|true)$/i.test(text);
  };
  return switches.some(isOn) ? 'on' : 'off';
}
