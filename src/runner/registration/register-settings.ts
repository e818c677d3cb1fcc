/** A setting of a new runner that can be given on the command line or in the environment. */
export interface RegisterSetting {
  /** Without the dashes: `docker-image`. */
  readonly flag: string;
  /** The variable of the environment that stands for it. */
  readonly variable: string;
  /** Where it goes in `[[runners]]`. */
  readonly path: readonly string[];
  /**
   * `list`: may be given several times. `map`: several times as `KEY=VALUE`, or `KEY:VALUE` as GitLab Runner has it;
   * `flags`: a map of truth values, of which `KEY` alone is true.
   */
  readonly kind: 'text' | 'flag' | 'integer' | 'list' | 'map' | 'flags';
  readonly help: string;
}

const own: readonly RegisterSetting[] = [
  row('shell', 'RUNNER_SHELL', 'text', 'bash or sh'),
  row('builds-dir', 'RUNNER_BUILDS_DIR', 'text', 'where jobs have their sources'),
  row('cache-dir', 'RUNNER_CACHE_DIR', 'text', 'where caches are kept'),
  row('clone-url', 'CLONE_URL', 'text', 'clone from this address instead of the one that the server names'),
  { ...row('env', 'RUNNER_ENV', 'list', 'a variable for all jobs, K=V (repeatable)'), path: ['environment'] },
  row('limit', 'RUNNER_LIMIT', 'integer', 'jobs at once of this runner; 0: as many as `concurrent` says'),
  row('output-limit', 'RUNNER_OUTPUT_LIMIT', 'integer', "size of a job's log, in KiB"),
  row('request-concurrency', 'RUNNER_REQUEST_CONCURRENCY', 'integer', 'questions for a job at once'),
  { ...row('tls-ca-file', 'CI_SERVER_TLS_CA_FILE', 'text', 'certificates to trust, PEM'), path: ['tls-ca-file'] },
  { ...row('tls-cert-file', 'CI_SERVER_TLS_CERT_FILE', 'text', 'own certificate, PEM'), path: ['tls-cert-file'] },
  { ...row('tls-key-file', 'CI_SERVER_TLS_KEY_FILE', 'text', 'its key, PEM'), path: ['tls-key-file'] },
  row('unhealthy-requests-limit', 'RUNNER_UNHEALTHY_REQUESTS_LIMIT', 'integer', 'failed questions before it rests'),
  row('unhealthy-interval', 'RUNNER_UNHEALTHY_INTERVAL', 'text', 'how long it rests, such as 1h'),
  row('debug-trace-disabled', 'RUNNER_DEBUG_TRACE_DISABLED', 'flag', 'jobs may not ask for CI_DEBUG_TRACE'),
  {
    ...row('custom_build_dir-enabled', 'CUSTOM_BUILD_DIR_ENABLED', 'flag', 'kept in the file; it does nothing here'),
    path: ['custom_build_dir', 'enabled'],
  },
  row('feature-flags', 'FEATURE_FLAGS', 'flags', 'FF_NAME:true or FF_NAME:false (repeatable)'),
  row('pre-get-sources-script', 'RUNNER_PRE_GET_SOURCES_SCRIPT', 'text', 'runs before the sources are fetched'),
  row('post-get-sources-script', 'RUNNER_POST_GET_SOURCES_SCRIPT', 'text', 'runs after the sources are fetched'),
  row('pre-build-script', 'RUNNER_PRE_BUILD_SCRIPT', 'text', "runs before the job's script"),
  row('post-build-script', 'RUNNER_POST_BUILD_SCRIPT', 'text', "runs after the job's script"),
];

