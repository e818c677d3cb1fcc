import type { IncomingMessage } from 'node:http';
import { platform } from 'node:os';
import type { Duplex, Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { SystemError } from '../../model/outcome.ts';
import { defaultAnswerLimitMs, limitCalls } from './call-limits.ts';
import { type EngineAddress, type EngineCandidate, type EngineLocation, engineCandidates } from './engine-address.ts';
import { type EngineClient, engineClient } from './engine-client.ts';
import { connectionBroke, engineFailure, messageOf, shortReason } from './engine-error.ts';
import { type EngineFacts, readEngineFacts } from './engine-facts.ts';
import { podmanTidied } from './podman-tidying.ts';

export { connectionBroke, shortReason, statusOf } from './engine-error.ts';
export type { EngineFacts } from './engine-facts.ts';

/** An engine that answered, and calls that Dockerode has not in the form needed here. */
export interface Engine {
  readonly api: Dockerode;
  /** As the user would write the address. */
  readonly text: string;
  /** Podman speaks Docker's language with an accent. */
  readonly kind: 'docker' | 'podman';
  /** The engine runs on this machine and its socket is a file: paths of this machine mean the same to it. */
  readonly isLocal: boolean;
  /** How long it may take to answer, milliseconds; calls that wait for something to happen have no limit. */
  readonly answerLimitMs: number;
  /** What the engine tells of itself, asked once. */
  facts(): Promise<EngineFacts>;
  /** Creates a container and gives its id. */
  create(options: Dockerode.ContainerCreateOptions): Promise<string>;
  /** Can this machine connect to a container's own address? Not where the engine runs in a virtual machine or rootless. */
  reachesContainers(): Promise<boolean>;
  /** Joins a container's input and output before it is started. */
  attach(container: string): Promise<Duplex>;
  /**
   * Resolves once the engine watches for the container's next end; `exitCode` then tells it. Asked for before the
   * start, so that a short life can't be missed.
   */
  watchEnd(container: string): Promise<WatchedEnd>;
  /** Resolves when a container that has ended may be joined and started again. */
  tidied(container: string): Promise<void>;
  /** Starts a prepared exec and joins its input and output. */
  attachExec(exec: string): Promise<Duplex>;
  /** The engine's error as a SystemError that names it; SystemErrors and abort reasons stay as they are. */
  failure(doing: string, error: unknown): unknown;
}

/** A container's end that is waited for. */
export interface WatchedEnd {
  readonly exitCode: Promise<number>;
  /** Stops waiting. */
  close(): void;
}

/** One address that was tried. */
export interface EngineAttempt extends Pick<EngineCandidate, 'source' | 'text'> {
  /** Why it is not the engine; absent for the one that is. */
  readonly problem?: string;
}

/** What came out of looking for the engine. */
export interface EngineSearch {
  readonly attempts: readonly EngineAttempt[];
  /** Absent: none of them answers. */
  readonly engine?: Engine;
}

/**
 * Finds the engine: the first candidate that answers a ping.
 * @throws SystemError runner_system_failure that names everything that was tried.
 */
export async function connectEngine(location: EngineLocation, answerLimitMs = defaultAnswerLimitMs): Promise<Engine> {
  const { engine, attempts } = await findEngine(location, answerLimitMs);
  if (engine !== undefined) return engine;
  const absent = attempts.filter(({ problem }) => problem === 'not there');
  const others = attempts.filter(({ problem }) => problem !== 'not there');
  const tried = others.map(({ text, source, problem }) => `${text} (${source}): ${problem}`);
  if (absent.length > 0) {
    const names = absent.map(({ text }) => text).join(', ');
    tried.push(`${names} (${absent[0]!.source}${absent.length > 1 ? 's' : ''}): not there`);
  }
  throw new SystemError('runner_system_failure', `no container engine answers; tried ${tried.join('; ')}`, {
    hint: noEngineHint,
  });
}

/**
 * Looks for the engine and tells of each address that was tried. Where several answer, the first one counts.
 * @throws SystemError runner_system_failure for a host or context that can't be understood.
 */
export async function findEngine(
  location: EngineLocation,
  answerLimitMs = defaultAnswerLimitMs,
): Promise<EngineSearch> {
  const attempts: EngineAttempt[] = [];
  for (const { source, text, address } of await candidatesOf(location)) {
    try {
      const client = await engineClient(address);
      const kind = await withTimeout(ping(client), address.kind === 'ssh' ? sshPatienceMs : patienceMs);
      attempts.push({ source, text });
      return { attempts, engine: makeEngine(client, kind, { text, address, answerLimitMs }) };
    } catch (error) {
      attempts.push({ source, text, problem: shortReason(error, address) });
    }
  }
  return { attempts };
}

async function candidatesOf(location: EngineLocation): Promise<readonly EngineCandidate[]> {
  try {
    return await engineCandidates(location);
  } catch (error) {
    throw new SystemError('runner_system_failure', messageOf(error), { cause: error, hint: noEngineHint });
  }
}

const noEngineHint =
  'start Docker or Podman, set DOCKER_HOST, or run the jobs without containers: `-e shell`; `ci doctor` tells more';

/** How long an engine may take to answer at all, milliseconds; over ssh somebody has to log in first. */
const patienceMs = 5000;
const sshPatienceMs = 40_000;

async function ping({ dial }: EngineClient): Promise<Engine['kind']> {
  const response = (await dial({
    path: '/_ping',
    method: 'GET',
    isStream: true,
    statusCodes: { 200: true, 500: 'server error' },
  })) as IncomingMessage;
  for await (const _ of response) {
    // Read so that the connection can be used again.
  }
  return response.headers['libpod-api-version'] === undefined ? 'docker' : 'podman';
}

function makeEngine(
  { api, dial }: EngineClient,
  kind: Engine['kind'],
  given: { readonly text: string; readonly address: EngineAddress; readonly answerLimitMs: number },
): Engine {
  const { text, address, answerLimitMs } = given;
  limitCalls(api.modem, answerLimitMs);
  let facts: Promise<EngineFacts> | undefined;
  const isPlainSocket = address.kind === 'socket' && platform() === 'linux';
  const factsOnce = (): Promise<EngineFacts> => {
    facts ??= readEngineFacts(api);
    return facts;
  };
  return {
    api,
    text,
    kind,
    isLocal: address.kind === 'socket',
    answerLimitMs,
    facts: factsOnce,
    create: async ({ name, platform: wanted, ...body }) => {
      const created = (await dial({
        path: '/containers/create?',
        method: 'POST',
        statusCodes: { 201: true },
        // Dockerode would write the whole body into the address too.
        options: { _query: { ...(name && { name }), ...(wanted && { platform: wanted }) }, _body: body },
      })) as unknown as { readonly Id: string };
      return created.Id;
    },
    reachesContainers: async () => {
      if (!isPlainSocket) return false;
      const { security, isDesktop } = await factsOnce();
      return !security.includes('rootless') && !isDesktop;
    },
    attach: async (container) =>
      (await dial({
        path: `/containers/${container}/attach?`,
        method: 'POST',
        hijack: true,
        // A request with a body, as Dockerode makes it, is answered by Podman with that body on the container's input.
        file: Buffer.alloc(0),
        statusCodes: { 101: true, 200: true, 400: 'bad parameter', 404: 'no such container', 500: 'server error' },
        options: { _query: { stream: true, stdin: true, stdout: true, stderr: true } },
      })) as Duplex,
    watchEnd: async (container) => {
      const response = await dial({
        path: `/containers/${container}/wait?`,
        method: 'POST',
        isStream: true,
        statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
        options: { _query: { condition: 'next-exit' }, _body: {} },
      });
      const exitCode = readExitCode(response);
      exitCode.catch(() => {});
      return { exitCode, close: () => response.destroy() };
    },
    tidied: async (container) => {
      if (kind === 'podman') await podmanTidied({ api, dial }, container);
    },
    attachExec: async (exec) => (await api.getExec(exec).start({ hijack: true, stdin: true })) as Duplex,
    failure: (doing, error) => engineFailure(text, address, doing, error),
  };
}

async function readExitCode(response: Readable): Promise<number> {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  if (text === '') throw new Error(connectionBroke);
  const { StatusCode, Error: failed } = JSON.parse(text) as { StatusCode: number; Error?: { Message?: string } | null };
  if (failed?.Message) throw new Error(failed.Message);
  return StatusCode;
}

async function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ms / 1000} s`)), ms);
  });
  promise.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
