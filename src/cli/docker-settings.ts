import type { ContainerOptions } from '../executors/docker/container-options.ts';
import { didYouMean } from '../util/nearest.ts';
import * as values from './docker-values.ts';

/** One key of `[docker]`. */
interface DockerKey {
  /** What may stand there, for messages. */
  readonly expected: string;
  /** Undefined: it does not fit. */
  read(value: unknown): ContainerOptions | undefined;
  /**
   * What a repository's file makes of the user's own settings: only less. Absent: nothing, since it could let jobs reach
   * beyond their containers.
   */
  readonly tighten?: (own: ContainerOptions, repository: ContainerOptions) => ContainerOptions;
}

function key<K extends keyof ContainerOptions>(
  name: K,
  expected: string,
  read: (value: unknown) => ContainerOptions[K] | undefined,
): DockerKey {
  return {
    expected,
    read: (value) => {
      const found = read(value);
      return found === undefined ? undefined : ({ [name]: found } as ContainerOptions);
    },
  };
}

type NumberName = {
  [K in keyof ContainerOptions]-?: NonNullable<ContainerOptions[K]> extends number ? K : never;
}[keyof ContainerOptions];

/**
 * A number of which a repository may ask for less.
 * @param usual what containers get where nothing is said; absent: any amount.
 */
function limit(
  name: NumberName,
  expected: string,
  read: (value: unknown) => number | undefined,
  usual?: number,
): DockerKey {
  return {
    ...key(name, expected, read),
    tighten: (own, repository) => {
      const [ours, theirs] = [own[name] ?? usual, repository[name]];
      const isLess = theirs !== undefined && (ours === undefined || ours < 0 || (theirs >= 0 && theirs < ours));
      return isLess ? { [name]: theirs } : {};
    },
  };
}

/** Something that a repository may switch on, and not off. */
function strictness(name: 'hardened' | 'readOnly'): DockerKey {
  return {
    ...key(name, 'true or false', values.readBoolean),
    tighten: (_, repository) => (repository[name] ? { [name]: true } : {}),
  };
}

/** The same for services. */
function ofServices({ expected, read, tighten }: DockerKey): DockerKey {
  return {
    expected,
    read: (value) => {
      const services = read(value);
      return services === undefined ? undefined : { services };
    },
    ...(tighten && {
      tighten: (own, repository) => ({ services: tighten(own.services ?? {}, repository.services ?? {}) }),
    }),
  };
}

const size = 'a size like "512m" or "2g", or a number of bytes';
const texts = 'a list of texts';
const pulls = '"always", "if-not-present", "never", or a list of these';
const memory = limit('memoryBytes', 'a size of 6m or more like "512m" or "2g"', values.readMemory);
// Without it there is no swap, so any value is more.
const swap = key('memorySwapBytes', 'a size of memory and swap together, or -1 for any', values.readBytesOrAny);
const reservation = limit('memoryReservationBytes', size, values.readBytes);
const cpus = limit('cpus', 'a number from 0.01 like 1.5', values.readCpus);
const cpuset = key('cpusetCpus', 'CPUs like "0-2,5"', (value) => values.readText(value, /^[\d,-]+$/));
const shares = limit('cpuShares', 'a whole number from 2', (value) => values.readCount(value, 2), 1024);
const privileged = key('privileged', 'true or false', values.readBoolean);
const securityOpt = key('securityOpt', texts, values.readTexts);
const tmpfs = key('tmpfs', 'a table of mount options by path', values.readPaths);
const privilegedImages = key('privilegedImages', 'a list of patterns of images', values.readTexts);
const cgroupParent = key('cgroupParent', 'the name of a control group', values.readText);
const gpus = key('gpus', '"all", a number, or a text like "device=0,1"', values.readGpus);

/**
 * Names are GitLab Runner's where it has them.
 * Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/#the-runnersdocker-section
 */
