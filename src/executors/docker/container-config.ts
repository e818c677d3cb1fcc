import type Dockerode from 'dockerode';
import type { Image } from '../../model/pipeline.ts';
import { bootstrap } from './bootstrap.ts';
import { withTag } from './pull.ts';

/** What a pipeline file can't ask for; decided by flags and the user's own configuration. */
export interface ContainerLimits {
  readonly privileged?: boolean;
  /** Path of the engine's socket on the engine's machine, mounted into every job. */
  readonly mountSocket?: string;
  /** No new privileges, and only few capabilities. */
  readonly hardened?: boolean;
  readonly memoryBytes?: number;
  readonly cpus?: number;
  /** `bridge` (the engine's default), `none`, `host` or a network's name. */
  readonly network?: string;
}

/** Fields of the engine's create call that jobs' and services' containers share. */
export function hostConfig(limits: ContainerLimits): Dockerode.HostConfig {
  return {
    ...(limits.privileged ? { Privileged: true } : {}),
    ...(limits.mountSocket === undefined ? {} : { Binds: [`${limits.mountSocket}:/var/run/docker.sock`] }),
    ...(limits.hardened
      ? {
          SecurityOpt: ['no-new-privileges'],
          CapDrop: ['ALL'],
          CapAdd: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID'],
        }
      : {}),
    ...(limits.memoryBytes === undefined ? {} : { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes }),
    ...(limits.cpus === undefined ? {} : { NanoCpus: Math.round(limits.cpus * 1e9) }),
  };
}

/** A mount, not a bind: the engine makes no directory where there is none. */
function readOnlyMount(path: string): Dockerode.MountSettings {
  return { Type: 'bind', Source: path, Target: path, ReadOnly: true };
}

/** An empty list takes an image's entrypoint away; the engine wants `['']` for it. */
export function entrypointOf(image: Image): { readonly Entrypoint?: string[] } {
  if (image.entrypoint === undefined) return {};
  return { Entrypoint: image.entrypoint.length === 0 ? [''] : [...image.entrypoint] };
}

/** The create call for a job's container. It holds no variable of the job: anybody may read it with `inspect`. */
export function jobContainerOptions(given: {
  readonly name: string;
  readonly image: Image;
  readonly directory: string;
  readonly labels: Record<string, string>;
  readonly limits: ContainerLimits;
  /** The job's own network, when it has services. */
  readonly network?: string;
  /** Directories of this machine that the job sees at the same place, read-only. */
  readonly readOnly?: readonly string[];
  readonly mounts?: readonly Dockerode.MountSettings[];
}): Dockerode.ContainerCreateOptions {
  const { image, network, limits } = given;
  const mode = network ?? limits.network;
  const mounts = [...(given.readOnly ?? []).map(readOnlyMount), ...(given.mounts ?? [])];
  return {
    name: given.name,
    Image: withTag(image.name),
    Labels: given.labels,
    Cmd: ['sh', '-c', bootstrap],
    ...entrypointOf(image),
    WorkingDir: given.directory,
    ...(image.user === undefined ? {} : { User: image.user }),
    ...(image.platform === undefined ? {} : { platform: image.platform }),
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    HostConfig: {
      ...hostConfig(limits),
      ...(mode === undefined ? {} : { NetworkMode: mode }),
      ...(mounts.length === 0 ? {} : { Mounts: mounts }),
    },
    ...(network === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: ['build'] } } } }),
  };
}
