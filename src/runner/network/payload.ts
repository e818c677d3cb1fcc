/** Token and number of a job: what its own calls to the server are made with. */
export interface JobCredentials {
  readonly id: number;
  readonly token: string;
}

/**
 * A job as `POST /jobs/request` hands it out, decoded and nothing more: what was absent or null has its zero value
 * (0, '', false, an empty list), keys that nobody knows are dropped. What it means is for who maps it to a `JobSpec`.
 */
export interface JobPayload extends JobCredentials {
  /** Default strategy of git: `fetch` when true, else `clone`. */
  readonly allowGitFetch: boolean;
  readonly jobInfo: JobInfo;
  readonly gitInfo: GitInfo;
  readonly runnerInfo: RunnerInfoPayload;
  /** In the server's order; of two with one name the later wins. */
  readonly variables: readonly VariablePayload[];
  readonly inputs: readonly InputPayload[];
  readonly steps: readonly StepPayload[];
  readonly image: ImagePayload | undefined;
  readonly services: readonly ImagePayload[];
  readonly artifacts: readonly ArtifactPayload[];
  readonly cache: readonly CachePayload[];
  readonly credentials: readonly CredentialPayload[];
  readonly dependencies: readonly DependencyPayload[];
  readonly features: JobFeatures;
  readonly secrets: readonly SecretPayload[];
  readonly hooks: readonly HookPayload[];
  /** JSON text of a list of steps; there are no `steps` then. '' : none. */
  readonly run: string;
  readonly policyOptions: PolicyOptions;
}

/** `job_info`. */
export interface JobInfo {
  readonly name: string;
  readonly stage: string;
  readonly pipelineId: number;
  readonly projectId: number;
  readonly projectName: string;
  readonly projectFullPath: string;
  readonly namespaceId: number;
  readonly rootNamespaceId: number;
  readonly organizationId: number;
  readonly instanceId: string;
  readonly instanceUuid: string;
  readonly userId: number;
  readonly scopedUserId: number | undefined;
  readonly timeInQueueSeconds: number;
  /** "0".."N", "N+" or "+Inf". */
  readonly projectJobsRunningOnInstanceRunnersCount: string;
  readonly queueSize: number;
  readonly queueDepth: number;
}

/** `git_info`. */
export interface GitInfo {
  /** With `gitlab-ci-token:TOKEN@` in it: never for a log, see `withoutLogin`. */
  readonly repoUrl: string;
  /** '' means sha1. */
  readonly repoObjectFormat: string;
  readonly ref: string;
  readonly sha: string;
  readonly beforeSha: string;
  /** `branch` or `tag`. */
  readonly refType: string;
  readonly refspecs: readonly string[];
  /** 0: all of the history. */
  readonly depth: number;
  /** Undefined: the first `CI_COMMIT_REF_PROTECTED` of the variables tells. */
  readonly protected: boolean | undefined;
}

/** `runner_info`. */
export interface RunnerInfoPayload {
  readonly uuid: string;
  /** Seconds; 0 or less: the reference takes 7200. */
  readonly timeoutSeconds: number;
  readonly sessionUrl: string;
}

/** One of `variables`. */
export interface VariablePayload {
  readonly key: string;
  readonly value: string;
  readonly public: boolean;
  readonly file: boolean;
  readonly masked: boolean;
  /** Not expanded. */
  readonly raw: boolean;
}

/** One of `inputs`: only sent to who says `job_inputs`. */
export interface InputPayload {
  readonly key: string;
  readonly type: string;
  readonly content: unknown;
  /** Must not show in the log. */
  readonly sensitive: boolean;
}

/** One of `steps`. */
export interface StepPayload {
  readonly name: string;
  readonly script: readonly string[];
  readonly timeoutSeconds: number;
  readonly when: string;
  readonly allowFailure: boolean;
}

/** `image`, or one of `services`. */
export interface ImagePayload {
  readonly name: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** A list, divided by blanks or commas. */
  readonly alias: string;
  readonly ports: readonly PortPayload[];
  readonly pullPolicy: readonly string[];
  readonly variables: readonly VariablePayload[];
  readonly docker: { readonly platform: string; readonly user: string };
  readonly kubernetes: { readonly user: string };
  /** Keys of `executor_opts` that nobody knows, such as `docker.blammo`: the job has to fail, see `unsupportedOptions`. */
  readonly unknownOptions: readonly string[];
}

/** One of an image's `ports`. */
export interface PortPayload {
  readonly number: number;
  readonly protocol: string;
  readonly name: string;
}

/** One of `artifacts`: the archive, or a report. */
export interface ArtifactPayload {
  /** '' : `default`. */
  readonly name: string;
  readonly untracked: boolean;
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  readonly when: string;
  readonly expireIn: string;
  /** `archive`, `junit`, … */
  readonly type: string;
  /** `zip`, `gzip`, `raw`. */
  readonly format: string;
}

/** One of `cache`. */
export interface CachePayload {
  readonly key: string;
  readonly untracked: boolean;
  readonly paths: readonly string[];
  /** May hold variables. '' : pull-push. */
  readonly policy: string;
  /** '' : on_success. */
  readonly when: string;
  readonly fallbackKeys: readonly string[];
}

/** One of `credentials`. */
export interface CredentialPayload {
  readonly type: string;
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** One of `dependencies`: a job whose artifacts are wanted, with the token to fetch them by. */
export interface DependencyPayload extends JobCredentials {
  readonly name: string;
  /** Undefined: it has no archive, and is passed over. */
  readonly artifactsFile: { readonly filename: string; readonly size: number } | undefined;
}

/** `features`: what the server can do. */
export interface JobFeatures {
  readonly traceSections: boolean;
  readonly tokenMaskPrefixes: readonly string[];
  readonly failureReasons: readonly string[];
}

/** One of `secrets`. */
export interface SecretPayload {
  readonly name: string;
  /** Default true: the variable holds a file's path. */
  readonly file: boolean;
  /** `vault`, `gcp_secret_manager`, … with what they were given. */
  readonly providers: Readonly<Record<string, unknown>>;
}

/** One of `hooks`. */
export interface HookPayload {
  readonly name: string;
  readonly script: readonly string[];
}

/** `policy_options`. */
export interface PolicyOptions {
  readonly executionPolicyJob: boolean;
  readonly policyName: string;
  readonly variablesOverrideAllowed: boolean | undefined;
  readonly variablesOverrideExceptions: readonly string[];
}

/** What is wrong with the options of a job for executors, one line for its log; undefined: nothing. Such a job fails. */
export function unsupportedOptions(job: Pick<JobPayload, 'image' | 'services'>): string | undefined {
  const wrong = [...(job.image === undefined ? [] : [{ what: 'image', ...job.image }]), ...servicesOf(job)]
    .filter(({ unknownOptions }) => unknownOptions.length > 0)
    .map(({ what, name, unknownOptions }) => `${what} ${name}: ${unknownOptions.join(', ')}`);
  return wrong.length === 0 ? undefined : `unsupported executor options (${wrong.join('; ')})`;
}

function servicesOf(job: Pick<JobPayload, 'services'>): readonly ({ readonly what: string } & ImagePayload)[] {
  return job.services.map((service) => ({ what: 'service', ...service }));
}

/** An address as a log may show it: without user and password. */
export function withoutLogin(url: string): string {
  return url.replace(/^([a-z][a-z\d+.-]*:\/\/)[^/@]*@/i, '$1');
}
