import type { RunnerEntry } from '../config/runner-config.ts';
import type { JobPayload } from '../network/payload.ts';

/**
 * Whether a feature flag of GitLab Runner is on: as `[runners.feature_flags]` says, else the job's variables, else the
 * runner's `environment`.
 * Source: https://docs.gitlab.com/runner/configuration/feature-flags/
 */
export function isFlagOn(
  name: `FF_${string}`,
  given: {
    readonly runner: Pick<RunnerEntry, 'featureFlags' | 'environment'>;
    readonly job: Pick<JobPayload, 'variables'>;
    readonly otherwise: boolean;
  },
): boolean {
  const { runner, job, otherwise } = given;
  const set = runner.featureFlags[name];
  if (set !== undefined) return set;
  const own = runner.environment.findLast((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  const value = job.variables.findLast(({ key }) => key === name)?.value ?? own;
  return value === undefined ? otherwise : /^(1|t|true)$/i.test(value);
}
