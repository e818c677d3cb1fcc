import type { GitFacts, PipelineSource, Project } from '../model/context.ts';
import type { Variable } from '../model/variable.ts';
import { slugify } from '../util/slugify.ts';
import { zeroSha } from './gather-git-facts.ts';
import { parseRemote } from './remote-url.ts';

/** What the simulated pipeline is for. */
export type PipelineRef =
  | { readonly kind: 'branch'; readonly name: string }
  | { readonly kind: 'tag'; readonly name: string; readonly message?: string }
  | {
      readonly kind: 'merge-request';
      readonly source: string;
      readonly target: string;
      /** Merge base of the two, if there is one. */
      readonly baseSha?: string;
    }
  /** HEAD is detached and nobody named a branch. */
  | { readonly kind: 'detached'; readonly name: string };

/** Everything that predefined variables are made of; two equal ones give the same variables. */
export interface PredefinedInput {
  readonly source: PipelineSource;
  readonly ref: PipelineRef;
  readonly git: GitFacts;
  readonly project: Project;
  /** The pipeline file relative to the project's root. */
  readonly configPath: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAtMs: number;
  readonly pipelineId: string;
  readonly user: { readonly login: string; readonly name: string; readonly email: string };
  /** This program's version, and the machine's `os/arch` in Go's words (`linux/amd64`). */
  readonly runner: { readonly version: string; readonly arch: string };
}

/** The version of GitLab whose behaviour is followed; templates compare with it. */
export const gitlabVersion = '18.5.0';

/**
 * The `CI_*` family as far as a laptop can know it, the same for all jobs, consistent for the simulated event. All are
 * `raw`: a `$` in a commit message means itself. Not in it: what differs from job to job (`CI_JOB_*`, `CI_NODE_*`,
 * `CI_ENVIRONMENT_*`: added by the plan) and what the executor decides (`CI_PROJECT_DIR`, `CI_BUILDS_DIR`,
 * `CI_JOB_TOKEN`: added when the job runs). Source: https://docs.gitlab.com/ci/variables/predefined_variables/
 */
export function predefinedVariables(input: PredefinedInput): readonly Variable[] {
  const server = serverFacts(input.git.remoteUrl);
  const all: Readonly<Record<string, string | undefined>> = {
    CI: 'true',
    GITLAB_CI: 'true',
    ...serverVariables(server),
    ...projectVariables(input, server),
    ...commitVariables(input),
    ...mergeRequestVariables(input, server),
    ...pipelineVariables(input, server),
    ...runnerVariables(input),
    GITLAB_USER_ID: '1',
    GITLAB_USER_LOGIN: input.user.login,
    GITLAB_USER_NAME: input.user.name,
    GITLAB_USER_EMAIL: input.user.email,
  };
  const variables: Variable[] = [];
  for (const [name, value] of Object.entries(all)) if (value !== undefined) variables.push({ name, value, raw: true });
  return variables;
}

interface Server {
  readonly host: string;
  readonly port: string;
  readonly protocol: 'http' | 'https';
  /** Host with the port where it is not the protocol's own. */
  readonly fqdn: string;
  readonly url: string;
}

function serverFacts(remoteUrl: string | undefined): Server {
  const remote = remoteUrl === undefined ? undefined : parseRemote(remoteUrl);
  const host = remote?.host ?? 'gitlab.com';
  const protocol = remote?.protocol ?? 'https';
  const usual = protocol === 'http' ? '80' : '443';
  const port = remote?.port ?? usual;
  const fqdn = port === usual ? host : `${host}:${port}`;
  return { host, port, protocol, fqdn, url: `${protocol}://${fqdn}` };
}

