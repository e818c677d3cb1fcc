import type { Image } from '../../model/pipeline.ts';
import type { RefuseStep } from '../../model/step.ts';
import type { RunnerEntry } from '../config/runner-config.ts';
import { type JobPayload, unsupportedOptions } from '../network/payload.ts';

/** Why a job of a server can't be run here; undefined: it can. */
export function jobRefusal(job: JobPayload, runner: RunnerEntry, image: Image | undefined): RefuseStep | undefined {
  const options = unsupportedOptions(job);
  // As GitLab Runner tells it.
  if (options !== undefined) return { ...refuse('runner_system_failure', options), exitCode: 3 };
  if (job.run !== '') {
    return refuse('runner_unsupported', 'The job has `run:` with steps of functions, which can not be run here');
  }
  const [secret] = job.secrets;
  if (secret !== undefined) {
    return refuse('runner_unsupported', `The secret ${secret.name} is kept in a store that can not be asked from here`);
  }
  if (runner.executor !== 'docker') return undefined;
  if (image === undefined || image.name === '') {
    const hint = 'name one in the job, or set `image` below [runners.docker]';
    return refuse('runner_configuration_error', 'No Docker image was named for the job', hint);
  }
  return undefined;
}

/** The job asks for what makes no sense. */
export function refusalOfConfiguration(problem: string): RefuseStep {
  return refuse('runner_configuration_error', problem);
}

function refuse(reason: RefuseStep['reason'], message: string, hint?: string): RefuseStep {
  const step = { kind: 'refuse', phase: 'prepare', when: 'always', reason, message } as const;
  return hint === undefined ? step : { ...step, hint };
}
