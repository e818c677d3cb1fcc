import type { ExecutorName, JobSpec } from '../../model/job-spec.ts';
import type { RunnerEntry } from '../config/runner-config.ts';
import type { JobPayload } from '../network/payload.ts';
import { shortToken } from '../runner-log.ts';

/**
 * The lines of GitLab Runner by which a log says who runs the job, with which feature flags that somebody has set, and in
 * what. @param given.systemId `s_…`
 */
export function greetingOf(given: {
  readonly runner: Pick<RunnerEntry, 'name' | 'token' | 'featureFlags' | 'shell'>;
  readonly job: Pick<JobPayload, 'variables'>;
  readonly systemId: string;
}): { readonly runner: readonly string[]; readonly executor: (job: Pick<JobSpec, 'executor'>) => string | undefined } {
  const { runner, job, systemId } = given;
  const ofJob = job.variables
    .filter(({ key, value }) => /^FF_[A-Z0-9_]+$/.test(key) && /^(true|false|1|0)$/i.test(value))
    .map(({ key, value }) => [key, /^(true|1)$/i.test(value)] as const);
  const flags = Object.entries({ ...Object.fromEntries(ofJob), ...runner.featureFlags });
  const text = flags.map(([name, on]) => `${name}:${on}`).sort();
  return {
    runner: [
      `  on ${runner.name} ${shortToken(runner.token)}, system ID: ${systemId}`,
      ...(text.length === 0 ? [] : [`  feature flags: ${text.join(', ')}`]),
    ],
    executor: ({ executor }) => {
      // It names its image itself, also in `ci run`.
      if (executor === 'docker') return undefined;
      return executor === 'ssh' ? 'Using SSH executor...' : `Using Shell (${runner.shell ?? 'bash'}) executor...`;
    },
  };
}

/** How GitLab Runner says that a script failed, before the exit code: each of its executors has its own words. */
export function exitWordsOf(executor: ExecutorName): string {
  if (executor === 'shell') return 'exit status';
  return executor === 'ssh' ? 'Process exited with status' : 'exit code';
}