function serverVariables(server: Server): Readonly<Record<string, string>> {
  const [major, minor, patch] = gitlabVersion.split('.');
  return {
    CI_SERVER: 'yes',
    CI_SERVER_NAME: 'GitLab',
    CI_SERVER_HOST: server.host,
    CI_SERVER_PORT: server.port,
    CI_SERVER_PROTOCOL: server.protocol,
    CI_SERVER_FQDN: server.fqdn,
    CI_SERVER_URL: server.url,
    CI_SERVER_SHELL_SSH_HOST: server.host,
    CI_SERVER_SHELL_SSH_PORT: '22',
    CI_SERVER_VERSION: gitlabVersion,
    CI_SERVER_VERSION_MAJOR: major!,
    CI_SERVER_VERSION_MINOR: minor!,
    CI_SERVER_VERSION_PATCH: patch!,
    CI_SERVER_REVISION: zeroSha.slice(0, 11),
    CI_API_V4_URL: `${server.url}/api/v4`,
    CI_API_GRAPHQL_URL: `${server.url}/api/graphql`,
    CI_TEMPLATE_REGISTRY_HOST: 'registry.gitlab.com',
    // There is no proxy on a laptop; images come from where the proxy would fetch them.
    CI_DEPENDENCY_PROXY_SERVER: 'docker.io',
    CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX: 'docker.io',
    CI_DEPENDENCY_PROXY_DIRECT_GROUP_IMAGE_PREFIX: 'docker.io',
    GITLAB_FEATURES: '',
  };
}

function projectVariables({ git, project }: PredefinedInput, server: Server): Readonly<Record<string, string>> {
  const rootNamespace = project.namespace.split('/')[0]!;
  const below = project.path.slice(rootNamespace.length + 1);
  const pages = server.host === 'gitlab.com' ? 'gitlab.io' : `pages.${server.host}`;
  const registry = `registry.${server.host}`;
  return {
    CI_PROJECT_ID: '1',
    CI_PROJECT_NAME: project.name,
    CI_PROJECT_TITLE: project.name,
    CI_PROJECT_DESCRIPTION: '',
    CI_PROJECT_PATH: project.path,
    CI_PROJECT_PATH_SLUG: slugify(project.path),
    CI_PROJECT_NAMESPACE: project.namespace,
    CI_PROJECT_NAMESPACE_ID: '1',
    CI_PROJECT_NAMESPACE_SLUG: slugify(project.namespace),
    CI_PROJECT_ROOT_NAMESPACE: rootNamespace,
    CI_PROJECT_URL: `${server.url}/${project.path}`,
    CI_PROJECT_VISIBILITY: 'private',
    CI_PROJECT_REPOSITORY_LANGUAGES: '',
    CI_PROJECT_CLASSIFICATION_LABEL: '',
    CI_PROJECT_TOPICS: '',
    CI_REPOSITORY_URL: git.remoteUrl ?? `file://${git.topLevel}`,
    CI_DEFAULT_BRANCH: git.defaultBranch,
    CI_DEFAULT_BRANCH_SLUG: slugify(git.defaultBranch),
    CI_PAGES_DOMAIN: pages,
    CI_PAGES_URL: `https://${rootNamespace}.${pages}/${below}`,
    CI_REGISTRY: registry,
    CI_REGISTRY_IMAGE: `${registry}/${project.path.toLowerCase()}`,
  };
}

/** GitLab cuts longer ones off. Source: lib/gitlab/ci/variables/builder/pipeline.rb */
const maxMessageBytes = 100_000;

function commitVariables({ git, ref, source }: PredefinedInput): Readonly<Record<string, string | undefined>> {
  const name = ref.kind === 'merge-request' ? ref.source : ref.name;
  const bytes = Buffer.from(git.message);
  const truncated = bytes.length > maxMessageBytes;
  // A character that is cut in two is left out.
  const message = truncated
    ? bytes
        .subarray(0, maxMessageBytes)
        .toString()
        .replace(/\uFFFD+$/, '')
    : git.message;
  const title = message.split('\n')[0]!;
  const branch = ref.kind === 'branch' ? ref.name : undefined;
  return {
    CI_COMMIT_SHA: git.sha,
    CI_COMMIT_SHORT_SHA: git.shortSha,
    CI_COMMIT_BEFORE_SHA: source === 'push' && ref.kind === 'branch' ? git.beforeSha : zeroSha,
    CI_COMMIT_REF_NAME: name,
    CI_COMMIT_REF_SLUG: slugify(name),
    CI_COMMIT_REF_PROTECTED: String(branch === git.defaultBranch),
    CI_COMMIT_BRANCH: branch,
    ...(ref.kind === 'tag' ? { CI_COMMIT_TAG: ref.name, CI_COMMIT_TAG_MESSAGE: ref.message ?? '' } : {}),
    CI_COMMIT_MESSAGE: message,
    CI_COMMIT_MESSAGE_IS_TRUNCATED: String(truncated),
    CI_COMMIT_TITLE: title,
    // GitLab leaves the title out of the description only if it is short.
    CI_COMMIT_DESCRIPTION: title.length < 100 ? message.slice(title.length).replace(/^\n+/, '') : message,
    CI_COMMIT_TIMESTAMP: git.timestamp,
    CI_COMMIT_AUTHOR: git.author,
  };
}

