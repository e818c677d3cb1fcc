import { present } from '../../util/present.ts';
import { isKnownExecutor, knownExecutors } from './known-executors.ts';
import { readDocker } from './read-docker.ts';
import type { RunnerCache, RunnerEntry, RunnerSsh, S3Cache } from './runner-config.ts';
import type { TomlFields } from './toml-fields.ts';

const otherExecutors = ['kubernetes', 'machine', 'custom', 'parallels', 'virtualbox', 'instance', 'autoscaler'];

/**
 * Reads one `[[runners]]`.
 * @param variables for `$NAME` in `url` and `token`.
 */
export function readRunner(
  fields: TomlFields,
  index: number,
  variables: Readonly<Record<string, string | undefined>>,
): RunnerEntry {
  const docker = fields.table('docker');
  const ssh = fields.table('ssh');
  const buildDir = fields.table('custom_build_dir');
  const entry: RunnerEntry = {
    index,
    name: fields.text('name') ?? '',
    url: expanded(fields.text('url') ?? '', variables),
    id: fields.integer('id') ?? 0,
    token: expanded(fields.text('token') ?? '', variables),
    executor: fields.text('executor') ?? '',
    tls: present({
      caFile: fields.filled('tls-ca-file'),
      certFile: fields.filled('tls-cert-file'),
      keyFile: fields.filled('tls-key-file'),
    }),
    environment: fields.texts('environment'),
    scripts: readScripts(fields),
    ...readLimits(fields),
    debugTraceDisabled: fields.boolean('debug_trace_disabled') ?? false,
    featureFlags: fields.flagMap('feature_flags'),
    labels: fields.textMap('labels'),
    artifact: readArtifact(fields.table('artifact')),
    cache: readCache(fields.table('cache')),
    ...present({
      tokenObtainedAt: fields.date('token_obtained_at'),
      tokenExpiresAt: fields.date('token_expires_at'),
      shell: fields.filled('shell'),
      buildsDir: fields.filled('builds_dir'),
      cacheDir: fields.filled('cache_dir'),
      cloneUrl: fields.filled('clone_url'),
      prepareTimeoutMs: fields.durationMs('prepare_timeout'),
      getSourcesTimeoutMs: fields.durationMs('get_sources_timeout'),
      customBuildDir: buildDir?.boolean('enabled'),
      docker: docker === undefined ? undefined : readDocker(docker),
      ssh: ssh === undefined ? undefined : readSsh(ssh),
    }),
  };
  if (!isKnownExecutor(entry.executor)) {
    const what = entry.executor === '' ? 'is missing' : `"${entry.executor}" is not supported`;
    const text = `${what}: no jobs are asked for until it is one of ${knownExecutors.join(', ')}`;
    fields.problem('executor', 'warning', text);
  }
  buildDir?.rest();
  fields.unused(otherExecutors, 'belongs to an executor that is not supported');
  fields.unused(unsupported, 'is not supported and does nothing');
  fields.rest();
  return entry;
}

const unsupported = [
  'safe_directory_checkout',
  'clean_git_config',
  'proxy_exec',
  'step_runner_image',
  'use_slot_cgroups',
  'slot_cgroup_template',
  'referees',
  'monitoring',
  'experimental',
];

function readLimits(
  fields: TomlFields,
): Pick<
  RunnerEntry,
  | 'limit'
  | 'outputLimitBytes'
  | 'requestConcurrency'
  | 'strictCheckInterval'
  | 'unhealthyRequestsLimit'
  | 'unhealthyIntervalMs'
  | 'finalUpdateRetryLimit'
> {
  return {
    limit: fields.integer('limit') ?? 0,
    outputLimitBytes: (fields.integer('output_limit') || 4096) * 1024,
    requestConcurrency: Math.max(1, fields.integer('request_concurrency') ?? 1),
    strictCheckInterval: fields.boolean('strict_check_interval') ?? false,
    unhealthyRequestsLimit: fields.integer('unhealthy_requests_limit') || 3,
    unhealthyIntervalMs: fields.durationMs('unhealthy_interval') || 3_600_000,
    finalUpdateRetryLimit: fields.integer('job_status_final_update_retry_limit') || 10,
  };
}

