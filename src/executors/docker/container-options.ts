import type { PullPolicy } from '../../model/pipeline.ts';

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
}

/** What services get in place of what jobs get. */
export interface ServiceContainerOptions extends ResourceLimits {
  /** Absent: as jobs. */
  readonly privileged?: boolean;
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
    ...list('user namespace', options.usernsMode === undefined ? [] : [options.usernsMode]),
    ...list('kernel settings', Object.keys(sysctls)),
  ];
}

/** May services do all that the engine's machine can? */
export function privilegedServices({ services, privileged = false }: ContainerOptions): boolean {
  return services?.privileged ?? privileged;
}

/** As `docker run -v` takes it. */
export function volumeText(volume: Volume): string {
  if (volume.kind === 'own') return volume.target;
  const { source, target, mode } = volume;
  return mode === undefined ? `${source}:${target}` : `${source}:${target}:${mode}`;
}
