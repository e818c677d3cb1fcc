/**
 * What becomes of every predefined variable of GitLab here, for the documentation and the tests: nothing is left out
 * silently. Source of names and phases: https://docs.gitlab.com/ci/variables/predefined_variables/
 */
export interface PredefinedFact {
  /** Since when it is there: before files are included, when rules are judged, or only in jobs. */
  readonly phase: 'before' | 'pipeline' | 'job';
  /** `real`: true of your machine. `simulated`: a value that fits. `absent`: never set by us. */
  readonly state: 'real' | 'simulated' | 'absent';
  /** What the value is, or why there is none. */
  readonly how: string;
  /** Who sets it; absent for what is not set. */
  readonly by?: 'context' | 'plan' | 'job';
  /** Only there for this kind of pipeline or job. */
  readonly only?: Only;
}

type Only = 'branch' | 'tag' | 'merge request' | 'schedule' | 'trigger' | JobKind;
type JobKind = 'environment' | 'environment with url' | 'parallel' | 'manual' | 'image' | 'docker' | 'shell';
type Phase = PredefinedFact['phase'];
type Setter = NonNullable<PredefinedFact['by']>;

const fact = (state: 'real' | 'simulated') => (by: Setter, phase: Phase, how: string, only?: Only) =>
  ({ phase, state, how, by, ...(only === undefined ? {} : { only }) }) satisfies PredefinedFact;
const real = fact('real');
const simulated = fact('simulated');
const absent = (phase: Phase, how: string): PredefinedFact => ({ phase, state: 'absent', how });

const server = 'from the URL of the remote; `gitlab.com` without one';
const noToken = 'there is no server to give it; pass your own with `--secret`';
const noServer = 'a setting of a server';
const never = 'never the case on a laptop';
const mergeRequest = 'merge request' as const;
const mr = (how: string) => simulated('context', 'before', how, mergeRequest);
const mrReal = (how: string) => real('context', 'before', how, mergeRequest);

const commit = {
  CI_COMMIT_AUTHOR: real('context', 'before', 'of HEAD, `Name <email>`'),
  CI_COMMIT_BEFORE_SHA: real(
    'context',
    'before',
    'pushes to a branch: where `origin/BRANCH` stands, else the parent of HEAD; zeros for all else',
  ),
  CI_COMMIT_BRANCH: real('context', 'before', 'the branch you are on, or `--branch`', 'branch'),
  CI_COMMIT_DESCRIPTION: real('context', 'before', 'the message without its first line, if that is short'),
  CI_COMMIT_MESSAGE: real('context', 'before', 'of HEAD'),
  CI_COMMIT_MESSAGE_IS_TRUNCATED: real('context', 'before', '`true` beyond 100,000 bytes'),
  CI_COMMIT_REF_NAME: real('context', 'before', 'branch or tag; source branch of a merge request'),
  CI_COMMIT_REF_PROTECTED: simulated('context', 'before', '`true` for pipelines of the default branch'),
  CI_COMMIT_REF_SLUG: real('context', 'before', '`CI_COMMIT_REF_NAME` for use in addresses'),
  CI_COMMIT_SHA: real('context', 'before', 'of HEAD; what you have not committed is in the job all the same'),
  CI_COMMIT_SHORT_SHA: real('context', 'before', 'its first eight characters'),
  CI_COMMIT_TAG: real('context', 'before', '`--tag`, or the newest tag at HEAD', 'tag'),
  CI_COMMIT_TAG_MESSAGE: real('context', 'before', 'of an annotated tag', 'tag'),
  CI_COMMIT_TIMESTAMP: real('context', 'before', 'of HEAD'),
  CI_COMMIT_TITLE: real('context', 'before', 'first line of the message'),
  CI_DEFAULT_BRANCH: real('context', 'before', 'of `origin`; else `main` or `master` if there is one'),
  CI_DEFAULT_BRANCH_SLUG: real('context', 'before', 'the same for use in addresses'),
  CI_OPEN_MERGE_REQUESTS: simulated('context', 'before', 'the merge request itself', mergeRequest),
} as const;

