import type { RunnerIdentity } from './identity.ts';

/** Every feature that the protocol knows: each is always sent. */
export const runnerFeatures = [
  'variables',
  'image',
  'services',
  'artifacts',
  'cache',
  'fallback_cache_keys',
  'shared',
  'upload_multiple_artifacts',
  'upload_raw_artifacts',
  'session',
  'terminal',
  'refspecs',
  'masking',
  'proxy',
  'raw_variables',
  'artifacts_exclude',
  'multi_build_steps',
  'trace_reset',
  'trace_checksum',
  'trace_size',
  'vault_secrets',
  'cancelable',
  'return_exit_code',
  'service_variables',
  'service_multiple_aliases',
  'image_executor_opts',
  'service_executor_opts',
  'cancel_gracefully',
  'native_steps_integration',
  'two_phase_job_commit',
  'job_inputs',
] as const;

/** What a runner can do, in the server's words; a server drops a job that needs what is not there. */
export type RunnerFeature = (typeof runnerFeatures)[number];

/** What the network layer does itself; it decodes inputs of jobs, which whoever maps the job fills in. */
export const networkFeatures: readonly RunnerFeature[] = [
  'trace_reset',
  'trace_checksum',
  'trace_size',
  'cancelable',
  'cancel_gracefully',
  'two_phase_job_commit',
  'job_inputs',
];

/** What one `[[runners]]` is, besides the program. */
export interface RunnerTraits {
  /** '' : not chosen yet. */
  readonly executor: string;
  readonly shell: string;
  /** What executor, shell and job mapping can do; the network's own are added. */
  readonly features: readonly RunnerFeature[];
  /** `labels` of the configuration, those of the runner over the global ones. */
  readonly labels?: Readonly<Record<string, string>>;
  /** `gpus` of `[runners.docker]`. */
  readonly gpus?: string;
}

/** The JSON `info` of requests. */
export interface RunnerInfo extends RunnerIdentity {
  readonly executor?: string;
  readonly shell?: string;
  readonly features: Readonly<Record<RunnerFeature, boolean>>;
  readonly config: { readonly gpus: string };
  readonly labels?: Readonly<Record<string, string>>;
}

/** Makes `info`; without traits (before an executor is chosen) it says what the network can do. */
export function runnerInfo(identity: RunnerIdentity, traits?: RunnerTraits): RunnerInfo {
  const able = new Set<RunnerFeature>([...networkFeatures, ...(traits?.features ?? [])]);
  const features = Object.fromEntries(runnerFeatures.map((name) => [name, able.has(name)]));
  const labels = traits?.labels ?? {};
  return {
    ...identity,
    ...(traits === undefined
      ? {}
      : { ...(traits.executor === '' ? {} : { executor: traits.executor }), shell: traits.shell }),
    features: features as Record<RunnerFeature, boolean>,
    config: { gpus: traits?.gpus ?? '' },
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
}
