import type { PullPolicy } from '../../model/pipeline.ts';
import { compileGlob } from '../../util/glob.ts';

/** How much of the engine's machine a container may take. */
export interface ResourceLimits {
  readonly memoryBytes?: number;
  /** Memory and swap together; -1: as much swap as there is. Absent: as much as `memoryBytes`, so no swap. */
  readonly memorySwapBytes?: number;
  /** What the kernel tries to push the container back to when memory is short. */
  readonly memoryReservationBytes?: number;
  /** Number of CPUs, may have a fraction. */
  readonly cpus?: number;
  /** `0-2,5`. */
  readonly cpusetCpus?: string;
  /** Weight against other containers; the engine's default is 1024. */
  readonly cpuShares?: number;
  readonly cgroupParent?: string;
}

/** What services get in place of what jobs get. */
export interface ServiceContainerOptions extends ResourceLimits {
  /** Absent: as jobs. */
  readonly privileged?: boolean;
  /** Patterns of images of which services may be privileged; none: all. */
  readonly privilegedImages?: readonly string[];
  /** By patterns of images. */
  readonly devicesByImage?: Readonly<Record<string, readonly Device[]>>;
  readonly securityOpt?: readonly string[];
  /** Mount options by path. */
  readonly tmpfs?: Readonly<Record<string, string>>;
  readonly gpus?: GpuRequest;
}

/** `--ulimit NAME=SOFT:HARD` of a container. */
export interface Ulimit {
  /** `nofile`, `nproc` … */
  readonly name: string;
  /** -1: none. */
  readonly soft: number;
  readonly hard: number;
}

/** `--device HOST:CONTAINER:PERMISSIONS` of a container; both paths are absolute. */
export interface Device {
  readonly onHost: string;
  readonly inContainer: string;
  /** Of `rwm`. */
  readonly permissions: string;
}

/** As `--gpus` of the Docker command says it. */
export interface GpuRequest {
  readonly driver?: string;
  /** -1: all. Counts for nothing where there are ids. */
  readonly count: number;
  readonly ids?: readonly string[];
  readonly capabilities: readonly string[];
}

/** Something that is mounted into every container of a job. */
export type Volume =
  /** A directory of the engine's machine. */
  | { readonly kind: 'host'; readonly source: string; readonly target: string; readonly mode?: string }
  /** A volume of the engine that outlives the job. */
  | { readonly kind: 'named'; readonly source: string; readonly target: string; readonly mode?: string }
  /** A new volume that the job and its services share. */
  | { readonly kind: 'own'; readonly target: string };

/**
 * How the containers of jobs are made, as flags and the user's own settings say. A pipeline file can't ask for any of
 * this, and a repository's settings only for what makes containers smaller.
 */
export interface ContainerOptions extends ResourceLimits {
  readonly privileged?: boolean;
  /** Patterns of images of which jobs may be privileged; none: all. */
  readonly privilegedImages?: readonly string[];
  /** The engine's socket in every job; a text: its path on the engine's machine. */
  readonly mountSocket?: true | string;
  /** No new privileges, and only few capabilities. */
  readonly hardened?: boolean;
  readonly pidsLimit?: number;
  /** Size of `/dev/shm`. */
  readonly shmBytes?: number;
  readonly ulimits?: readonly Ulimit[];
  readonly devices?: readonly Device[];
  readonly deviceCgroupRules?: readonly string[];
  readonly gpus?: GpuRequest;
  /** `name:address`. */
  readonly extraHosts?: readonly string[];
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly securityOpt?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  /** The image's files can't be changed; `/builds` and `/tmp` can. */
  readonly readOnly?: boolean;
  /** Mount options by path. */
  readonly tmpfs?: Readonly<Record<string, string>>;
  /** Who runs scripts, whatever the image and the pipeline file say. */
  readonly user?: string;
  readonly groupAdd?: readonly string[];
  readonly usernsMode?: string;
  readonly runtime?: string;
  readonly hostname?: string;
  readonly macAddress?: string;
  /** `host`, `container:NAME` … */
  readonly pidMode?: string;
  /** `host`, `private`, `shareable`, `container:NAME` … */
  readonly ipcMode?: string;
  readonly cpusetMems?: string;
  readonly oomKillDisable?: boolean;
  /** -1000 to 1000. */
  readonly oomScoreAdjust?: number;
  /** Other containers, `name:alias`. */
  readonly links?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Of the engine's log driver `json-file`. */
  readonly logOptions?: Readonly<Record<string, string>>;
  /** Of networks that are made for a job. */
  readonly networkMtu?: number;
  readonly enableIpv6?: boolean;
  /** `bridge` (the engine's default), `none`, `host`, `container:NAME` or a network's name. */
  readonly network?: string;
  readonly volumes?: readonly Volume[];
  /** Names of containers whose volumes are mounted too. */
  readonly volumesFrom?: readonly string[];
  readonly services?: ServiceContainerOptions;
  /** When images are pulled for which the pipeline file says nothing; tried in order. Not empty. */
  readonly pulls?: readonly PullPolicy[];
  /** What the pipeline file and the user may ask for; absent: everything. */
  readonly allowedPulls?: readonly PullPolicy[];
  /** How long to wait until a service takes connections, milliseconds; 0: not at all. Default 30,000. */
  readonly serviceTimeoutMs?: number;
}