const mergeRequests = {
  CI_MERGE_REQUEST_APPROVED: mr('`false`'),
  CI_MERGE_REQUEST_ASSIGNEES: absent('before', 'nobody is assigned; pass it with `--var`'),
  CI_MERGE_REQUEST_DESCRIPTION: mr('empty'),
  CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED: mr('`false`'),
  CI_MERGE_REQUEST_DIFF_BASE_SHA: mrReal('merge base with the target branch'),
  CI_MERGE_REQUEST_DIFF_ID: mr('`1`'),
  CI_MERGE_REQUEST_DRAFT: mr('`true` if the title starts with `Draft:`'),
  CI_MERGE_REQUEST_EVENT_TYPE: mr('`detached`'),
  CI_MERGE_REQUEST_ID: mr('`1`'),
  CI_MERGE_REQUEST_IID: mr('`1`'),
  CI_MERGE_REQUEST_LABELS: absent('before', 'there are no labels; pass them with `--var`'),
  CI_MERGE_REQUEST_MILESTONE: absent('before', 'there is no milestone; pass it with `--var`'),
  CI_MERGE_REQUEST_PROJECT_ID: mr('`1`'),
  CI_MERGE_REQUEST_PROJECT_PATH: mrReal('the project itself'),
  CI_MERGE_REQUEST_PROJECT_URL: mrReal('the project itself'),
  CI_MERGE_REQUEST_REF_PATH: mr('`refs/merge-requests/1/head`'),
  CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: mrReal('the branch you are on, or `--branch`'),
  CI_MERGE_REQUEST_SOURCE_BRANCH_PROTECTED: mr('`true` for the default branch'),
  CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: mr('empty, as in every pipeline that is not of merged results'),
  CI_MERGE_REQUEST_SOURCE_PROJECT_ID: mr('`1`'),
  CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: mrReal('the project itself'),
  CI_MERGE_REQUEST_SOURCE_PROJECT_URL: mrReal('the project itself'),
  CI_MERGE_REQUEST_SQUASH_ON_MERGE: mr('`false`'),
  CI_MERGE_REQUEST_TARGET_BRANCH_NAME: mrReal('`--target-branch`, or the default branch'),
  CI_MERGE_REQUEST_TARGET_BRANCH_PROTECTED: mr('`true` for the default branch'),
  CI_MERGE_REQUEST_TARGET_BRANCH_SHA: mr('empty, as in every pipeline that is not of merged results'),
  CI_MERGE_REQUEST_TITLE: mr('first line of the message of HEAD'),
} as const;

const pipeline = {
  CHAT_CHANNEL: absent('pipeline', 'no pipeline is started from a chat'),
  CHAT_INPUT: absent('pipeline', 'no pipeline is started from a chat'),
  CHAT_USER_ID: absent('pipeline', 'no pipeline is started from a chat'),
  CI: real('context', 'before', '`true`'),
  CI_CONFIG_PATH: real('context', 'before', 'the pipeline file'),
  CI_DEBUG_SERVICES: absent('pipeline', 'set it yourself to see the logs of services'),
  CI_DEBUG_TRACE: absent('pipeline', 'set it yourself to see every command'),
  CI_DEPLOY_FREEZE: absent('before', never),
  CI_GITLAB_FIPS_MODE: absent('before', never),
  CI_HAS_OPEN_REQUIREMENTS: absent('pipeline', never),
  CI_KUBERNETES_ACTIVE: absent('before', 'there is no cluster'),
  CI_PIPELINE_CREATED_AT: real('context', 'before', 'when the run began'),
  CI_PIPELINE_ID: real('context', 'job', 'the id of the run'),
  CI_PIPELINE_IID: real('context', 'pipeline', '`1` in rules; in jobs the id of the run'),
  CI_PIPELINE_NAME: real('plan', 'pipeline', '`workflow:name`, where there is one'),
  CI_PIPELINE_SCHEDULE_DESCRIPTION: simulated('context', 'before', '`Simulated schedule`', 'schedule'),
  CI_PIPELINE_SOURCE: simulated('context', 'before', 'by `--event`'),
  CI_PIPELINE_TRIGGERED: simulated('context', 'pipeline', '`true`', 'trigger'),
  CI_PIPELINE_URL: simulated('context', 'job', 'the address that it would have'),
  CI_RELEASE_DESCRIPTION: absent('pipeline', 'the tag has no release here'),
  CI_TRIGGER_SHORT_TOKEN: simulated('context', 'job', '`0000`', 'trigger'),
  GITLAB_CI: real('context', 'before', '`true`: the file is run as on GitLab'),
  GITLAB_USER_EMAIL: real('context', 'pipeline', "`user.email` of git's configuration"),
  GITLAB_USER_ID: simulated('context', 'pipeline', '`1`'),
  GITLAB_USER_LOGIN: real('context', 'pipeline', 'your login on this machine'),
  GITLAB_USER_NAME: real('context', 'pipeline', "`user.name` of git's configuration"),
  TRIGGER_PAYLOAD: absent('pipeline', 'no pipeline is started by a webhook'),
} as const;