const docker: readonly RegisterSetting[] = [
  dockerRow('host', 'DOCKER_HOST', 'text', 'address of the engine'),
  {
    ...dockerRow('cert-path', 'DOCKER_CERT_PATH', 'text', 'folder of certificates'),
    path: ['docker', 'tls_cert_path'],
  },
  { ...dockerRow('tlsverify', 'DOCKER_TLS_VERIFY', 'flag', 'check certificates'), path: ['docker', 'tls_verify'] },
  dockerRow('image', 'DOCKER_IMAGE', 'text', 'for jobs that name none'),
  dockerRow('user', 'DOCKER_USER', 'text', 'user in the container'),
  dockerRow('memory', 'DOCKER_MEMORY', 'text', 'such as 512m'),
  dockerRow('cpus', 'DOCKER_CPUS', 'text', 'such as 1.5'),
  dockerRow('network-mode', 'DOCKER_NETWORK_MODE', 'text', 'network of containers'),
  dockerRow('privileged', 'DOCKER_PRIVILEGED', 'flag', 'containers may do all that the machine may'),
  dockerRow('disable-cache', 'DOCKER_DISABLE_CACHE', 'flag', 'keep no volumes between jobs'),
  dockerRow('cache-dir', 'DOCKER_CACHE_DIR', 'text', 'folder of the machine for volumes'),
  dockerRow('volumes', 'DOCKER_VOLUMES', 'list', 'HOST:CONTAINER or a folder to keep (repeatable)'),
  dockerRow('extra-hosts', 'DOCKER_EXTRA_HOSTS', 'list', 'HOST:ADDRESS (repeatable)'),
  dockerRow('dns', 'DOCKER_DNS', 'list', 'a name server (repeatable)'),
  dockerRow('cap-add', 'DOCKER_CAP_ADD', 'list', 'a capability (repeatable)'),
  dockerRow('cap-drop', 'DOCKER_CAP_DROP', 'list', 'a capability (repeatable)'),
  dockerRow('security-opt', 'DOCKER_SECURITY_OPT', 'list', 'a security option (repeatable)'),
  dockerRow('devices', 'DOCKER_DEVICES', 'list', 'a device (repeatable)'),
  dockerRow('gpus', 'DOCKER_GPUS', 'text', 'GPUs'),
  dockerRow('shm-size', 'DOCKER_SHM_SIZE', 'integer', 'bytes of /dev/shm'),
  dockerRow('pull-policy', 'DOCKER_PULL_POLICY', 'list', 'always, if-not-present or never (repeatable)'),
  dockerRow('allowed-images', 'DOCKER_ALLOWED_IMAGES', 'list', 'a pattern of images that jobs may use (repeatable)'),
  dockerRow('allowed-services', 'DOCKER_ALLOWED_SERVICES', 'list', 'the same of services (repeatable)'),
  dockerRow('allowed-pull-policies', 'DOCKER_ALLOWED_PULL_POLICIES', 'list', 'what jobs may ask for (repeatable)'),
  dockerRow('helper-image', 'DOCKER_HELPER_IMAGE', 'text', 'for work beside the job'),
  dockerRow('wait-for-services-timeout', 'DOCKER_WAIT_FOR_SERVICES_TIMEOUT', 'integer', 'seconds'),
  dockerRow('tmpfs', 'DOCKER_TMPFS', 'map', 'FOLDER=OPTIONS (repeatable)'),
  dockerRow('container-labels', 'DOCKER_CONTAINER_LABELS', 'map', 'NAME=VALUE (repeatable)'),
];

const ssh: readonly RegisterSetting[] = [
  sshRow('user', 'SSH_USER', 'user on that machine'),
  sshRow('password', 'SSH_PASSWORD', 'better given as SSH_PASSWORD: other users see command lines'),
  sshRow('host', 'SSH_HOST', 'the machine that jobs run on'),
  sshRow('port', 'SSH_PORT', 'its port'),
  sshRow('identity-file', 'SSH_IDENTITY_FILE', 'the private key'),
  {
    ...sshRow('disable-strict-host-key-checking', 'DISABLE_STRICT_HOST_KEY_CHECKING', "don't check the host's key"),
    kind: 'flag',
  },
  sshRow('known-hosts-file', 'KNOWN_HOSTS_FILE', 'keys of hosts (default: ~/.ssh/known_hosts)'),
];

