import type Dockerode from 'dockerode';
import { withTag } from '../../model/image-name.ts';
import type { Image, Service } from '../../model/pipeline.ts';
import { bootstrapOf } from './bootstrap.ts';
import { type ContainerOptions, serviceDevices } from './container-options.ts';
import { jobHostConfig, serviceHostConfig } from './host-config.ts';
import { type ContainerNetwork, endpointConfig, networkHostConfig } from './job-network.ts';

/** The directory below which every job has its own. */
export const buildsDirectory = '/builds';

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
    // Nobody takes our own labels away: they say what may be removed.
    Labels: { ...options.labels, ...labels },
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
    ...(options.hostname === undefined ? {} : { Hostname: options.hostname }),
    ...(options.macAddress === undefined ? {} : { MacAddress: options.macAddress }),
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
    /** As the job names it; `service` may name what it came to. */
    readonly imageName: string;
    /** `NAME=value`; the engine shows them to anybody. */
    readonly environment: readonly string[];
  },
): Dockerode.ContainerCreateOptions {
  const { service, options, environment } = given;
  return {
    ...commonOptions(service, given, serviceHostConfig(options, serviceDevices(options, given.imageName)), []),
    Env: [...environment],
    ...(service.command === undefined ? {} : { Cmd: [...service.command] }),
  };
}
