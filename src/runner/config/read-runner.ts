import { present } from '../../util/present.ts';
import { readCache } from './read-cache.ts';
import { readDocker } from './read-docker.ts';
import { readExecutor } from './read-executor.ts';
import { readFeatureFlags } from './read-feature-flags.ts';
import { readSsh } from './read-ssh.ts';
import type { ConfigGiven, RunnerEntry } from './runner-config.ts';
import { above0, type TomlFields } from './toml-fields.ts';

/** Reads one `[[runners]]`. */
export function readRunner(fields: TomlFields, index: number, given: ConfigGiven): RunnerEntry {
  const { variables } = given;
  const docker = fields.table('docker');
  const ssh = fields.table('ssh');
  const entry: RunnerEntry = {
    index,
    name: fields.text('name') ?? '',
    url: expanded(fields.text('url') ?? '', variables),
    id: fields.integer('id') ?? 0,
    token: expanded(fields.text('token') ?? '', variables),
    executor: readExecutor(fields),
    tls: present({
      caFile: fields.filled('tls-ca-file'),
      certFile: fields.filled('tls-cert-file'),
      keyFile: fields.filled('tls-key-file'),
    }),
    environment: fields.texts('environment'),
    scripts: readScripts(fields),
    ...readLimits(fields),
    debugTraceDisabled: fields.boolean('debug_trace_disabled') ?? false,
    featureFlags: readFeatureFlags(fields),
    labels: fields.textMap('labels'),
    artifact: readArtifact(fields.table('artifact')),
    cache: readCache(fields.table('cache')),
    ...present({
      tokenObtainedAt: fields.date('token_obtained_at'),
      tokenExpiresAt: fields.date('token_expires_at'),
      shell: shellOf(fields),
      buildsDir: fields.filled('builds_dir'),
      cacheDir: fields.filled('cache_dir'),
      cloneUrl: fields.filled('clone_url'),
      docker: docker === undefined ? undefined : readDocker(docker, given),
      ssh: ssh === undefined ? undefined : readSsh(ssh),
    }),
  };
  readUnsupported(fields);
  fields.rest();
  return entry;
}

/** Keys that mean something to GitLab Runner and nothing here, with what follows from that. */
const unsupported: Readonly<Record<string, string>> = {
  prepare_timeout: "does nothing: the job's own timeout counts",
  get_sources_timeout: "does nothing: the job's own timeout counts",
  safe_directory_checkout: 'does nothing: sources are fetched beside the job, and always belong to who runs it',
  clean_git_config: 'does nothing: the git configuration that a job sees is always made anew',
  proxy_exec: 'does nothing: scripts are started directly',
  step_runner_image: 'does nothing: `run:` of functions is not supported',
  use_slot_cgroups: 'does nothing: use `cgroup_parent` below [runners.docker]',
  slot_cgroup_template: 'does nothing: use `cgroup_parent` below [runners.docker]',
  referees: 'does nothing: nothing is asked for metrics of jobs',
  monitoring: 'does nothing: `listen_address` has the metrics',
  experimental: 'does nothing',
};

function readUnsupported(fields: TomlFields): void {
  for (const [key, why] of Object.entries(unsupported)) fields.unused([key], why);
  const buildDir = fields.table('custom_build_dir');
  buildDir?.unused(
    ['enabled'],
    'does nothing: jobs may always set `GIT_CLONE_PATH`, since each has a builds directory of its own',
  );
  buildDir?.rest();
}

/** Scripts run in bash, or sh where there is none. */
function shellOf(fields: TomlFields): string | undefined {
  const shell = fields.filled('shell');
  if (shell === undefined || shell === 'bash' || shell === 'sh') return shell;
  fields.problem('shell', 'warning', `can't be "${shell}": scripts run in bash, or sh where there is none`);
  return undefined;
}

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
    outputLimitBytes: above0(fields.integer('output_limit'), 4096) * 1024,
    requestConcurrency: Math.max(1, fields.integer('request_concurrency') ?? 1),
    strictCheckInterval: fields.boolean('strict_check_interval') ?? false,
    unhealthyRequestsLimit: above0(fields.integer('unhealthy_requests_limit'), 3),
    unhealthyIntervalMs: above0(fields.durationMs('unhealthy_interval'), 3_600_000),
    finalUpdateRetryLimit: above0(fields.integer('job_status_final_update_retry_limit'), 10),
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
    uploadTimeoutMs: above0(fields?.durationMs('upload_timeout'), 3_600_000),
    responseHeaderTimeoutMs: above0(fields?.durationMs('response_header_timeout'), 600_000),
  };
  fields?.rest();
  return artifact;
}

/** `$NAME` and `${NAME}`; an unknown one is empty, as with GitLab Runner. */
function expanded(text: string, variables: Readonly<Record<string, string | undefined>>): string {
  return text.replace(
    /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g,
    (_, braced: string, bare: string) => variables[braced ?? bare] ?? '',
  );
}
