import { countingFlags } from '../config/read-feature-flags.ts';
import type { RunnerEntry } from '../config/runner-config.ts';
import type { JobPayload } from '../network/payload.ts';
import { environmentOf } from './environment-of.ts';

/** What Go reads as a truth value, as GitLab Runner does. */
const isTrue = (value: string): boolean => /^(1|t|true)$/i.test(value);
const isFalse = (value: string): boolean => /^(0|f|false)$/i.test(value);

/**
 * What a job asks for that does nothing here, each a line of its log: feature flags that are switched on or are no truth
 * value, metadata of artifacts, and services where there are no containers. Flags of the file are told when it is read, and beat the job's.
 */
export function jobWarnings({
  runner,
  job,
}: {
  readonly runner: Pick<RunnerEntry, 'environment' | 'featureFlags' | 'executor'>;
  readonly job: Pick<JobPayload, 'variables' | 'artifacts' | 'services'>;
}): readonly string[] {
  const own = environmentOf(runner).map(({ name, value }): [string, string] => [name, value]);
  const values = new Map([...own, ...job.variables.map(({ key, value }): [string, string] => [key, value])]);
  const flags = [...values].filter(([name]) => /^FF_[A-Z0-9_]+$/.test(name) && runner.featureFlags[name] === undefined);
  const useless = flags.filter(([name, value]) => isTrue(value) && !countingFlags.includes(name));
  // The value is not shown: it may be a secret.
  const odd = flags.filter(
    ([name, value]) => countingFlags.includes(name) && value !== '' && !isTrue(value) && !isFalse(value),
  );
  const names = (some: readonly (readonly [string, string])[]): string => some.map(([name]) => name).join(', ');
  const isZip = job.artifacts.some(({ format }) => format === '' || format === 'zip');
  const wantsMetadata = isZip && isTrue(values.get('RUNNER_GENERATE_ARTIFACTS_METADATA') ?? '');
  const services = runner.executor === 'docker' ? [] : job.services.map(({ name }) => name);
  return [
    ...(services.length === 0
      ? []
      : [
          `there are no containers with the executor ${runner.executor}: services are not started: ${services.join(', ')}`,
        ]),
    ...(useless.length === 0 ? [] : [`feature flags that this runner does not know do nothing: ${names(useless)}`]),
    ...(odd.length === 0 ? [] : [`feature flags that are neither true nor false count as false: ${names(odd)}`]),
    ...(wantsMetadata ? ['RUNNER_GENERATE_ARTIFACTS_METADATA is not supported: artifacts get no metadata'] : []),
  ];
}
