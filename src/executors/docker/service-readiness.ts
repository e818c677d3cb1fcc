import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobSpec } from '../../model/job-spec.ts';
import type { Service } from '../../model/pipeline.ts';
import { anySignal } from '../../util/any-signal.ts';
import { type Engine, statusOf } from './engine.ts';
import type { ImageFacts } from './image-facts.ts';
import type { JobNetwork } from './job-network.ts';
import { probePorts } from './port-probe.ts';

/** A service that was started, and how to tell whether it is ready. */
export interface ServiceToWaitFor {
  readonly engine: Engine;
  readonly job: JobSpec;
  readonly network: JobNetwork;
  /** Start of the containers' names. */
  readonly name: string;
  /** Milliseconds; 0: it is not waited for. */
  readonly readyTimeoutMs: number;
  readonly onCreated: (container: string) => void;
  /** The service's container. */
  readonly id: string;
  readonly service: Service;
  readonly facts: ImageFacts;
  readonly environment: ReadonlyMap<string, string>;
  readonly end: Awaited<ReturnType<Engine['watchEnd']>>;
}

/** A service of which nothing can be asked shows within this time that it can't even start, milliseconds. */
const firstMomentMs = 300;

/**
 * Waits until a service's health check passes or one of its ports takes connections.
 * @returns why it seems not to be ready, or undefined.
 * @throws SystemError, or the signal's reason.
 */
export async function waitForService(given: ServiceToWaitFor, signal: AbortSignal): Promise<string | undefined> {
  const { readyTimeoutMs, end, engine } = given;
  const check = checkOf(given);
  const over = new AbortController();
  using either = anySignal([signal, over.signal]);
  const { signal: stop } = either;
  const racing: Promise<string | undefined>[] = [
    end.exitCode.then((code) => `it ended with exit code ${code}`),
    check === undefined
      ? sleep(Math.min(firstMomentMs, readyTimeoutMs), undefined, { signal: stop })
      : sleep(readyTimeoutMs, late(check, readyTimeoutMs), { signal: stop }),
    ...(check === undefined ? [] : [isReady(given, check, stop)]),
  ];
  for (const each of racing) each.catch(() => {});
  try {
    return await Promise.race(racing);
  } catch (error) {
    signal.throwIfAborted();
    throw engine.failure(`wait for service ${given.service.name}`, error);
  } finally {
    over.abort();
  }
}

type Check =
  /** A command inside that says so by exit code 0. */
  | { readonly kind: 'health'; readonly command: readonly string[] }
  /** One of them is enough: images name ports that they only use when told to. */
  | { readonly kind: 'ports'; readonly ports: readonly number[] };

/** A variable of GitLab Runner's: https://docs.gitlab.com/ci/services/#how-the-health-check-of-services-works */
const portVariable = 'HEALTHCHECK_TCP_PORT';

/** The port that its variable names, if that is one. */
function namedPort(environment: ReadonlyMap<string, string>): number | undefined {
  const port = Number(environment.get(portVariable));
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

/** Is there a word in the place of the port to wait for? */
export function namesNoPort(environment: ReadonlyMap<string, string>): boolean {
  return (environment.get(portVariable) ?? '') !== '' && namedPort(environment) === undefined;
}

function checkOf({ facts, environment, readyTimeoutMs }: ServiceToWaitFor): Check | undefined {
  if (readyTimeoutMs === 0) return undefined;
  const port = namedPort(environment);
  if (port !== undefined) return { kind: 'ports', ports: [port] };
  const command = healthCommand(facts.healthCheck);
  if (command !== undefined) return { kind: 'health', command };
  return facts.tcpPorts.length === 0 ? undefined : { kind: 'ports', ports: facts.tcpPorts };
}

function healthCommand(test: readonly string[] | undefined): readonly string[] | undefined {
  const [kind, ...words] = test ?? [];
  if (kind === 'CMD') return words;
  return kind === 'CMD-SHELL' ? ['/bin/sh', '-c', words.join(' ')] : undefined;
}

function late(check: Check, timeoutMs: number): string {
  const seconds = timeoutMs / 1000;
  if (check.kind === 'health') return `its health check has not passed after ${seconds} s`;
  const { ports } = check;
  if (ports.length === 1) return `port ${ports[0]} takes no connections after ${seconds} s`;
  return `none of its ports ${ports.join(', ')} takes connections after ${seconds} s`;
}

/** Resolves with undefined as soon as the check passes. */
async function isReady(given: ServiceToWaitFor, check: Check, signal: AbortSignal): Promise<undefined> {
  if (check.kind === 'health') return poll(() => passes(given, check.command), signal);
  const address = await reachableAddress(given);
  if (address === undefined) return probePorts(given, check.ports, signal);
  return poll(async () => {
    const answers = await Promise.all(check.ports.map((port) => accepts(address, port)));
    return answers.includes(true);
  }, signal);
}

async function poll(isSo: () => Promise<boolean>, signal: AbortSignal): Promise<undefined> {
  for (let waitMs = 20; !(await isSo()); waitMs = Math.min(waitMs * 2, 500)) {
    await sleep(waitMs, undefined, { signal });
  }
  return undefined;
}

/**
 * Runs an image's health check. The engine does so too, but at times of its own, often twice a minute: a job would wait
 * for that longer than for the service.
 */
async function passes(given: ServiceToWaitFor, command: readonly string[]): Promise<boolean> {
  try {
    return await runCheck(given, command);
  } catch (error) {
    // It is not running any more, or has no such program: its end, or the time, tells more.
    if (statusOf(error) === undefined) throw error;
    return false;
  }
}

async function runCheck({ engine, id }: ServiceToWaitFor, command: readonly string[]): Promise<boolean> {
  const exec = await engine.api.getContainer(id).exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
  const stream = await engine.attachExec(exec.id);
  stream.on('error', () => {});
  for await (const _ of stream) {
    // Until its end; what it says is of no use.
  }
  return (await exec.inspect()).ExitCode === 0;
}

/** Where this machine can connect to a service; undefined if it can't, as with engines in a virtual machine. */
async function reachableAddress({ engine, id, network: { services } }: ServiceToWaitFor): Promise<string | undefined> {
  if (!(await engine.reachesContainers())) return undefined;
  const container = services.at === 'network' ? id : services.holder;
  if (container === undefined) return undefined;
  const { NetworkSettings } = await engine.api.getContainer(container).inspect();
  const networks = Object.entries(NetworkSettings.Networks);
  const [, found] = networks.find(([name]) => services.at !== 'network' || name === services.name) ?? [];
  return found?.IPAddress || undefined;
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
