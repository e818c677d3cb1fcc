import type { DescribedVariables } from '../description.ts';
import { dotenvFor } from '../state/dependencies.ts';
import type { Job } from '../state/model.ts';
import type { PayloadInput } from './job-response.ts';

/** One entry of `variables`. */
export interface PayloadVariable {
  readonly key: string;
  readonly value: string;
  readonly public: boolean;
  readonly file: boolean;
  readonly masked: boolean;
  readonly raw: boolean;
}

/** All variables of a job, in GitLab's order: what is predefined, the file's, those of dotenv reports. */
export function jobVariables(input: PayloadInput): readonly PayloadVariable[] {
  const { job } = input;
  return [
    ...predefined(input),
    ...described(job.pipeline.description.variables),
    ...described(job.description.variables),
    ...[...dotenvFor(job)].map(([key, value]) => ({ ...plain(key, value), public: false })),
  ];
}

/** Variables as a description has them. */
export function described(variables: DescribedVariables = {}): readonly PayloadVariable[] {
  return Object.entries(variables).map(([key, value]) =>
    typeof value === 'string' ? plain(key, value) : { ...plain(key, value.value), ...value },
  );
}

function plain(key: string, value: string): PayloadVariable {
  return { key, value, public: true, file: false, masked: false, raw: false };
}

function predefined(input: PayloadInput): readonly PayloadVariable[] {
  const { job, baseUrl } = input;
  const secrets = [
    ['CI_JOB_TOKEN', job.token],
    ['CI_REGISTRY_PASSWORD', job.token],
    ['CI_REPOSITORY_URL', repositoryUrl(job, baseUrl)],
  ] as const;
  return [
    ...Object.entries({ ...jobFacts(input), ...commitFacts(job), ...serverFacts(baseUrl) }).map(([key, value]) =>
      plain(key, value),
    ),
    ...secrets.map(([key, value]) => ({ ...plain(key, value), public: false, masked: key !== 'CI_REPOSITORY_URL' })),
  ];
}

function jobFacts({ job, baseUrl, store }: PayloadInput): Readonly<Record<string, string>> {
  const { pipeline } = job;
  const { project } = pipeline;
  const webUrl = `${baseUrl}/${project.path}`;
  return {
    CI: 'true',
    GITLAB_CI: 'true',
    CI_PIPELINE_ID: String(pipeline.id),
    CI_PIPELINE_IID: String(1 + store.pipelines.indexOf(pipeline)),
    CI_PIPELINE_SOURCE: pipeline.description.mergeRequest === true ? 'merge_request_event' : 'push',
    CI_PIPELINE_URL: `${webUrl}/-/pipelines/${pipeline.id}`,
    CI_JOB_ID: String(job.id),
    CI_JOB_NAME: job.description.name,
    CI_JOB_STAGE: job.stage,
    CI_JOB_URL: `${webUrl}/-/jobs/${job.id}`,
    CI_JOB_STARTED_AT: new Date(store.now()).toISOString(),
    CI_PROJECT_ID: String(project.id),
    CI_PROJECT_NAME: project.path.split('/').at(-1)!,
    CI_PROJECT_NAMESPACE: project.path.split('/').slice(0, -1).join('/'),
    CI_PROJECT_PATH: project.path,
    CI_PROJECT_PATH_SLUG: project.path.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
    CI_PROJECT_URL: webUrl,
    CI_RUNNER_ID: String(job.runner?.id ?? ''),
    CI_RUNNER_DESCRIPTION: job.runner?.description ?? '',
    CI_RUNNER_TAGS: JSON.stringify(job.runner?.tags ?? []),
    CI_REGISTRY_USER: 'gitlab-ci-token',
    GITLAB_USER_ID: '1',
    GITLAB_USER_LOGIN: 'root',
  };
}

function commitFacts({ pipeline }: Job): Readonly<Record<string, string>> {
  const { ref, sha, beforeSha, description } = pipeline;
  return {
    CI_COMMIT_SHA: sha,
    CI_COMMIT_SHORT_SHA: sha.slice(0, 8),
    CI_COMMIT_BEFORE_SHA: beforeSha,
    CI_COMMIT_REF_NAME: ref,
    CI_COMMIT_REF_SLUG: ref.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
    CI_COMMIT_REF_PROTECTED: String(description.protected ?? false),
    ...(description.refType === 'tag' ? { CI_COMMIT_TAG: ref } : { CI_COMMIT_BRANCH: ref }),
    CI_DEFAULT_BRANCH: 'main',
  };
}

function serverFacts(baseUrl: string): Readonly<Record<string, string>> {
  const url = new URL(baseUrl);
  const protocol = url.protocol.replace(':', '');
  return {
    CI_SERVER: 'yes',
    CI_SERVER_URL: baseUrl,
    CI_SERVER_HOST: url.hostname,
    CI_SERVER_PORT: url.port || (protocol === 'https' ? '443' : '80'),
    CI_SERVER_PROTOCOL: protocol,
    CI_SERVER_FQDN: url.host,
    CI_SERVER_NAME: 'GitLab',
    CI_SERVER_VERSION: '19.4.0',
    CI_SERVER_VERSION_MAJOR: '19',
    CI_SERVER_VERSION_MINOR: '4',
    CI_SERVER_VERSION_PATCH: '0',
    CI_SERVER_REVISION: '0000000',
    CI_API_V4_URL: `${baseUrl}/api/v4`,
  };
}

/** Where the job gets its sources, with its token as password. */
export function repositoryUrl(job: Job, baseUrl: string): string {
  const url = new URL(baseUrl);
  return `${url.protocol}//gitlab-ci-token:${job.token}@${url.host}${url.pathname.replace(/\/$/, '')}/${job.pipeline.project.path}.git`;
}
