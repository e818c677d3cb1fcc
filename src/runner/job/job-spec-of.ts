import type { Dependency, ExecutorName, JobSpec } from '../../model/job-spec.ts';
import type { Image, PullPolicy, Service } from '../../model/pipeline.ts';
import type { Variable } from '../../model/variable.ts';
import type { RunnerEntry, RunnerService } from '../config/runner-config.ts';
import type { ImagePayload, JobPayload, VariablePayload } from '../network/payload.ts';
import { pathParts } from '../sources/path-parts.ts';
import { clonePathOf, type JobNumbers } from './clone-path.ts';
import { isDebugSwitch } from './debug-trace.ts';
import { environmentOf } from './environment-of.ts';
import { fillInputs } from './job-inputs.ts';
import { jobRefusal, refusalOfConfiguration } from './job-refusal.ts';
import { jobSteps } from './job-steps.ts';

/** What the server takes where it says nothing. */
const defaultTimeoutMs = 7_200_000;

const first: JobNumbers = { concurrentId: 0, concurrentProjectId: 0 };

/** Texts of a server stand in no file. */
const nowhere: Image['span'] = { file: '', start: 0, end: 0 };

/** What a job of a server is, in the words of this program; `secrets` must not show in its log. */
export interface ServerJob {
  readonly spec: JobSpec;
  /** As the server sent it, with its inputs filled in. */
  readonly job: JobPayload;
  /** `group/name` on the server, wherever the job has its files. */
  readonly projectPath: string;
  readonly secrets: readonly string[];
}

/**
 * Makes a job of this program out of what the server sent. What can't be done here becomes a step that refuses, so that
 * the job fails and says why.
 * @param given.certificates `CI_SERVER_TLS_…_FILE`. @param given.numbers default: of a job that is alone.
 */
export function jobSpecOf(
  sent: JobPayload,
  runner: RunnerEntry,
  {
    certificates = [],
    numbers = first,
  }: { readonly certificates?: readonly Variable[]; readonly numbers?: JobNumbers } = {},
): ServerJob {
  const filled = fillInputs(sent);
  const { problem } = filled;
  const job = { ...filled.job, variables: filled.job.variables.filter(canBe) };
  const written = [...environmentOf(runner), ...certificates, ...job.variables.map(variableOf)];
  const variables = runner.debugTraceDisabled ? quiet(written) : written;
  // One without a name is none, whatever else is said of it.
  const image = job.image === undefined || job.image.name === '' ? defaultImage(runner) : imageOf(job.image, runner);
  const services = [
    ...(runner.docker?.services ?? []).map((service) => ownService(service, runner)),
    ...job.services.map((service) => serviceOf(service, runner)),
  ];
  const clone = clonePathOf(variables, numbers);
  const wrong = problem ?? (clone !== undefined && 'problem' in clone ? clone.problem : undefined);
  const refusal = wrong === undefined ? jobRefusal(job, runner, image) : refusalOfConfiguration(wrong);
  const path = projectPath(job);
  const spec: JobSpec = {
    id: String(job.id),
    name: job.jobInfo.name,
    stage: job.jobInfo.stage,
    runId: String(job.jobInfo.pipelineId),
    attempt: 1,
    executor: runner.executor as ExecutorName,
    variables,
    ...(image === undefined || runner.executor !== 'docker' ? {} : { image }),
    services: runner.executor === 'docker' ? services : [],
    registryLogins: job.credentials
      .filter(({ type }) => type === 'registry')
      .map(({ url, username, password }) => ({ registry: url, username, password })),
    serviceVariables: [...environmentOf(runner), ...job.variables.filter((one) => one.public).map(variableOf)],
    steps: [...(refusal === undefined ? [] : [refusal]), ...jobSteps(job, runner)],
    source: { kind: 'repository', repository: repositoryOf(job, runner) },
    projectPath: clone !== undefined && 'path' in clone ? clone.path : path,
    dependencies: dependenciesOf(job),
    workspaceFrom: [],
    timeoutMs: job.runnerInfo.timeoutSeconds > 0 ? job.runnerInfo.timeoutSeconds * 1000 : defaultTimeoutMs,
  };
  return { spec, job, projectPath: path, secrets: secretsOf(job) };
}

/** Without what would show all commands with their values. */
function quiet(variables: readonly Variable[]): readonly Variable[] {
  return variables.map((variable) =>
    isDebugSwitch(variable.name) ? { name: variable.name, value: 'false' } : variable,
  );
}

