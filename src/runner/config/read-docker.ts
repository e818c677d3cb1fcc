import type { PullPolicy } from '../../model/pipeline.ts';
import { present } from '../../util/present.ts';
import type { RunnerDocker, RunnerService } from './runner-config.ts';
import type { TomlFields } from './toml-fields.ts';

const unsupported = [
  'allowed_privileged_images',
  'allowed_privileged_services',
  'allowed_users',
  'cpuset_mems',
  'device_cgroup_rules',
  'enable_ipv6',
  'helper_image_flavor',
  'ipcmode',
  'isolation',
  'links',
  'log_options',
  'mac_address',
  'network_mtu',
  'oom_kill_disable',
  'oom_score_adjust',
  'pid_mode',
  'service_cgroup_parent',
  'service_cpu_shares',
  'service_cpuset_cpus',
  'service_gpus',
  'service_memory_reservation',
  'service_memory_swap',
  'service_slot_cgroup_template',
  'services_devices',
  'services_security_opt',
  'userns_mode',
  'volume_driver',
  'volume_driver_ops',
  'volume_keep',
  'volumes_from',
];

/** Reads `[runners.docker]`. */
export function readDocker(fields: TomlFields): RunnerDocker {
  const pullPolicy = policies(fields, 'pull_policy');
  const allowed = policies(fields, 'allowed_pull_policies');
  const docker: RunnerDocker = {
    ...readEngine(fields),
    ...readLimits(fields),
    ...readPlace(fields),
    pullPolicy: pullPolicy.length === 0 ? ['always'] : pullPolicy,
    allowedImages: fields.texts('allowed_images'),
    allowedServices: fields.texts('allowed_services'),
    services: fields.tables('services').map(readService),
    waitForServicesTimeoutMs: (fields.integer('wait_for_services_timeout') || 30) * 1000,
    ...present({
      allowedPullPolicies: allowed.length === 0 ? undefined : allowed,
      helperImage: fields.filled('helper_image'),
      servicesLimit: withoutAll(fields.integer('services_limit')),
      serviceMemory: fields.filled('service_memory'),
      serviceCpus: fields.filled('service_cpus'),
    }),
  };
  fields.unused(unsupported, 'is not supported and does nothing');
  fields.rest();
  return docker;
}

function readEngine(fields: TomlFields): Pick<RunnerDocker, 'host' | 'image' | 'tlsCertPath' | 'tlsVerify' | 'user'> {
  return {
    tlsVerify: fields.boolean('tls_verify') ?? false,
    ...present({
      host: fields.filled('host'),
      tlsCertPath: fields.filled('tls_cert_path'),
      image: fields.filled('image'),
      user: fields.filled('user'),
    }),
  };
}

function readLimits(
  fields: TomlFields,
): Pick<
  RunnerDocker,
  | 'capAdd'
  | 'capDrop'
  | 'cpuShares'
  | 'devices'
  | 'disableEntrypointOverwrite'
  | 'groupAdd'
  | 'privileged'
  | 'securityOpt'
  | 'shmSize'
  | 'sysctls'
  | 'ulimit'
> {
  return {
    privileged: fields.boolean('privileged') ?? false,
    capAdd: fields.texts('cap_add'),
    capDrop: fields.texts('cap_drop'),
    securityOpt: fields.texts('security_opt'),
    devices: fields.texts('devices'),
    groupAdd: fields.texts('group_add'),
    ulimit: fields.textMap('ulimit'),
    sysctls: fields.textMap('sysctls'),
    cpuShares: fields.integer('cpu_shares') ?? 0,
    shmSize: fields.integer('shm_size') ?? 0,
    disableEntrypointOverwrite: fields.boolean('disable_entrypoint_overwrite') ?? false,
    ...present({
      servicesPrivileged: fields.boolean('services_privileged'),
      runtime: fields.filled('runtime'),
      gpus: fields.filled('gpus'),
      memory: fields.filled('memory'),
      memorySwap: fields.filled('memory_swap'),
      memoryReservation: fields.filled('memory_reservation'),
      cpus: fields.filled('cpus'),
      cpusetCpus: fields.filled('cpuset_cpus'),
      cgroupParent: fields.filled('cgroup_parent'),
    }),
  };
}

function readPlace(
  fields: TomlFields,
): Pick<
  RunnerDocker,
  'containerLabels' | 'disableCache' | 'dns' | 'dnsSearch' | 'extraHosts' | 'servicesTmpfs' | 'tmpfs' | 'volumes'
> {
  return {
    dns: fields.texts('dns'),
    dnsSearch: fields.texts('dns_search'),
    extraHosts: fields.texts('extra_hosts'),
    volumes: fields.texts('volumes'),
    disableCache: fields.boolean('disable_cache') ?? false,
    tmpfs: fields.textMap('tmpfs'),
    servicesTmpfs: fields.textMap('services_tmpfs'),
    containerLabels: fields.textMap('container_labels'),
    ...present({
      hostname: fields.filled('hostname'),
      networkMode: fields.filled('network_mode'),
      cacheDir: fields.filled('cache_dir'),
    }),
  };
}

function policies(fields: TomlFields, key: string): readonly PullPolicy[] {
  return fields.textOrTexts(key).flatMap((written) => {
    if (written === 'always' || written === 'if-not-present' || written === 'never') return [written];
    if (written !== '') fields.problem(key, 'error', `must be always, if-not-present or never, not "${written}"`);
    return [];
  });
}

/** `-1`: any number. */
function withoutAll(limit: number | undefined): number | undefined {
  return limit !== undefined && limit < 0 ? undefined : limit;
}

function readService(fields: TomlFields): RunnerService {
  const service: RunnerService = {
    name: fields.text('name') ?? '',
    command: fields.texts('command'),
    entrypoint: fields.texts('entrypoint'),
    environment: fields.texts('environment'),
    ...present({ alias: fields.filled('alias') }),
  };
  if (service.name === '') fields.problem('name', 'error', 'must name an image');
  fields.rest();
  return service;
}
