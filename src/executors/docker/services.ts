import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobSpec } from '../../model/job-spec.ts';
import type { Service } from '../../model/pipeline.ts';
import type { LogSink } from '../../model/ports.ts';
import { monotonicMs } from '../../util/monotonic.ts';
import { type ContainerLimits, entrypointOf, hostConfig } from './container-config.ts';
import type { Engine } from './engine.ts';
import { type ImageFacts, type Images, say } from './images.ts';
import { labelsFor } from './labels.ts';
import { withTag } from './pull.ts';

/** What services need to be started. */
export interface ServicesPlace {
  readonly engine: Engine;
  readonly images: Images;
  readonly job: JobSpec;
  readonly limits: ContainerLimits;
  /** Name of the job's own network. */
  readonly network: string;
  /** Start of the containers' names. */
  readonly name: string;
  /** How long to wait until a service takes connections, milliseconds. */
  readonly readyTimeoutMs: number;
  /** Told of each container as soon as it is there, so that it gets removed. */
  readonly onCreated: (container: string) => void;
}

/**
 * Names by which a service is reached: its image without tag and port, `/` as `__` and as `-`, then its aliases.
 * Source: https://docs.gitlab.com/ci/services/#accessing-the-services
 */
export function serviceAliases(service: Service): readonly string[] {
  const name = service.name.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  const [first = '', ...rest] = name.split('/');
  const path = [rest.length > 0 ? first.replace(/:\d+$/, '') : first, ...rest].join('/');
  return [...new Set([path.replaceAll('/', '__'), path.replaceAll('/', '-'), ...service.aliases])];
}

/** Starts all services at once and waits until they take connections; one that does not is only warned about. */
export async function startServices(place: ServicesPlace, out: LogSink, signal: AbortSignal): Promise<void> {
  const taken = new Set(['build']);
  const started: Promise<void>[] = [];
  for (const [index, service] of place.job.services.entries()) {
    const free: string[] = [];
    for (const alias of serviceAliases(service)) {
      if (taken.has(alias)) await say(out, `WARNING: Service ${service.name}: the alias ${alias} is taken already`);
      else free.push(alias);
      taken.add(alias);
    }
    if (free.length === 0) {
      await say(out, `WARNING: Service ${service.name} is not started: none of its aliases is free`);
      continue;
    }
    await say(out, `Starting service ${withTag(service.name)} ...`);
    started.push(startService(place, service, index, free, out, signal));
  }
  // All of them, so that none is still being made when the job is given up.
  for (const result of await Promise.allSettled(started)) {
    if (result.status === 'rejected') throw result.reason;
  }
}

async function startService(
  place: ServicesPlace,
  service: Service,
  index: number,
  aliases: readonly string[],
  out: LogSink,
  signal: AbortSignal,
): Promise<void> {
  const { engine, network } = place;
  const facts = await place.images.ensure(service, out, signal);
  let id: string;
  let end: WatchedEnd | undefined;
  try {
    const container = await engine.api.createContainer({
      name: `${place.name}-service-${index}`,
      Image: withTag(service.name),
      Labels: labelsFor(place.job, 'service'),
      Env: serviceEnvironment(place.job, service),
      ...(service.command === undefined ? {} : { Cmd: [...service.command] }),
      ...entrypointOf(service),
      ...(service.user === undefined ? {} : { User: service.user }),
      ...(service.platform === undefined ? {} : { platform: service.platform }),
      HostConfig: { ...hostConfig({ privileged: place.limits.privileged ?? false }), NetworkMode: network },
      NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [...aliases] } } },
    });
    id = container.id;
    place.onCreated(id);
    signal.throwIfAborted();
    end = await engine.watchEnd(id);
    await container.start();
  } catch (error) {
    end?.close();
    throw engine.failure(`start service ${service.name}`, error);
  }
  const problem = (await endsAtOnce(end)) ?? (await waitUntilReady(place, id, facts, signal));
  end.close();
  if (problem !== undefined) await warn(engine, id, service, problem, out);
}

type WatchedEnd = Awaited<ReturnType<Engine['watchEnd']>>;

/** A service that can't even start its program says so by ending within this time, milliseconds. */
const firstMomentMs = 300;

/** Nothing tells of a service without a port or health check but its end. */
async function endsAtOnce(end: WatchedEnd): Promise<string | undefined> {
  const over = new AbortController();
  try {
    const code = await Promise.race([end.exitCode, sleep(firstMomentMs, undefined, { signal: over.signal })]);
    return code === undefined ? undefined : `it ended with exit code ${code}`;
  } finally {
    over.abort();
  }
}

/** The engine shows a service's environment to anybody, so masked variables of the job are not in it. */
function serviceEnvironment(job: JobSpec, service: Service): string[] {
  const env = new Map<string, string>();
  for (const { name, value, masked, file } of job.variables) {
    if (masked || file) env.delete(name);
    else env.set(name, value);
  }
  for (const { name, value } of service.variables) env.set(name, value);
  return [...env].map(([name, value]) => `${name}=${value}`);
}

/** @returns why the service seems not to be ready, or undefined. */
async function waitUntilReady(
  place: ServicesPlace,
  id: string,
  facts: ImageFacts,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { engine, readyTimeoutMs } = place;
  const [port] = facts.tcpPorts;
  const probes = port !== undefined && (await engine.reachesContainers());
  if (!facts.hasHealthCheck && !probes) return undefined;
  const until = monotonicMs() + readyTimeoutMs;
  for (let waitMs = 20; ; waitMs = Math.min(waitMs * 2, 500)) {
    signal.throwIfAborted();
    const { State, NetworkSettings } = await engine.api.getContainer(id).inspect();
    if (!State.Running) return `it ended with exit code ${State.ExitCode}`;
    const address = NetworkSettings.Networks[place.network]?.IPAddress;
    if (facts.hasHealthCheck) {
      if (State.Health?.Status === 'healthy') return undefined;
      if (State.Health?.Status === 'unhealthy') return 'its health check fails';
    } else if (address === undefined || address === '' || (await accepts(address, port!))) return undefined;
    if (monotonicMs() > until) {
      const seconds = readyTimeoutMs / 1000;
      return facts.hasHealthCheck
        ? `its health check has not passed after ${seconds} s`
        : `port ${port} takes no connections after ${seconds} s`;
    }
    await sleep(waitMs, undefined, { signal });
  }
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}

async function warn(engine: Engine, id: string, service: Service, problem: string, out: LogSink): Promise<void> {
  const tail = await engine.api
    .getContainer(id)
    .logs({ stdout: true, stderr: true, tail: 50, follow: false })
    .then(
      (logs) => withoutHeaders(logs),
      () => '',
    );
  const stars = '*********';
  const lines = [
    '',
    `*** WARNING: Service ${service.name} probably didn't start properly: ${problem}.`,
    '',
    tail.trimEnd(),
  ];
  await say(out, [...lines, '', stars, ''].join('\n'));
}

/** Each piece of a container's log comes after 8 bytes: stream and length. */
function withoutHeaders(logs: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= logs.length; ) {
    const length = logs.readUInt32BE(at + 4);
    pieces.push(logs.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(pieces).toString('utf8');
}
