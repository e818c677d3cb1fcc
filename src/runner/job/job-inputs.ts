import { fillMoaTemplate, type MoaObject, type MoaValue } from '../../expressions/moa/evaluate-moa.ts';
import { MoaError } from '../../expressions/moa/moa-token.ts';
import type { ArtifactPayload, CachePayload, ImagePayload, InputPayload, JobPayload } from '../network/payload.ts';

/** A job with its inputs filled in; `problem`: why that can't be done, for its log. */
export type FilledJob =
  | { readonly job: JobPayload; readonly problem?: undefined }
  | { readonly job: JobPayload; readonly problem: string };

const kinds: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  array: Array.isArray,
  struct: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/**
 * Fills in `${{ … }}` where a job may use its inputs. A job without inputs stays as it is, whatever its scripts hold.
 * Source: https://docs.gitlab.com/ci/jobs/job_inputs/#where-you-can-use-job-inputs, GitLab Runner `common/spec`
 */
export function fillInputs(job: JobPayload): FilledJob {
  if (job.inputs.length === 0) return { job };
  const wrong = job.inputs.map(wrongInput).find((problem) => problem !== undefined);
  if (wrong !== undefined) return { job, problem: wrong };
  try {
    return { job: filled(job, contextOf(job.inputs)) };
  } catch (error) {
    if (!(error instanceof MoaError)) throw error;
    return { job, problem: `failed to interpolate job inputs: ${error.message}` };
  }
}

function wrongInput({ key, type, content }: InputPayload): string | undefined {
  if (key === '') return 'an input of the job has no name';
  if (content === undefined) return `the input "${key}" of the job has no value`;
  const fits = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  if (fits === undefined) return `the input "${key}" of the job has the type "${type}", which is not known`;
  return fits(content) ? undefined : `the input "${key}" of the job is no ${type}`;
}

function contextOf(inputs: readonly InputPayload[]): MoaObject {
  // Nothing but JSON comes from a server.
  const entries = inputs.map(({ key, content }) => [key, content as MoaValue] as const);
  return { job: { inputs: Object.fromEntries(entries) } };
}

function filled(job: JobPayload, context: MoaObject): JobPayload {
  const text = <T extends string>(written: T): T => fillMoaTemplate(written, context) as T;
  const texts = (list: readonly string[]): readonly string[] => list.map(text);
  const image = (one: ImagePayload): ImagePayload => ({
    ...one,
    name: text(one.name),
    command: texts(one.command),
    entrypoint: texts(one.entrypoint),
    pullPolicy: texts(one.pullPolicy),
    docker: { platform: text(one.docker.platform), user: text(one.docker.user) },
    kubernetes: { user: text(one.kubernetes.user) },
  });
  const artifact = (one: ArtifactPayload): ArtifactPayload => ({
    ...one,
    name: text(one.name),
    paths: texts(one.paths),
    exclude: texts(one.exclude),
    when: text(one.when),
    expireIn: text(one.expireIn),
  });
  const cache = (one: CachePayload): CachePayload => ({
    ...one,
    key: text(one.key),
    policy: text(one.policy),
    paths: texts(one.paths),
    when: text(one.when),
    fallbackKeys: texts(one.fallbackKeys),
  });
  return {
    ...job,
    // `release` and others are made by the server, which knows nothing of inputs there.
    steps: job.steps.map((step) =>
      step.name === 'script' || step.name === 'after_script' ? { ...step, script: texts(step.script) } : step,
    ),
    image: job.image && image(job.image),
    services: job.services.map(image),
    artifacts: job.artifacts.map(artifact),
    cache: job.cache.map(cache),
  };
}
