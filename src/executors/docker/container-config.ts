import type Dockerode from 'dockerode';
import { withTag } from '../../model/image-name.ts';
import type { Image, Service } from '../../model/pipeline.ts';
import { bootstrapOf } from './bootstrap.ts';
import {
  type ContainerOptions,
  type GpuRequest,
  privilegedServices,
  type ResourceLimits,
  volumeText,
} from './container-options.ts';
import { type ContainerNetwork, endpointConfig, networkHostConfig } from './job-network.ts';

/** The directory below which every job has its own. */
export const buildsDirectory = '/builds';

/** What jobs get, as fields of the engine's create call. */
function jobHostConfig(options: ContainerOptions): Dockerode.HostConfig {
  const { mountSocket, readOnly, ulimits, devices, tmpfs } = options;
  const socket = typeof mountSocket === 'string' ? [`${mountSocket}:/var/run/docker.sock`] : [];
  return {
    ...sharedHostConfig(options, socket),
    ...resourceConfig(options),
    ...securityConfig(options, options.securityOpt),
    Privileged: options.privileged || undefined,
    PidsLimit: options.pidsLimit,
    Sysctls: options.sysctls,
    GroupAdd: copy(options.groupAdd),
    VolumesFrom: copy(options.volumesFrom),
    DeviceCgroupRules: copy(options.deviceCgroupRules),
    ReadonlyRootfs: readOnly || undefined,
    // Build tools run what they made there; engines' own default forbids that.
    Tmpfs: readOnly ? { '/tmp': 'exec', ...tmpfs } : tmpfs,
    Ulimits: ulimits?.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    Devices: devices?.map(({ onHost, inContainer, permissions }) => ({
      PathOnHost: onHost,
      PathInContainer: inContainer,
      CgroupPermissions: permissions,
    })),
    DeviceRequests: gpuRequests(options.gpus),
  };
}

/** What services get: less, as GitLab Runner has it. */
function serviceHostConfig(options: ContainerOptions): Dockerode.HostConfig {
  const { services = {} } = options;
  return {
    ...sharedHostConfig(options, []),
    ...resourceConfig(services),
    ...securityConfig(options, services.securityOpt),
    Privileged: privilegedServices(options) || undefined,
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

function gpuRequests(gpus: GpuRequest | undefined): Dockerode.DeviceRequest[] | undefined {
  if (gpus === undefined) return undefined;
  const { driver = '', count, ids, capabilities } = gpus;
  const which = ids === undefined ? { Count: count } : { DeviceIDs: [...ids] };
  return [{ Driver: driver, Capabilities: [[...capabilities]], ...which }];
}

function copy<T>(list: readonly T[] | undefined): T[] | undefined {
  return list === undefined || list.length === 0 ? undefined : [...list];
}

/** Volumes that the containers of one job share, made with the first of them. */
export interface OwnVolumes {
  /** Start of their names. */
  readonly name: string;
  readonly labels: Record<string, string>;
}

/** Names of the volumes that go with a job. */
export function ownVolumeNames(options: ContainerOptions, name: string): readonly string[] {
  return ownMounts(options, { name, labels: {} }).map(({ Source }) => Source);
}

function ownMounts({ volumes = [] }: ContainerOptions, { name, labels }: OwnVolumes): Dockerode.MountSettings[] {
  const own = volumes.filter(({ kind }) => kind === 'own');
  return own.map(({ target }, index) => volumeMount(`${name}-volume-${index}`, target, { Labels: labels }));
}

function volumeMount(source: string, target: string, options: object): Dockerode.MountSettings {
  return { Type: 'volume', Source: source, Target: target, VolumeOptions: options as never };
}

/** A mount, not a bind: the engine makes no directory where there is none. */
function readOnlyMount(path: string): Dockerode.MountSettings {
  return { Type: 'bind', Source: path, Target: path, ReadOnly: true };
}

/** An empty list takes an image's entrypoint away; the engine wants `['']` for it. */
function entrypointOf(image: Image): { readonly Entrypoint?: string[] } {
  if (image.entrypoint === undefined) return {};
  return { Entrypoint: image.entrypoint.length === 0 ? [''] : [...image.entrypoint] };
}

/** What the create calls for a job's and for a service's container have in common. */
export interface ContainerParts {
  /** Unique. */
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly options: ContainerOptions;
  readonly network: ContainerNetwork;
  /** Absent: the container has none of the volumes that a job's containers share. */
  readonly ownVolumes?: OwnVolumes;
}

function commonOptions(
  image: Image,
  { name, labels, options, network, ownVolumes }: ContainerParts,
  host: Dockerode.HostConfig,
  moreMounts: readonly Dockerode.MountSettings[],
): Dockerode.ContainerCreateOptions {
  const mounts = [...moreMounts, ...(ownVolumes === undefined ? [] : ownMounts(options, ownVolumes))];
  return {
    name,
    Image: withTag(image.name),
    Labels: labels,
    ...entrypointOf(image),
    ...(image.user === undefined ? {} : { User: image.user }),
    ...(image.platform === undefined ? {} : { platform: image.platform }),
    HostConfig: {
      ...host,
      ...networkHostConfig(network, options),
      ...(mounts.length === 0 ? {} : { Mounts: mounts }),
    },
    ...endpointConfig(network),
  };
}

/** The create call for a job's container. It holds no variable of the job: anybody may read it with `inspect`. */
export function jobContainerOptions(
  given: ContainerParts & {
    readonly image: Image;
    readonly directory: string;
    /** See `bootstrapOf`. */
    readonly greeting?: string;
    /** Directories of this machine that the job sees at the same place, read-only. */
    readonly readOnly?: readonly string[];
    readonly mounts?: readonly Dockerode.MountSettings[];
  },
): Dockerode.ContainerCreateOptions {
  const { image, options } = given;
  const mounts = [
    ...(options.readOnly ? [volumeMount('', buildsDirectory, { NoCopy: true })] : []),
    ...(given.readOnly ?? []).map(readOnlyMount),
    ...(given.mounts ?? []),
  ];
  return {
    ...commonOptions(image, given, jobHostConfig(options), mounts),
    Cmd: ['sh', '-c', bootstrapOf(given.greeting)],
    WorkingDir: given.directory,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
  };
}

/** The create call for a service's container. */
export function serviceContainerOptions(
  given: ContainerParts & {
    readonly service: Service;
    /** `NAME=value`; the engine shows them to anybody. */
    readonly environment: readonly string[];
  },
): Dockerode.ContainerCreateOptions {
  const { service, options, environment } = given;
  return {
    ...commonOptions(service, given, serviceHostConfig(options), []),
    Env: [...environment],
    ...(service.command === undefined ? {} : { Cmd: [...service.command] }),
  };
}