const project = {
  CI_API_GRAPHQL_URL: real('context', 'before', server),
  CI_API_V4_URL: real('context', 'before', server),
  CI_DEPENDENCY_PROXY_DIRECT_GROUP_IMAGE_PREFIX: simulated('context', 'before', '`docker.io`: there is no proxy'),
  CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX: simulated('context', 'before', '`docker.io`: there is no proxy'),
  CI_DEPENDENCY_PROXY_PASSWORD: absent('pipeline', noToken),
  CI_DEPENDENCY_PROXY_SERVER: simulated('context', 'before', '`docker.io`: there is no proxy'),
  CI_DEPENDENCY_PROXY_USER: absent('pipeline', noToken),
  CI_PAGES_DOMAIN: simulated('context', 'before', '`gitlab.io`, or `pages.` before the host'),
  CI_PAGES_URL: simulated('context', 'before', 'the address that it would have'),
  CI_PROJECT_CLASSIFICATION_LABEL: simulated('context', 'before', 'empty'),
  CI_PROJECT_DESCRIPTION: simulated('context', 'before', 'empty'),
  CI_PROJECT_ID: simulated('context', 'before', '`1`'),
  CI_PROJECT_NAME: real('context', 'before', 'from the URL of the remote, else the name of the folder'),
  CI_PROJECT_NAMESPACE: real('context', 'before', 'from the URL of the remote, else `local`'),
  CI_PROJECT_NAMESPACE_ID: simulated('context', 'before', '`1`'),
  CI_PROJECT_NAMESPACE_SLUG: real('context', 'before', 'the same for use in addresses'),
  CI_PROJECT_PATH: real('context', 'before', 'namespace and name'),
  CI_PROJECT_PATH_SLUG: real('context', 'before', 'the same for use in addresses'),
  CI_PROJECT_REPOSITORY_LANGUAGES: simulated('context', 'before', 'empty'),
  CI_PROJECT_ROOT_NAMESPACE: real('context', 'before', 'first part of the namespace'),
  CI_PROJECT_TITLE: simulated('context', 'before', 'the name'),
  CI_PROJECT_TOPICS: simulated('context', 'before', 'empty'),
  CI_PROJECT_URL: real('context', 'before', server),
  CI_PROJECT_VISIBILITY: simulated('context', 'before', '`private`'),
  CI_REGISTRY: simulated('context', 'before', '`registry.` before the host'),
  CI_REGISTRY_IMAGE: simulated('context', 'before', 'the registry and the path of the project'),
  CI_REGISTRY_PASSWORD: absent('job', noToken),
  CI_REGISTRY_USER: absent('job', noToken),
  CI_REPOSITORY_URL: real('context', 'job', 'the remote without login, else the path of the repository'),
  CI_SERVER: real('context', 'job', '`yes`'),
  CI_SERVER_FQDN: real('context', 'before', server),
  CI_SERVER_HOST: real('context', 'before', server),
  CI_SERVER_NAME: simulated('context', 'before', '`GitLab`'),
  CI_SERVER_PORT: real('context', 'before', server),
  CI_SERVER_PROTOCOL: real('context', 'before', server),
  CI_SERVER_REVISION: simulated('context', 'before', 'zeros'),
  CI_SERVER_SHELL_SSH_HOST: real('context', 'before', server),
  CI_SERVER_SHELL_SSH_PORT: simulated('context', 'before', '`22`'),
  CI_SERVER_TLS_CA_FILE: absent('pipeline', noServer),
  CI_SERVER_TLS_CERT_FILE: absent('pipeline', noServer),
  CI_SERVER_TLS_KEY_FILE: absent('pipeline', noServer),
  CI_SERVER_URL: real('context', 'before', server),
  CI_SERVER_VERSION: simulated('context', 'before', 'the version of GitLab whose ways are followed'),
  CI_SERVER_VERSION_MAJOR: simulated('context', 'before', 'the same in parts'),
  CI_SERVER_VERSION_MINOR: simulated('context', 'before', 'the same in parts'),
  CI_SERVER_VERSION_PATCH: simulated('context', 'before', 'the same in parts'),
  CI_TEMPLATE_REGISTRY_HOST: simulated('context', 'before', '`registry.gitlab.com`'),
  GITLAB_FEATURES: simulated('context', 'before', 'empty'),
} as const;