function mergeRequestVariables(
  { git, project, ref }: PredefinedInput,
  server: Server,
): Readonly<Record<string, string>> {
  if (ref.kind !== 'merge-request') return {};
  const url = `${server.url}/${project.path}`;
  const title = git.message.split('\n')[0]!;
  return {
    CI_MERGE_REQUEST_ID: '1',
    CI_MERGE_REQUEST_IID: '1',
    CI_MERGE_REQUEST_REF_PATH: 'refs/merge-requests/1/head',
    CI_MERGE_REQUEST_EVENT_TYPE: 'detached',
    CI_MERGE_REQUEST_TITLE: title,
    CI_MERGE_REQUEST_DESCRIPTION: '',
    CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED: 'false',
    CI_MERGE_REQUEST_DRAFT: String(/^(?:\[draft\]|\(draft\)|draft:)/i.test(title)),
    CI_MERGE_REQUEST_SQUASH_ON_MERGE: 'false',
    CI_MERGE_REQUEST_APPROVED: 'false',
    CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: ref.source,
    CI_MERGE_REQUEST_SOURCE_BRANCH_PROTECTED: String(ref.source === git.defaultBranch),
    // Both are empty unless the pipeline runs on the merged result.
    CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: '',
    CI_MERGE_REQUEST_TARGET_BRANCH_SHA: '',
    CI_MERGE_REQUEST_TARGET_BRANCH_NAME: ref.target,
    CI_MERGE_REQUEST_TARGET_BRANCH_PROTECTED: String(ref.target === git.defaultBranch),
    CI_MERGE_REQUEST_DIFF_ID: '1',
    CI_MERGE_REQUEST_DIFF_BASE_SHA: ref.baseSha ?? zeroSha,
    CI_MERGE_REQUEST_PROJECT_ID: '1',
    CI_MERGE_REQUEST_PROJECT_PATH: project.path,
    CI_MERGE_REQUEST_PROJECT_URL: url,
    CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '1',
    CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: project.path,
    CI_MERGE_REQUEST_SOURCE_PROJECT_URL: url,
    CI_OPEN_MERGE_REQUESTS: `${project.path}!1`,
  };
}

function pipelineVariables(input: PredefinedInput, server: Server): Readonly<Record<string, string>> {
  return {
    CI_CONFIG_PATH: input.configPath,
    CI_PIPELINE_ID: input.pipelineId,
    CI_PIPELINE_IID: input.pipelineId,
    CI_PIPELINE_SOURCE: input.source,
    CI_PIPELINE_URL: `${server.url}/${input.project.path}/-/pipelines/${input.pipelineId}`,
    CI_PIPELINE_CREATED_AT: new Date(input.createdAtMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    ...(input.source === 'schedule' ? { CI_PIPELINE_SCHEDULE_DESCRIPTION: 'Simulated schedule' } : {}),
    ...(input.source === 'trigger' ? { CI_PIPELINE_TRIGGERED: 'true', CI_TRIGGER_SHORT_TOKEN: '0000' } : {}),
  };
}

function runnerVariables({ runner }: PredefinedInput): Readonly<Record<string, string>> {
  return {
    CI_RUNNER_ID: '1',
    CI_RUNNER_DESCRIPTION: 'pipewright',
    CI_RUNNER_SHORT_TOKEN: '00000000',
    CI_RUNNER_TAGS: '[]',
    CI_RUNNER_VERSION: runner.version,
    CI_RUNNER_REVISION: runner.version,
    CI_RUNNER_EXECUTABLE_ARCH: runner.arch,
    CI_CONCURRENT_ID: '0',
    CI_CONCURRENT_PROJECT_ID: '0',
  };
}