function readScripts(fields: TomlFields): RunnerEntry['scripts'] {
  return present({
    preGetSources: fields.filled('pre_get_sources_script') ?? fields.filled('pre_clone_script'),
    postGetSources: fields.filled('post_get_sources_script') ?? fields.filled('post_clone_script'),
    preBuild: fields.filled('pre_build_script'),
    postBuild: fields.filled('post_build_script'),
  });
}

function readArtifact(fields: TomlFields | undefined): RunnerEntry['artifact'] {
  const artifact = {
    uploadTimeoutMs: fields?.durationMs('upload_timeout') ?? 3_600_000,
    responseHeaderTimeoutMs: fields?.durationMs('response_header_timeout') ?? 600_000,
  };
  fields?.rest();
  return artifact;
}

function readSsh(fields: TomlFields): RunnerSsh {
  const port = Number(fields.filled('port') ?? '22');
  if (!Number.isInteger(port) || port < 1 || port > 65_535) fields.problem('port', 'error', 'must be a port like "22"');
  const ssh: RunnerSsh = {
    host: fields.filled('host') ?? 'localhost',
    port,
    user: fields.filled('user') ?? 'root',
    strictHostKeyChecking: !(fields.boolean('disable_strict_host_key_checking') ?? false),
    ...present({
      password: fields.filled('password'),
      identityFile: fields.filled('identity_file'),
      knownHostsFile: fields.filled('known_hosts_file'),
    }),
  };
  fields.rest();
  return ssh;
}

function readCache(fields: TomlFields | undefined): RunnerCache {
  const s3 = fields?.table('s3');
  const type = fields?.filled('Type');
  if (type !== undefined && type !== 's3') {
    fields?.problem('Type', 'warning', `can't be "${type}" here, only "s3": caches stay on this machine`);
  }
  const values = s3 === undefined ? undefined : readS3(s3);
  const problem = type === 's3' ? s3Problem(values) : undefined;
  if (problem !== undefined) fields?.problem('s3', 'warning', `${problem}: caches stay on this machine`);
  const cache: RunnerCache = {
    path: fields?.text('Path') ?? '',
    shared: fields?.boolean('Shared') ?? false,
    maxUploadedArchiveSize: fields?.integer('MaxUploadedArchiveSize') ?? 0,
    ...present({ type, s3: problem === undefined ? values : undefined }),
  };
  fields?.unused(['gcs', 'azure'], 'is not supported: only "s3" is');
  fields?.rest();
  return cache;
}

/** Why caches can't be kept in a bucket; a clause. */
function s3Problem(s3: S3Cache | undefined): string | undefined {
  if (s3 === undefined || s3.bucketName === '') return 'must have a `BucketName`';
  if (s3.authenticationType === 'iam') return "can't be used with the `AuthenticationType` iam here, only with keys";
  if (s3.accessKey === '' || s3.secretKey === '') return "can't be used without `AccessKey` and `SecretKey` here";
  if (!/^(https?:\/\/)?[\w.-]+(:\d+)?\/*$|^(https?:\/\/)?\[[\da-f:]+\](:\d+)?\/*$/i.test(s3.serverAddress)) {
    return 'must have a `ServerAddress` like "host:port"';
  }
  return undefined;
}

function readS3(fields: TomlFields): S3Cache {
  const s3: S3Cache = {
    serverAddress: fields.filled('ServerAddress') ?? 's3.amazonaws.com',
    accessKey: fields.text('AccessKey') ?? '',
    secretKey: fields.text('SecretKey') ?? '',
    sessionToken: fields.text('SessionToken') ?? '',
    bucketName: fields.text('BucketName') ?? '',
    bucketLocation: fields.text('BucketLocation') ?? '',
    insecure: fields.boolean('Insecure') ?? false,
    ...present({
      authenticationType: fields.filled('AuthenticationType'),
      serverSideEncryption: fields.filled('ServerSideEncryption'),
      serverSideEncryptionKeyId: fields.filled('ServerSideEncryptionKeyID'),
      pathStyle: fields.boolean('PathStyle'),
    }),
  };
  fields.unused(['DualStack', 'Accelerate', 'RoleARN', 'UploadRoleARN'], 'is not supported and does nothing');
  fields.rest();
  return s3;
}

/** `$NAME` and `${NAME}`; an unknown one is empty, as with GitLab Runner. */
function expanded(text: string, variables: Readonly<Record<string, string | undefined>>): string {
  return text.replace(
    /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g,
    (_, braced: string, bare: string) => variables[braced ?? bare] ?? '',
  );
}
