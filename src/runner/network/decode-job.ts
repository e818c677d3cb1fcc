import { Fields } from './json-fields.ts';
import type {
  ArtifactPayload,
  CachePayload,
  DependencyPayload,
  GitInfo,
  ImagePayload,
  JobFeatures,
  JobInfo,
  JobPayload,
  PolicyOptions,
  SecretPayload,
  StepPayload,
  VariablePayload,
} from './payload.ts';

/**
 * Decodes the body of a 201 of `POST /jobs/request`.
 * @throws WrongType naming the first field that has another type than the protocol says.
 */
export function decodeJob(body: unknown): JobPayload {
  const fields = Fields.of(body);
  return {
    id: fields.integer('id'),
    token: fields.text('token'),
    allowGitFetch: fields.flag('allow_git_fetch'),
    jobInfo: jobInfo(fields.part('job_info')),
    gitInfo: gitInfo(fields.part('git_info')),
    runnerInfo: runnerInfo(fields.part('runner_info')),
    variables: fields.list('variables', variable),
    inputs: fields.list('inputs', input),
    steps: fields.list('steps', step),
    image: fields.partOrNothing('image', image),
    services: fields.list('services', image),
    artifacts: fields.list('artifacts', artifact),
    cache: fields.list('cache', cache),
    credentials: fields.list('credentials', (credential) => ({
      type: credential.text('type'),
      url: credential.text('url'),
      username: credential.text('username'),
      password: credential.text('password'),
    })),
    dependencies: fields.list('dependencies', dependency),
    features: features(fields.part('features')),
    secrets: secrets(fields.part('secrets')),
    hooks: fields.list('hooks', (hook) => ({ name: hook.text('name'), script: hook.texts('script') })),
    run: fields.text('run'),
    policyOptions: policyOptions(fields.part('policy_options')),
  };
}

function jobInfo(info: Fields): JobInfo {
  return {
    name: info.text('name'),
    stage: info.text('stage'),
    pipelineId: info.integer('pipeline_id'),
    projectId: info.integer('project_id'),
    projectName: info.text('project_name'),
    projectFullPath: info.text('project_full_path'),
    namespaceId: info.integer('namespace_id'),
    rootNamespaceId: info.integer('root_namespace_id'),
    organizationId: info.integer('organization_id'),
    instanceId: info.text('instance_id'),
    instanceUuid: info.text('instance_uuid'),
    userId: info.integer('user_id'),
    scopedUserId: info.any('scoped_user_id') === undefined ? undefined : info.integer('scoped_user_id'),
    timeInQueueSeconds: info.number('time_in_queue_seconds'),
    projectJobsRunningOnInstanceRunnersCount: info.text('project_jobs_running_on_instance_runners_count'),
    queueSize: info.integer('queue_size'),
    queueDepth: info.integer('queue_depth'),
  };
}

function gitInfo(info: Fields): GitInfo {
  return {
    repoUrl: info.text('repo_url'),
    repoObjectFormat: info.text('repo_object_format'),
    ref: info.text('ref'),
    sha: info.text('sha'),
    beforeSha: info.text('before_sha'),
    refType: info.text('ref_type'),
    refspecs: info.texts('refspecs'),
    depth: info.integer('depth'),
    protected: info.flagOrNothing('protected'),
  };
}

function runnerInfo(info: Fields): JobPayload['runnerInfo'] {
  return {
    uuid: info.text('uuid'),
    timeoutSeconds: info.integer('timeout'),
    sessionUrl: info.text('runner_session_url'),
  };
}

function variable(fields: Fields): VariablePayload {
  return {
    key: fields.text('key'),
    value: fields.text('value'),
    public: fields.flag('public'),
    file: fields.flag('file'),
    masked: fields.flag('masked'),
    raw: fields.flag('raw'),
  };
}

function input(fields: Fields): JobPayload['inputs'][number] {
  const value = fields.part('value');
  return {
    key: fields.text('key'),
    type: value.text('type'),
    content: value.any('content'),
    sensitive: value.flag('sensitive'),
  };
}

function step(fields: Fields): StepPayload {
  return {
    name: fields.text('name'),
    script: fields.texts('script'),
    timeoutSeconds: fields.integer('timeout'),
    when: fields.text('when'),
    allowFailure: fields.flag('allow_failure'),
  };
}

function image(fields: Fields): ImagePayload {
  const options = fields.part('executor_opts');
  const docker = options.part('docker');
  const kubernetes = options.part('kubernetes');
  return {
    name: fields.text('name'),
    entrypoint: fields.texts('entrypoint'),
    command: fields.texts('command'),
    alias: fields.text('alias'),
    ports: fields.list('ports', (port) => ({
      number: port.integer('number'),
      protocol: port.text('protocol'),
      name: port.text('name'),
    })),
    pullPolicy: fields.texts('pull_policy'),
    variables: fields.list('variables', variable),
    docker: { platform: docker.text('platform'), user: docker.textOrInteger('user') },
    kubernetes: { user: kubernetes.textOrInteger('user') },
    unknownOptions: [
      ...unknown(options, ['docker', 'kubernetes'], ''),
      ...unknown(docker, ['platform', 'user'], 'docker.'),
      ...unknown(kubernetes, ['user'], 'kubernetes.'),
    ],
  };
}

function unknown(fields: Fields, known: readonly string[], prefix: string): readonly string[] {
  return fields.keys.filter((key) => !known.includes(key)).map((key) => prefix + key);
}

function artifact(fields: Fields): ArtifactPayload {
  return {
    name: fields.text('name'),
    untracked: fields.flag('untracked'),
    paths: fields.texts('paths'),
    exclude: fields.texts('exclude'),
    when: fields.text('when'),
    expireIn: fields.text('expire_in'),
    type: fields.text('artifact_type'),
    format: fields.text('artifact_format'),
  };
}

function cache(fields: Fields): CachePayload {
  return {
    key: fields.text('key'),
    untracked: fields.flag('untracked'),
    paths: fields.texts('paths'),
    policy: fields.text('policy'),
    when: fields.text('when'),
    fallbackKeys: fields.texts('fallback_keys'),
  };
}

function dependency(fields: Fields): DependencyPayload {
  const file = fields.part('artifacts_file');
  const filename = file.text('filename');
  return {
    id: fields.integer('id'),
    name: fields.text('name'),
    token: fields.text('token'),
    artifactsFile: filename === '' ? undefined : { filename, size: file.integer('size') },
  };
}

function features(fields: Fields): JobFeatures {
  return {
    traceSections: fields.flag('trace_sections'),
    tokenMaskPrefixes: fields.texts('token_mask_prefixes'),
    failureReasons: fields.texts('failure_reasons'),
  };
}

function secrets(fields: Fields): readonly SecretPayload[] {
  return fields.keys.map((name) => {
    const secret = fields.part(name);
    const providers = secret.keys.filter((key) => key !== 'file').map((key) => [key, secret.any(key)] as const);
    return {
      name,
      file: secret.flagOrNothing('file') ?? true,
      providers: Object.fromEntries(providers.filter(([, value]) => value !== undefined)),
    };
  });
}

function policyOptions(fields: Fields): PolicyOptions {
  return {
    executionPolicyJob: fields.flag('execution_policy_job'),
    policyName: fields.text('policy_name'),
    variablesOverrideAllowed: fields.flagOrNothing('policy_variables_override_allowed'),
    variablesOverrideExceptions: fields.texts('policy_variables_override_exceptions'),
  };
}
