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

/** What a runner tells its server about itself: only what is there. */
export function runnerTraits(
  runner: Pick<RunnerEntry, 'executor' | 'shell' | 'docker' | 'labels'>,
  config: Pick<RunnerConfig, 'labels'>,
): RunnerTraits {
  const { executor, shell = 'bash', docker } = runner;
  const labels = { ...config.labels, ...runner.labels };
  const gpus = executor === 'docker' ? docker?.containers['gpus'] : undefined;
  return {
    ...{ executor, shell, labels },
    features: [...always, ...(ofExecutor[executor] ?? [])],
    ...(typeof gpus === 'string' ? { gpus } : {}),
  };
}