const keys: Readonly<Record<string, DockerKey>> = {
  allowed_pull_policies: {
    ...key('allowedPulls', pulls, values.readPulls),
    tighten: ({ allowedPulls: own }, { allowedPulls = [] }) => ({
      allowedPulls: own === undefined ? allowedPulls : own.filter((policy) => allowedPulls.includes(policy)),
    }),
  },
  allowed_privileged_images: privilegedImages,
  allowed_privileged_services: ofServices(privilegedImages),
  cap_add: key('capAdd', texts, values.readCapabilities),
  cap_drop: {
    ...key('capDrop', texts, values.readCapabilities),
    tighten: (own, { capDrop = [] }) => ({ capDrop: [...new Set([...(own.capDrop ?? []), ...capDrop])] }),
  },
  cgroup_parent: cgroupParent,
  container_labels: key('labels', 'a table of texts', values.readTable),
  cpu_shares: shares,
  cpus,
  cpuset_cpus: cpuset,
  cpuset_mems: key('cpusetMems', 'memory nodes like "0-1"', (value) => values.readText(value, /^[\d,-]+$/)),
  device_cgroup_rules: key('deviceCgroupRules', texts, values.readTexts),
  devices: key('devices', 'a list of devices like "/dev/kvm" or "/dev/a:/dev/b:rw"', values.readDevices),
  dns: key('dns', texts, values.readTexts),
  dns_search: key('dnsSearch', texts, values.readTexts),
  enable_ipv6: key('enableIpv6', 'true or false', values.readBoolean),
  extra_hosts: key('extraHosts', 'a list of "name:address"', (value) => values.readTexts(value, /^[^:\s]+:\S+$/)),
  gpus,
  group_add: key('groupAdd', texts, values.readTexts),
  hardened: strictness('hardened'),
  hostname: key('hostname', "a host's name", (value) => values.readText(value, /^[A-Za-z\d][A-Za-z\d.-]{0,62}$/)),
  ipcmode: key('ipcMode', '"private", "shareable", "host" or "container:NAME"', values.readText),
  links: key('links', 'a list of "container:alias"', values.readTexts),
  log_options: key('logOptions', 'a table with texts for "env" and "labels"', values.readLogOptions),
  mac_address: key('macAddress', 'an address like "92:d0:c6:0a:29:33"', (value) =>
    values.readText(value, /^[\da-f]{2}(:[\da-f]{2}){5}$/i),
  ),
  memory,
  memory_reservation: reservation,
  memory_swap: swap,
  mount_socket: key('mountSocket', 'true, or the path of a socket', values.readSocket),
  network_mode: key('network', '"bridge", "none", "host" or the name of a network', values.readText),
  network_mtu: key('networkMtu', 'a whole number from 68', (value) => values.readCount(value, 68)),
  oom_kill_disable: key('oomKillDisable', 'true or false', values.readBoolean),
  oom_score_adjust: key('oomScoreAdjust', 'a whole number from -1000 to 1000', (value) => {
    const score = values.readCount(value, -1000);
    return score === undefined || score > 1000 ? undefined : score;
  }),
  pid_mode: key('pidMode', '"host" or "container:NAME"', values.readText),
  pids_limit: limit('pidsLimit', 'a whole number from 1', (value) => values.readCount(value, 1)),
  privileged,
  pull_policy: {
    ...key('pulls', pulls, values.readPulls),
    // It is no safety: a repository's file says `pull` too.
    tighten: (_, { pulls: theirs = [] }) => ({ pulls: theirs }),
  },
  read_only: strictness('readOnly'),
  runtime: key('runtime', 'the name of a runtime', values.readText),
  security_opt: securityOpt,
  service_cgroup_parent: ofServices(cgroupParent),
  service_cpu_shares: ofServices(shares),
  service_cpus: ofServices(cpus),
  service_cpuset_cpus: ofServices(cpuset),
  service_gpus: ofServices(gpus),
  service_memory: ofServices(memory),
  service_memory_reservation: ofServices(reservation),
  service_memory_swap: ofServices(swap),
  services_devices: {
    expected: 'a table of lists of devices by patterns of images',
    read: (value) => {
      const devicesByImage = values.readDevicesByImage(value);
      return devicesByImage && { services: { devicesByImage } };
    },
  },
  services_privileged: ofServices(privileged),
  services_security_opt: ofServices(securityOpt),
  services_tmpfs: ofServices(tmpfs),
  shm_size: limit('shmBytes', size, values.readBytes, 64 * 1024 * 1024),
  sysctls: key('sysctls', 'a table of texts', values.readTable),
  tmpfs,
  ulimit: key(
    'ulimits',
    'a table of limits that Linux has like { nofile = "1024:2048" }, first the soft one',
    values.readUlimits,
  ),
  user: key('user', 'a user like "1000" or "app:staff"', values.readText),
  userns_mode: key('usernsMode', 'a text', values.readText),
  volumes: key('volumes', 'a list of "/path", "name:/path" or "/host/path:/path:ro"', values.readVolumes),
  volumes_from: key('volumesFrom', texts, values.readTexts),
  wait_for_services_timeout: key('serviceTimeoutMs', 'seconds; 0 or -1: do not wait', values.readSeconds),
};

/** Names of all keys, for the docs' test. */
export const dockerKeys: readonly string[] = Object.keys(keys);

/** Something about one key below `[docker]`. */
export interface DockerRemark {
  readonly key: string;
  /** Follows the key's name. */
  readonly text: string;
}

/** What a `[docker]` table says. */
export interface DockerTable {
  /** What was there before, with the table laid over it. */
  readonly options: ContainerOptions;
  /** Values that do not fit. */
  readonly errors: readonly DockerRemark[];
  /** Keys that count for nothing. */
  readonly warnings: readonly DockerRemark[];
}

/** What is said of a setting that only the user himself may make. */
export const ignoredHere = "is ignored here, a repository can't turn safety off (only your own settings can)";

/**
 * Reads the table `[docker]` of a settings file.
 * @param owner whose file it is: a repository's may only ask for less than the user's own.
 * @param below what the files before it said.
 */
export function readDockerTable(
  table: Readonly<Record<string, unknown>>,
  owner: 'user' | 'repository',
  below: ContainerOptions,
): DockerTable {
  let options = below;
  const errors: DockerRemark[] = [];
  const warnings: DockerRemark[] = [];
  for (const [name, value] of Object.entries(table)) {
    const known = keys[name];
    if (known === undefined) {
      const hint = didYouMean(name, dockerKeys);
      warnings.push({ key: name, text: `is no setting${hint === undefined ? '' : `, ${hint}`}` });
      continue;
    }
    const found = known.read(value);
    if (found === undefined)
      errors.push({ key: name, text: `must be ${known.expected}, not ${JSON.stringify(value)}` });
    else if (owner === 'user') options = laid(options, found);
    else if (known.tighten !== undefined) options = laid(options, known.tighten(options, found));
    else warnings.push({ key: name, text: ignoredHere });
  }
  return { options, errors, warnings };
}

function laid(below: ContainerOptions, above: ContainerOptions): ContainerOptions {
  const services = { ...below.services, ...above.services };
  return { ...below, ...above, ...(Object.keys(services).length === 0 ? {} : { services }) };
}