const cache: readonly RegisterSetting[] = [
  cacheRow('type', 'CACHE_TYPE', ['Type'], 'text', 's3: keep caches in a bucket'),
  cacheRow('path', 'CACHE_PATH', ['Path'], 'text', 'begins the names of objects'),
  cacheRow('shared', 'CACHE_SHARED', ['Shared'], 'flag', 'runners use the same caches'),
  cacheRow('s3-server-address', 'CACHE_S3_SERVER_ADDRESS', ['s3', 'ServerAddress'], 'text', 'HOST[:PORT]'),
  cacheRow('s3-access-key', 'CACHE_S3_ACCESS_KEY', ['s3', 'AccessKey'], 'text', 'better given in the environment'),
  cacheRow('s3-secret-key', 'CACHE_S3_SECRET_KEY', ['s3', 'SecretKey'], 'text', 'better given in the environment'),
  cacheRow('s3-bucket-name', 'CACHE_S3_BUCKET_NAME', ['s3', 'BucketName'], 'text', 'the bucket'),
  cacheRow('s3-bucket-location', 'CACHE_S3_BUCKET_LOCATION', ['s3', 'BucketLocation'], 'text', 'its region'),
  cacheRow('s3-insecure', 'CACHE_S3_INSECURE', ['s3', 'Insecure'], 'flag', 'plain http'),
  cacheRow(
    'max_uploaded_archive_size',
    'CACHE_MAXIMUM_UPLOADED_ARCHIVE_SIZE',
    ['MaxUploadedArchiveSize'],
    'integer',
    'in bytes',
  ),
  cacheRow(
    's3-session-token',
    'CACHE_S3_SESSION_TOKEN',
    ['s3', 'SessionToken'],
    'text',
    'better given in the environment',
  ),
  cacheRow(
    's3-authentication_type',
    'CACHE_S3_AUTHENTICATION_TYPE',
    ['s3', 'AuthenticationType'],
    'text',
    'access-key',
  ),
  cacheRow(
    's3-server-side-encryption',
    'CACHE_S3_SERVER_SIDE_ENCRYPTION',
    ['s3', 'ServerSideEncryption'],
    'text',
    'S3 or KMS',
  ),
  cacheRow(
    's3-server-side-encryption-key-id',
    'CACHE_S3_SERVER_SIDE_ENCRYPTION_KEY_ID',
    ['s3', 'ServerSideEncryptionKeyID'],
    'text',
    'for KMS',
  ),
  cacheRow(
    's3-path-style',
    'CACHE_S3_PATH_STYLE',
    ['s3', 'PathStyle'],
    'flag',
    'the bucket is part of the path, not of the host',
  ),
  cacheRow('s3-accelerate', 'CACHE_S3_ACCELERATE', ['s3', 'Accelerate'], 'flag', 'S3 Transfer Acceleration'),
  cacheRow(
    's3-dual-stack',
    'CACHE_S3_DUAL_STACK',
    ['s3', 'DualStack'],
    'flag',
    'kept in the file; it does nothing here',
  ),
  cacheRow('s3-role-arn', 'CACHE_S3_ROLE_ARN', ['s3', 'RoleARN'], 'text', 'kept in the file; it does nothing here'),
  cacheRow(
    's3-upload-role-arn',
    'CACHE_S3_UPLOAD_ROLE_ARN',
    ['s3', 'UploadRoleARN'],
    'text',
    'kept in the file; it does nothing here',
  ),
];

