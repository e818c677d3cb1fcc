import type Dockerode from 'dockerode';
import {
  type ContainerOptions,
  type Device,
  type GpuRequest,
  type ResourceLimits,
  volumeText,
} from './container-options.ts';

/** What jobs get, as fields of the engine's create call. */
export function jobHostConfig(options: ContainerOptions): Dockerode.HostConfig {
  const { mountSocket, readOnly, ulimits, devices, tmpfs } = options;
  const socket = typeof mountSocket === 'string' ? [`${mountSocket}:/var/run/docker.sock`] : [];
  return {
    ...sharedHostConfig(options, socket),
    ...resourceConfig(options),
    ...securityConfig(options, options.securityOpt),
    Privileged: options.privileged || undefined,
    PidsLimit: options.pidsLimit,
    Sysctls: options.sysctls,
    CpusetMems: options.cpusetMems,
    GroupAdd: copy(options.groupAdd),
    VolumesFrom: copy(options.volumesFrom),
    DeviceCgroupRules: copy(options.deviceCgroupRules),
    ReadonlyRootfs: readOnly || undefined,
    // Build tools run what they made there; engines' own default forbids that.
    Tmpfs: readOnly ? { '/tmp': 'exec', ...tmpfs } : tmpfs,
    Ulimits: ulimits?.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    Devices: deviceMappings(devices),
    Links: copy(options.links),
    OomKillDisable: options.oomKillDisable || undefined,
    OomScoreAdj: options.oomScoreAdjust,
    PidMode: options.pidMode,
    IpcMode: options.ipcMode,
    DeviceRequests: gpuRequests(options.gpus),
  };
}

/** What services get: less, as GitLab Runner has it. */
export function serviceHostConfig(options: ContainerOptions, devicesOf: readonly Device[]): Dockerode.HostConfig {
  const { services = {} } = options;
  return {
    ...sharedHostConfig(options, []),
    ...resourceConfig(services),
    ...securityConfig(options, services.securityOpt),
    Privileged: (services.privileged ?? options.privileged) || undefined,
    Devices: deviceMappings(devicesOf),
    Tmpfs: services.tmpfs,
    DeviceRequests: gpuRequests(services.gpus),
  };
}

function sharedHostConfig(options: ContainerOptions, moreBinds: readonly string[]): Dockerode.HostConfig {
  const volumes = (options.volumes ?? []).filter(({ kind }) => kind !== 'own');
  return {
    Binds: copy([...moreBinds, ...volumes.map(volumeText)]),
    ShmSize: options.shmBytes,
    UsernsMode: options.usernsMode,
    Runtime: options.runtime,
    LogConfig: logConfig(options.logOptions),
  };
}

function resourceConfig(limits: ResourceLimits): Dockerode.HostConfig {
  const { memoryBytes, cpus } = limits;
  return {
    Memory: memoryBytes,
    MemorySwap: memorySwap(limits),
    MemoryReservation: memoryReservation(limits),
    NanoCpus: cpus === undefined ? undefined : Math.round(cpus * 1e9),
    CpusetCpus: limits.cpusetCpus,
    CpuShares: limits.cpuShares,
    CgroupParent: limits.cgroupParent,
  };
}

/**
 * No swap unless it is asked for: a job that needs too much then ends at once, and not after long minutes. A flag may
 * have raised the memory above what the settings say of both together, and without a limit engines take none of both.
 */
function memorySwap({ memoryBytes, memorySwapBytes = memoryBytes }: ResourceLimits): number | undefined {
  if (memoryBytes === undefined || memorySwapBytes === undefined) return undefined;
  return memorySwapBytes < 0 ? memorySwapBytes : Math.max(memorySwapBytes, memoryBytes);
}

/** Engines refuse one above the limit. */
function memoryReservation({ memoryBytes, memoryReservationBytes }: ResourceLimits): number | undefined {
  if (memoryReservationBytes === undefined || memoryBytes === undefined) return memoryReservationBytes;
  return Math.min(memoryReservationBytes, memoryBytes);
}

const hardenedCapabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID'];

function securityConfig(options: ContainerOptions, securityOpt: readonly string[] = []): Dockerode.HostConfig {
  const { hardened, capAdd = [], capDrop = [] } = options;
  const isDropped = (name: string): boolean => capDrop.includes(name) || capDrop.includes('ALL');
  const kept = hardened ? hardenedCapabilities.filter((name) => !isDropped(name)) : [];
  const security = new Set([...(hardened ? ['no-new-privileges'] : []), ...securityOpt]);
  return {
    SecurityOpt: copy([...security]),
    CapDrop: hardened ? ['ALL'] : copy(capDrop),
    CapAdd: copy([...kept, ...capAdd]),
  };
}

function deviceMappings(devices: readonly Device[] | undefined): Dockerode.DeviceMapping[] | undefined {
  if (devices === undefined || devices.length === 0) return undefined;
  return devices.map(({ onHost, inContainer, permissions }) => ({
    PathOnHost: onHost,
    PathInContainer: inContainer,
    CgroupPermissions: permissions,
  }));
}

/** The only driver whose log a job's output can be read from, besides the engine's own choice. */
function logConfig(options: ContainerOptions['logOptions']): Dockerode.HostConfig['LogConfig'] {
  return options === undefined ? undefined : { Type: 'json-file', Config: options };
}

function gpuRequests(gpus: GpuRequest | undefined): Dockerode.DeviceRequest[] | undefined {
  if (gpus === undefined) return undefined;
  const { driver = '', count, ids, capabilities } = gpus;
  const which = ids === undefined ? { Count: count } : { DeviceIDs: [...ids] };
  return [{ Driver: driver, Capabilities: [[...capabilities]], ...which }];
}

function copy<T>(list: readonly T[] | undefined): T[] | undefined {
  return list === undefined || list.length === 0 ? undefined : [...list];
}
