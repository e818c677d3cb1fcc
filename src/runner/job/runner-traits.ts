import type { RunnerConfig, RunnerEntry } from '../config/runner-config.ts';
import type { RunnerFeature, RunnerTraits } from '../network/features.ts';

/** What jobs may need of any executor here. */
const always: readonly RunnerFeature[] = [
  'artifacts',
  'artifacts_exclude',
  'cache',
  'fallback_cache_keys',
  'masking',
  'multi_build_steps',
  'raw_variables',
  'refspecs',
  'return_exit_code',
  'upload_multiple_artifacts',
  'upload_raw_artifacts',
  'variables',
];

const ofExecutor: Readonly<Record<string, readonly RunnerFeature[]>> = {
  shell: ['shared'],
  ssh: ['shared'],
  docker: [
    'image',
    'image_executor_opts',
    'services',
    'service_executor_opts',
    'service_multiple_aliases',
    'service_variables',
  ],
};

/** Can somebody come into jobs of this executor while they run? */
export function hasTerminals({ executor }: Pick<RunnerEntry, 'executor'>): boolean {
  return executor === 'shell' || executor === 'docker';
}

/**
 * What a runner tells its server about itself: only what is there.
 * @param config.sessions is there a server of sessions?
 */
export function runnerTraits(
  runner: Pick<RunnerEntry, 'executor' | 'shell' | 'docker' | 'labels'>,
  config: Pick<RunnerConfig, 'labels'> & { readonly sessions?: 'served' | 'none' },
): RunnerTraits {
  const { executor, shell = 'bash', docker } = runner;
  const labels = { ...config.labels, ...runner.labels };
  const gpus = executor === 'docker' ? docker?.containers['gpus'] : undefined;
  const terminals: readonly RunnerFeature[] =
    config.sessions === 'served' && hasTerminals(runner) ? ['session', 'terminal'] : [];
  return {
    ...{ executor, shell, labels },
    features: [...always, ...(ofExecutor[executor] ?? []), ...terminals],
    ...(typeof gpus === 'string' ? { gpus } : {}),
  };
}
