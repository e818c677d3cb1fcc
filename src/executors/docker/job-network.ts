import type Dockerode from 'dockerode';
import { withTag } from '../../model/image-name.ts';
import type { JobSpec } from '../../model/job-spec.ts';
import { SystemError } from '../../model/outcome.ts';
import type { Belongings } from './belongings.ts';
import type { ContainerOptions } from './container-options.ts';
import { type Engine, shortReason } from './engine.ts';
import { labelsFor } from './labels.ts';
import { serviceAliases } from './service-names.ts';

/** Where one container is connected to. */
export interface ContainerNetwork {
  /** `NetworkMode` of the create call; absent: the engine's default. */
  readonly mode?: string;
  /** Names by which others on the job's own network reach it. */
  readonly aliases?: readonly string[];
  /** Further lines of `/etc/hosts`: `name:address`. */
  readonly hosts?: readonly string[];
}

/** How the containers of one job reach each other and the world. */
export interface JobNetwork {
  /** Of the job's own container. */
  readonly forJob: ContainerNetwork;
  forService(aliases: readonly string[]): ContainerNetwork;
  /** Name of a network that each container is connected to besides, before it is started. */
  readonly also?: string;
  /** Where services listen: each at its own address on the job's network, or all at one, that of `holder`. */
  readonly services:
    | { readonly at: 'network'; readonly name: string }
    | { readonly at: 'one place'; readonly holder?: string };
}

/** What a job's network is made for. */
export interface JobNetworkRequest {
  readonly engine: Engine;
  readonly job: JobSpec;
  readonly options: ContainerOptions;
  /** Start of names at the engine. */
  readonly name: string;
  readonly signal: AbortSignal;
}

/**
 * Makes what the job's containers need to reach each other. Two jobs with services of the same name never meet,
 * whatever network they are given besides.
 */
export async function openJobNetwork(request: JobNetworkRequest, made: Belongings): Promise<JobNetwork> {
  const { job, options, name } = request;
  const mode = options.network;
  if (job.services.length === 0) return onePlace(mode === undefined ? {} : { mode });
  if (mode !== undefined && /^(host$|container:)/.test(mode)) return onePlace({ mode, hosts: onLocalhost(job) });
  if (job.servicesReachedBy === 'localhost') return sharedPlace(request, made);
  await makeNetwork(request, made, mode === 'none' ? 'internal' : 'connected');
  const isNamed = mode !== undefined && !['bridge', 'default', 'none'].includes(mode);
  return {
    forJob: { mode: name, aliases: ['build'] },
    forService: (aliases) => ({ mode: name, aliases }),
    ...(isNamed ? { also: mode } : {}),
    services: { at: 'network', name },
  };
}

function onePlace(network: ContainerNetwork, holder?: string): JobNetwork {
  return {
    forJob: network,
    forService: () => network,
    services: { at: 'one place', ...(holder === undefined ? {} : { holder }) },
  };
}

/** Names of services where all containers are one host. */
function onLocalhost(job: JobSpec): readonly string[] {
  return [...new Set(job.services.flatMap(serviceAliases))].map((alias) => `${alias}:127.0.0.1`);
}

/**
 * All containers share the network of one that does nothing else: the job's own is started anew for each script, and
 * a service may end before the job does.
 */
async function sharedPlace(request: JobNetworkRequest, made: Belongings): Promise<JobNetwork> {
  const { engine, job, options, name, signal } = request;
  const network = { hosts: onLocalhost(job), ...(options.network === undefined ? {} : { mode: options.network }) };
  const { image } = job;
  const holder = await engine.create({
    name: `${name}-network`,
    // Any image with a shell would do; the job's is here already.
    Image: withTag(image!.name),
    Labels: labelsFor(job, 'network'),
    Entrypoint: [''],
    Cmd: ['sh', '-c', 'read -r line'],
    ...(image!.platform === undefined ? {} : { platform: image!.platform }),
    OpenStdin: true,
    HostConfig: networkHostConfig(network, options),
  });
  made.containers.push(holder);
  signal.throwIfAborted();
  await engine.api.getContainer(holder).start();
  return onePlace({ mode: `container:${holder}` }, holder);
}

async function makeNetwork(
  { engine, job, name, options }: JobNetworkRequest,
  made: Belongings,
  kind: 'internal' | 'connected',
): Promise<void> {
  try {
    const network = await engine.api.createNetwork({
      Name: name,
      Driver: 'bridge',
      CheckDuplicate: true,
      Internal: kind === 'internal',
      ...(options.enableIpv6 ? { EnableIPv6: true } : {}),
      ...(options.networkMtu === undefined
        ? {}
        : { Options: { 'com.docker.network.driver.mtu': String(options.networkMtu) } }),
      Labels: labelsFor(job, 'network'),
    });
    made.networks.push(network.id);
  } catch (error) {
    if (!noAddresses.test(shortReason(error))) throw error;
    throw new SystemError(
      'runner_system_failure',
      `container engine ${engine.text} has no addresses left for the job's network: ${shortReason(error)}`,
      {
        cause: error,
        hint: '`ci clean` removes networks of killed runs, `docker network prune` all that nobody uses; or run fewer jobs at once: `-j`',
      },
    );
  }
}

/** Docker's words for it, old and new. */
const noAddresses = /non-overlapping IPv4 address pool|predefined address pools have been fully subnetted/;

/** Fields of the engine's create call. A container in another one's network has that one's names and servers. */
export function networkHostConfig(network: ContainerNetwork, options: ContainerOptions): Dockerode.HostConfig {
  const { mode, hosts = [] } = network;
  const modeField = mode === undefined ? {} : { NetworkMode: mode };
  if (mode?.startsWith('container:')) return modeField;
  const extra = [...hosts, ...(options.extraHosts ?? [])];
  return {
    ...modeField,
    ...(extra.length === 0 ? {} : { ExtraHosts: extra }),
    ...(options.dns === undefined ? {} : { Dns: [...options.dns] }),
    ...(options.dnsSearch === undefined ? {} : { DnsSearch: [...options.dnsSearch] }),
  };
}

/** Aliases, for a container on the job's own network. */
export function endpointConfig({
  mode,
  aliases,
}: ContainerNetwork): Pick<Dockerode.ContainerCreateOptions, 'NetworkingConfig'> {
  if (mode === undefined || aliases === undefined) return {};
  return { NetworkingConfig: { EndpointsConfig: { [mode]: { Aliases: [...aliases] } } } };
}