const job = {
  CI_BUILDS_DIR: real('job', 'job', 'the folder above the project'),
  CI_CONCURRENT_ID: real('context', 'job', 'which of the jobs at once it is'),
  CI_CONCURRENT_PROJECT_ID: real('context', 'job', 'the same'),
  CI_DEPLOY_PASSWORD: absent('job', noToken),
  CI_DEPLOY_USER: absent('job', noToken),
  CI_DISPOSABLE_ENVIRONMENT: real('job', 'job', '`true` in a container', 'docker'),
  CI_ENVIRONMENT_ACTION: real('plan', 'pipeline', 'of `environment`', 'environment'),
  CI_ENVIRONMENT_NAME: real('plan', 'pipeline', 'of `environment`', 'environment'),
  CI_ENVIRONMENT_SLUG: real('plan', 'job', 'the name for use in addresses', 'environment'),
  CI_ENVIRONMENT_TIER: real('plan', 'pipeline', '`deployment_tier`, or guessed from the name', 'environment'),
  CI_ENVIRONMENT_URL: real('plan', 'pipeline', 'of `environment`', 'environment with url'),
  CI_JOB_GROUP_NAME: real('plan', 'pipeline', 'the name in the file, without numbers of `parallel`'),
  CI_JOB_ID: real('plan', 'job', 'a number, another one for each try'),
  CI_JOB_IMAGE: real('plan', 'job', 'name of the image', 'image'),
  CI_JOB_JWT: absent('job', 'GitLab has done away with it; see `id_tokens`'),
  CI_JOB_JWT_V1: absent('job', 'GitLab has done away with it; see `id_tokens`'),
  CI_JOB_JWT_V2: absent('job', 'GitLab has done away with it; see `id_tokens`'),
  CI_JOB_MANUAL: real('plan', 'pipeline', '`true` with `when: manual` or `delayed`', 'manual'),
  CI_JOB_NAME: real('plan', 'pipeline', 'its name'),
  CI_JOB_NAME_SLUG: real('plan', 'pipeline', 'the same for use in addresses'),
  CI_JOB_STAGE: real('plan', 'pipeline', 'its stage'),
  CI_JOB_STARTED_AT: real('job', 'job', 'when it began'),
  CI_JOB_STATUS: real('job', 'job', 'for `after_script`: `success`, `failed` or `canceled`'),
  CI_JOB_TIMEOUT: real('plan', 'job', 'in seconds'),
  CI_JOB_TOKEN: absent('job', noToken),
  CI_JOB_URL: simulated('plan', 'job', 'the address that it would have'),
  CI_NODE_INDEX: real('plan', 'pipeline', 'its number among those of `parallel`', 'parallel'),
  CI_NODE_TOTAL: real('plan', 'pipeline', 'how many `parallel` makes; else `1`'),
  CI_PROJECT_DIR: real('job', 'job', 'where the project lies in the job'),
  CI_RUNNER_DESCRIPTION: real('context', 'job', '`pipewright`'),
  CI_RUNNER_EXECUTABLE_ARCH: real('context', 'job', 'of this machine'),
  CI_RUNNER_ID: simulated('context', 'job', '`1`'),
  CI_RUNNER_REVISION: real('context', 'job', 'our version'),
  CI_RUNNER_SHORT_TOKEN: simulated('context', 'job', 'zeros'),
  CI_RUNNER_TAGS: simulated('context', 'job', '`[]`: every job is taken, whatever its tags'),
  CI_RUNNER_VERSION: real('context', 'job', 'our version'),
  CI_SHARED_ENVIRONMENT: real('job', 'job', '`true` in the shell', 'shell'),
  KUBECONFIG: absent('pipeline', 'there is no agent for a cluster; pass your own with `--var`'),
} as const;

/** By name, in the groups in which the documentation shows them. */
export const predefinedCatalogue: Readonly<Record<string, Readonly<Record<string, PredefinedFact>>>> = {
  Commits: commit,
  'Merge requests': mergeRequests,
  Pipelines: pipeline,
  'Project and server': project,
  Jobs: job,
};