/** No environment holds others, and no file's name leads elsewhere. */
function canBe({ key, file }: VariablePayload): boolean {
  if (key === '' || /[=\0]/.test(key)) return false;
  return !file || !(key.includes('/') || key === '.' || key === '..');
}

function variableOf({ key, value, file, masked, raw }: VariablePayload): Variable {
  return {
    name: key,
    value,
    ...(raw ? { raw: true } : {}),
    ...(file ? { file: true } : {}),
    ...(masked ? { masked: true } : {}),
  };
}

/** Values that are secret though no variable says so. */
function secretsOf(job: JobPayload): readonly string[] {
  const tokens = [job.token, ...job.dependencies.map(({ token }) => token)];
  const passwords = job.credentials.map(({ password }) => password);
  const inputs = job.inputs.flatMap(({ sensitive, content }) => (sensitive ? [String(content)] : []));
  return [...new Set([...tokens, ...passwords, ...inputs])].filter((text) => text !== '');
}

function projectPath(job: JobPayload): string {
  const told = job.variables.findLast(({ key }) => key === 'CI_PROJECT_PATH')?.value;
  const path = pathParts(job.jobInfo.projectFullPath || told || '').join('/');
  return path || `project-${job.jobInfo.projectId}`;
}

function repositoryOf(
  job: JobPayload,
  { cloneUrl }: RunnerEntry,
): Extract<JobSpec['source'], { kind: 'repository' }>['repository'] {
  const { gitInfo, allowGitFetch } = job;
  return {
    url: cloneUrl === undefined ? gitInfo.repoUrl : withHost(gitInfo.repoUrl, cloneUrl),
    sha: gitInfo.sha,
    ref: gitInfo.ref,
    refspecs: gitInfo.refspecs,
    depth: gitInfo.depth,
    objectFormat: gitInfo.repoObjectFormat === 'sha256' ? 'sha256' : 'sha1',
    strategy: allowGitFetch ? 'fetch' : 'clone',
  };
}

/** `clone_url` takes the place of the server's address; login and path stay. */
function withHost(repoUrl: string, cloneUrl: string): string {
  if (!URL.canParse(repoUrl) || !URL.canParse(cloneUrl)) return repoUrl;
  const from = new URL(repoUrl);
  const to = new URL(cloneUrl);
  to.username = from.username;
  to.password = from.password;
  to.pathname = `${to.pathname.replace(/\/+$/, '')}${from.pathname}`;
  return to.href;
}

function dependenciesOf({ dependencies }: JobPayload): readonly Dependency[] {
  return dependencies
    .filter(({ artifactsFile }) => artifactsFile !== undefined)
    .map(({ id, name }) => ({ id: String(id), name, number: id }));
}

function defaultImage({ docker, executor }: RunnerEntry): Image | undefined {
  if (executor !== 'docker' || docker?.image === undefined) return undefined;
  return { name: docker.image, span: nowhere };
}

function imageOf(image: ImagePayload, runner: RunnerEntry): Image {
  const { entrypoint, docker } = image;
  const policies = image.pullPolicy.filter(isPolicy);
  const mayOverride = runner.docker?.disableEntrypointOverwrite !== true;
  return {
    name: image.name,
    span: nowhere,
    ...(entrypoint.length > 0 && mayOverride ? { entrypoint } : {}),
    ...(policies.length === 0 ? {} : { pullPolicy: policies }),
    ...(docker.platform === '' ? {} : { platform: docker.platform }),
    ...(docker.user === '' ? {} : { user: docker.user }),
  };
}

function isPolicy(word: string): word is PullPolicy {
  return word === 'always' || word === 'if-not-present' || word === 'never';
}

function serviceOf(service: ImagePayload, runner: RunnerEntry): Service {
  return {
    ...imageOf(service, runner),
    aliases: service.alias.split(/[\s,]+/).filter((alias) => alias !== ''),
    ...(service.command.length === 0 ? {} : { command: service.command }),
    variables: service.variables.map((variable) => ({ ...variableOf(variable), span: nowhere })),
  };
}

/** `[[runners.docker.services]]` */
function ownService({ name, alias, command, entrypoint, environment }: RunnerService, runner: RunnerEntry): Service {
  return {
    name,
    span: nowhere,
    aliases: (alias ?? '').split(/[\s,]+/).filter((one) => one !== ''),
    ...(command.length === 0 ? {} : { command }),
    ...(entrypoint.length === 0 ? {} : { entrypoint }),
    variables: environmentOf({ ...runner, environment }).map((variable) => ({ ...variable, span: nowhere })),
  };
}
