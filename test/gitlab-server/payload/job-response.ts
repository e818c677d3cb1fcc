import type { DescribedImage, JobDescription } from '../description.ts';
import { dependenciesOf } from '../state/dependencies.ts';
import type { Job } from '../state/model.ts';
import type { Store } from '../state/store.ts';
import { timeoutOf } from '../state/timeout.ts';
import { artifactsOf } from './artifacts.ts';
import { knownFailureReasons } from './failure-reasons.ts';
import { described, jobVariables, repositoryUrl } from './variables.ts';

/** What a response is made of. */
export interface PayloadInput {
  readonly store: Store;
  readonly job: Job;
  /** Jobs the runner could have had, and which of them this one was, from 1. */
  readonly size: number;
  readonly depth: number;
  readonly baseUrl: string;
}

type Json = Readonly<Record<string, unknown>>;

/** The body of a 201 to `POST /jobs/request`, field by field. */
export function jobResponse(input: PayloadInput): Json {
  const { job, store } = input;
  const { description } = job;
  return {
    id: job.id,
    token: job.token,
    allow_git_fetch: true,
    job_info: jobInfo(input),
    git_info: gitInfo(input),
    runner_info: { timeout: timeoutOf(job), runner_session_url: null },
    inputs: [],
    variables: jobVariables(input),
    steps: steps(description, timeoutOf(job)),
    hooks: description.hooks ?? [],
    image: description.image === undefined ? null : image(description.image),
    services: (description.services ?? []).map(image),
    artifacts: artifactsOf(description),
    cache: (description.cache ?? []).map((cache) => ({
      key: cache.key,
      untracked: cache.untracked ?? false,
      paths: cache.paths,
      policy: cache.policy ?? 'pull-push',
      when: cache.when ?? 'on_success',
      fallback_keys: cache.fallbackKeys ?? [],
    })),
    credentials: [],
    features: {
      trace_sections: true,
      token_mask_prefixes: store.settings.tokenMaskPrefixes,
      failure_reasons: [...knownFailureReasons, ...store.settings.failureReasons],
    },
    dependencies: dependencies(input),
    ...description.response,
  };
}

function jobInfo({ job, store, size, depth }: PayloadInput): Json {
  const { project } = job.pipeline;
  return {
    id: job.id,
    name: job.description.name,
    stage: job.stage,
    pipeline_id: job.pipeline.id,
    project_id: project.id,
    project_name: project.path.split('/').at(-1),
    project_full_path: project.path,
    namespace_id: 1,
    root_namespace_id: 1,
    organization_id: 1,
    instance_id: '00000000-0000-0000-0000-000000000001',
    instance_uuid: '00000000-0000-0000-0000-000000000002',
    user_id: 1,
    scoped_user_id: null,
    time_in_queue_seconds: (store.now() - job.queuedAtMs) / 1000,
    project_jobs_running_on_instance_runners_count: '+Inf',
    queue_size: size,
    queue_depth: depth,
  };
}

function gitInfo({ job, baseUrl }: PayloadInput): Json {
  const { ref, sha, beforeSha, description } = job.pipeline;
  return {
    repo_url: repositoryUrl(job, baseUrl),
    repo_object_format: sha.length === 64 ? 'sha256' : 'sha1',
    ref,
    sha,
    before_sha: beforeSha,
    ref_type: description.refType ?? 'branch',
    refspecs: refspecs(job),
    depth: depthOf(job),
    protected: description.protected ?? false,
  };
}

/** `GIT_DEPTH`, else the project's. */
function depthOf({ description, pipeline }: Job): number {
  const own = { ...pipeline.description.variables, ...description.variables }['GIT_DEPTH'];
  const text = typeof own === 'object' ? own.value : own;
  return text === undefined ? pipeline.project.depth : Number.parseInt(text, 10) || 0;
}

function refspecs(job: Job): readonly string[] {
  const { id, ref, description } = job.pipeline;
  const persistent = `+refs/pipelines/${id}:refs/pipelines/${id}`;
  const branch = (name: string): string => `+refs/heads/${name}:refs/remotes/origin/${name}`;
  const tag = (name: string): string => `+refs/tags/${name}:refs/tags/${name}`;
  if (depthOf(job) === 0) return [persistent, branch('*'), tag('*')];
  if (description.mergeRequest === true) return [persistent];
  return [persistent, description.refType === 'tag' ? tag(ref) : branch(ref)];
}

function steps(description: JobDescription, timeout: number): readonly Json[] {
  const allowed = description.allowFailure === true;
  const step = (name: string, script: readonly string[], when: string, allow: boolean): Json => ({
    name,
    script,
    timeout,
    when,
    allow_failure: allow,
  });
  return [
    step('script', description.script ?? ['true'], 'on_success', allowed),
    ...(description.release === undefined ? [] : [step('release', description.release, 'on_success', false)]),
    ...(description.afterScript === undefined ? [] : [step('after_script', description.afterScript, 'always', true)]),
  ];
}

function image(given: string | DescribedImage): Json {
  const whole: DescribedImage = typeof given === 'string' ? { name: given } : given;
  return {
    name: whole.name,
    alias: whole.alias ?? null,
    entrypoint: whole.entrypoint ?? null,
    command: whole.command ?? null,
    ports: [],
    executor_opts: whole.executorOpts ?? {},
    pull_policy: whole.pullPolicy ?? null,
    variables: described(whole.variables),
  };
}

function dependencies({ job, store }: PayloadInput): readonly Json[] {
  return dependenciesOf(job).map((other) => {
    const archive = other.artifacts.get('archive');
    const there = archive !== undefined && (archive.expiresAtMs ?? Number.POSITIVE_INFINITY) > store.now();
    const file = there ? { artifacts_file: { filename: archive.fileName, size: archive.content.length } } : {};
    return { id: other.id, name: other.description.name, token: job.token, ...file };
  });
}