/** What is out of the ordinary about containers that are made so: what lets a job reach beyond its container. */
export function unusualOptions(options: ContainerOptions): readonly string[] {
  const { services = {}, volumes = [], network, sysctls = {} } = options;
  const list = (what: string, values: readonly string[] = []): readonly string[] =>
    values.length === 0 ? [] : [`${what} ${values.join(', ')}`];
  const flag = (what: string, isSo: boolean | undefined): readonly string[] => (isSo ? [what] : []);
  const outside = volumes.filter(({ kind }) => kind !== 'own').map(volumeText);
  return [
    ...flag('privileged', options.privileged),
    ...flag('privileged services', services.privileged && !options.privileged),
    ...flag("the engine's socket", options.mountSocket !== undefined),
    ...list('network', network === undefined || network === 'bridge' ? [] : [network]),
    ...list('volumes', outside),
    ...list('volumes of', options.volumesFrom),
    ...list(
      'devices',
      options.devices?.map(({ onHost }) => onHost),
    ),
    ...list('device rules', options.deviceCgroupRules),
    ...flag('GPUs', (options.gpus ?? services.gpus) !== undefined),
    ...list('capabilities', options.capAdd),
    ...list('security options', [...(options.securityOpt ?? []), ...(services.securityOpt ?? [])]),
    ...list('processes of', options.pidMode === undefined ? [] : [options.pidMode]),
    ...list('memory shared with', options.ipcMode === undefined || isOwnIpc(options.ipcMode) ? [] : [options.ipcMode]),
    ...list('containers', options.links),
    ...list(
      'devices of services',
      Object.values(services.devicesByImage ?? {}).flatMap((devices) => devices.map(({ onHost }) => onHost)),
    ),
    ...list('user namespace', options.usernsMode === undefined ? [] : [options.usernsMode]),
    ...list('kernel settings', Object.keys(sysctls)),
  ];
}

function isOwnIpc(mode: string): boolean {
  return mode === 'private' || mode === 'none' || mode === 'shareable';
}

/** May a service of this image do all that the engine's machine can? */
export function isPrivilegedService({ services, privileged = false }: ContainerOptions, image: string): boolean {
  return (services?.privileged ?? privileged) && isListed(image, services?.privilegedImages);
}

/**
 * How the containers of one job are made: its own is privileged only if its image may be.
 * Source: https://docs.gitlab.com/runner/executors/docker/#privileged-containers
 * @param image as the job names it.
 */
export function optionsForJob(options: ContainerOptions, image: string): ContainerOptions {
  if (!options.privileged || isListed(image, options.privilegedImages)) return options;
  const services = { ...options.services, privileged: options.services?.privileged ?? true };
  return { ...options, privileged: false, services };
}

/** How the container of one of its services is made. @param image as the job names it. */
export function optionsForService(options: ContainerOptions, image: string): ContainerOptions {
  return { ...options, services: { ...options.services, privileged: isPrivilegedService(options, image) } };
}

/** The devices of the engine's machine that a service of this image gets. */
export function serviceDevices({ services }: ContainerOptions, image: string): readonly Device[] {
  const byImage = Object.entries(services?.devicesByImage ?? {});
  return byImage.filter(([pattern]) => isListed(image, [pattern])).flatMap(([, devices]) => devices);
}

function isListed(image: string, patterns: readonly string[] = []): boolean {
  return patterns.length === 0 || patterns.some((pattern) => compileGlob(pattern, { dialect: 'doublestar' })(image));
}

/** As `docker run -v` takes it. */
export function volumeText(volume: Volume): string {
  if (volume.kind === 'own') return volume.target;
  const { source, target, mode } = volume;
  return mode === undefined ? `${source}:${target}` : `${source}:${target}:${mode}`;
}