/** More of containers, by the names of `[runners.docker]`. */
const moreDocker: readonly RegisterSetting[] = [
  dockerRow('hostname', 'DOCKER_HOSTNAME', 'text', 'name of the container as a machine'),
  dockerRow('runtime', 'DOCKER_RUNTIME', 'text', 'runtime of the engine'),
  dockerRow('memory-swap', 'DOCKER_MEMORY_SWAP', 'text', 'memory and swap together'),
  dockerRow('memory-reservation', 'DOCKER_MEMORY_RESERVATION', 'text', 'memory that is kept free for it'),
  dockerRow('cgroup-parent', 'DOCKER_CGROUP_PARENT', 'text', 'control group above it'),
  dockerRow('cpuset-cpus', 'DOCKER_CPUSET_CPUS', 'text', 'such as 0,1'),
  dockerRow('cpuset-mems', 'DOCKER_CPUSET_MEMS', 'text', 'memory nodes, such as 0'),
  dockerRow('cpu-shares', 'DOCKER_CPU_SHARES', 'integer', 'weight among containers'),
  dockerRow('dns-search', 'DOCKER_DNS_SEARCH', 'list', 'a domain to search in (repeatable)'),
  dockerRow('services_privileged', 'DOCKER_SERVICES_PRIVILEGED', 'flag', 'services may do all that the machine may'),
  dockerRow(
    'disable-entrypoint-overwrite',
    'DOCKER_DISABLE_ENTRYPOINT_OVERWRITE',
    'flag',
    'jobs may not change the entrypoint',
  ),
  dockerRow('allowed_users', 'DOCKER_ALLOWED_USERS', 'list', 'a user that jobs may ask for (repeatable)'),
  dockerRow('group-add', 'DOCKER_GROUP_ADD', 'list', 'a further group (repeatable)'),
  { ...dockerRow('userns', 'DOCKER_USERNS_MODE', 'text', 'user namespace'), path: ['docker', 'userns_mode'] },
  dockerRow('oom-kill-disable', 'DOCKER_OOM_KILL_DISABLE', 'flag', 'not ended for want of memory'),
  dockerRow('oom-score-adjust', 'DOCKER_OOM_SCORE_ADJUST', 'integer', 'how soon it is ended for want of memory'),
  dockerRow('services-security-opt', 'DOCKER_SERVICES_SECURITY_OPT', 'list', 'the same of services (repeatable)'),
  dockerRow('device-cgroup-rules', 'DOCKER_DEVICE_CGROUP_RULES', 'list', 'a rule for devices (repeatable)'),
  dockerRow('service_gpus', 'DOCKER_SERVICE_GPUS', 'text', 'GPUs of services'),
  dockerRow('volume-driver', 'DOCKER_VOLUME_DRIVER', 'text', 'driver of volumes'),
  dockerRow('volume-driver-ops', 'DOCKER_VOLUME_DRIVER_OPS', 'map', 'OPTION=VALUE of it (repeatable)'),
  dockerRow('volumes-from', 'DOCKER_VOLUMES_FROM', 'list', 'a container whose volumes it has (repeatable)'),
  dockerRow('ipcmode', 'DOCKER_IPC_MODE', 'text', 'IPC namespace'),
  dockerRow('mac-address', 'DOCKER_MAC_ADDRESS', 'text', 'MAC address'),
  dockerRow('links', 'DOCKER_LINKS', 'list', 'CONTAINER:ALIAS (repeatable)'),
  dockerRow('services-limit', 'DOCKER_SERVICES_LIMIT', 'integer', 'services of a job at most'),
  dockerRow('service-memory', 'DOCKER_SERVICE_MEMORY', 'text', 'memory of a service'),
  dockerRow('service-memory-swap', 'DOCKER_SERVICE_MEMORY_SWAP', 'text', 'its memory and swap together'),
  dockerRow('service-memory-reservation', 'DOCKER_SERVICE_MEMORY_RESERVATION', 'text', 'memory kept free for it'),
  dockerRow('service-cgroup-parent', 'DOCKER_SERVICE_CGROUP_PARENT', 'text', 'control group above services'),
  dockerRow('service-cpuset-cpus', 'DOCKER_SERVICE_CPUSET_CPUS', 'text', 'processors of services'),
  dockerRow('service-cpus', 'DOCKER_SERVICE_CPUS', 'text', 'such as 0.5'),
  dockerRow('service-cpu-shares', 'DOCKER_SERVICE_CPU_SHARES', 'integer', 'weight of services'),
  dockerRow('allowed-privileged-images', 'DOCKER_ALLOWED_PRIVILEGED_IMAGES', 'list', 'that may be privileged'),
  dockerRow('allowed-privileged-services', 'DOCKER_ALLOWED_PRIVILEGED_SERVICES', 'list', 'that may be privileged'),
  dockerRow('services-tmpfs', 'DOCKER_SERVICES_TMPFS', 'map', 'FOLDER=OPTIONS of services (repeatable)'),
  dockerRow('sysctls', 'DOCKER_SYSCTLS', 'map', 'NAME=VALUE (repeatable)'),
  dockerRow('helper-image-flavor', 'DOCKER_HELPER_IMAGE_FLAVOR', 'text', 'kept in the file; it does nothing here'),
  dockerRow('enable-ipv6', 'DOCKER_ENABLE_IPV6', 'flag', 'IPv6 in networks of jobs'),
  dockerRow('ulimit', 'DOCKER_ULIMIT', 'map', 'NAME=SOFT[:HARD] (repeatable)'),
  dockerRow('network-mtu', 'DOCKER_NETWORK_MTU', 'integer', 'MTU of networks of jobs'),
  dockerRow('log-options', 'DOCKER_LOG_OPTIONS', 'map', 'NAME=VALUE of the log driver (repeatable)'),
];

/** All of them, in the order of the help. Source: https://docs.gitlab.com/runner/commands/#gitlab-runner-register */
export const registerSettings: readonly RegisterSetting[] = [...own, ...docker, ...moreDocker, ...ssh, ...cache];

function row(flag: string, variable: string, kind: RegisterSetting['kind'], help: string): RegisterSetting {
  return { flag, variable, kind, help, path: [flag.replaceAll('-', '_')] };
}

function dockerRow(name: string, variable: string, kind: RegisterSetting['kind'], help: string): RegisterSetting {
  return { ...row(`docker-${name}`, variable, kind, help), path: ['docker', name.replaceAll('-', '_')] };
}

function sshRow(name: string, variable: string, help: string): RegisterSetting {
  return { ...row(`ssh-${name}`, variable, 'text', help), path: ['ssh', name.replaceAll('-', '_')] };
}

function cacheRow(
  name: string,
  variable: string,
  path: readonly string[],
  kind: RegisterSetting['kind'],
  help: string,
): RegisterSetting {
  return { ...row(`cache-${name}`, variable, kind, help), path: ['cache', ...path] };
}
