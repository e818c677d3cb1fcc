import { platform } from 'node:os';
import type { Duplex, Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { SystemError } from '../../model/outcome.ts';
import { defaultAnswerLimitMs, limitCalls } from './call-limits.ts';
import { type EngineAddress, type EngineCandidate, type EngineLocation, engineCandidates } from './engine-address.ts';

/** An engine that answered, and calls that Dockerode has not in the form needed here. */
export interface Engine {
  readonly api: Dockerode;
  /** As the user would write the address. */
  readonly text: string;
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
  watchEnd(container: string): Promise<{ readonly exitCode: Promise<number>; close(): void }>;
  /** Starts a prepared exec and joins its input and output. */
  attachExec(exec: string): Promise<Duplex>;
  /** The engine's error as a SystemError that names it; SystemErrors and abort reasons stay as they are. */
  failure(doing: string, error: unknown): unknown;
}

export interface EngineFacts {
  /** `linux` or `windows`. */
  readonly system: string;
  /** `seccomp`, `apparmor`, `rootless`, `userns`, `selinux` … */
  readonly security: readonly string[];
  /** Where the engine keeps its files, on its own machine. */
  readonly rootDirectory: string;
  /** Docker Desktop runs its engine in a virtual machine. */
  readonly isDesktop: boolean;
}

/**
 * Finds the engine: the first candidate that answers a ping.
 * @throws SystemError runner_system_failure that names everything that was tried.
 */
export async function connectEngine(location: EngineLocation, answerLimitMs = defaultAnswerLimitMs): Promise<Engine> {
  let candidates: readonly EngineCandidate[];
  try {
    candidates = await engineCandidates(location);
  } catch (error) {
    throw new SystemError('runner_system_failure', messageOf(error), { cause: error, hint: noEngineHint });
  }
  const tried: string[] = [];
  const { default: Docker } = await import('dockerode');
  for (const { source, text, address } of candidates) {
    const api = new Docker(dockerodeOptions(address));
    try {
      await withTimeout(api.ping(), 5000);
      return makeEngine(api, text, address, answerLimitMs);
    } catch (error) {
      tried.push(`${text} (${source}): ${shortReason(error)}`);
    }
  }
  throw new SystemError('runner_system_failure', `no container engine answers; tried ${tried.join('; ')}`, {
    hint: noEngineHint,
  });
}

/** What is said when the engine goes away in the middle of something. */
export const connectionBroke = 'the connection broke (did the engine stop?)';
const noEngineHint = 'start Docker or Podman, set DOCKER_HOST, or run the jobs without containers: `-e shell`';

type DialRequest = Parameters<Dockerode['modem']['dial']>[0];

function makeEngine(api: Dockerode, text: string, address: EngineAddress, answerLimitMs: number): Engine {
  limitCalls(api.modem, answerLimitMs);
  const dial = (request: DialRequest): Promise<Readable> =>
    new Promise((resolve, reject) => {
      api.modem.dial(request, (error: unknown, result: unknown) =>
        error ? reject(error) : resolve(result as Readable),
      );
    });
  let facts: Promise<EngineFacts> | undefined;
  const isPlainSocket = address.kind === 'socket' && platform() === 'linux';
  const factsOnce = (): Promise<EngineFacts> => {
    facts ??= readFacts(api);
    return facts;
  };
  return {
    api,
    text,
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
    attach: async (container) => {
      const options = { stream: true, hijack: true, stdin: true, stdout: true, stderr: true };
      return (await api.getContainer(container).attach(options)) as Duplex;
    },
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
    attachExec: async (exec) => (await api.getExec(exec).start({ hijack: true, stdin: true })) as Duplex,
    failure: (doing, error) => engineFailure(text, doing, error),
  };
}

async function readFacts(api: Dockerode): Promise<EngineFacts> {
  const info = (await api.info()) as {
    readonly OSType?: string;
    readonly OperatingSystem?: string;
    readonly SecurityOptions?: readonly string[] | null;
    readonly DockerRootDir?: string;
  };
  return {
    system: info.OSType ?? '',
    security: (info.SecurityOptions ?? []).map((option) => option.replace(/^name=/, '').replace(/,.*$/, '')),
    rootDirectory: info.DockerRootDir ?? '',
    isDesktop: info.OperatingSystem?.includes('Docker Desktop') ?? false,
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

function engineFailure(text: string, doing: string, error: unknown): unknown {
  if (error instanceof SystemError || (error instanceof Error && error.name === 'AbortError')) return error;
  return new SystemError('runner_system_failure', `container engine ${text}: cannot ${doing}: ${shortReason(error)}`, {
    cause: error,
  });
}

/** Dockerode looks at DOCKER_HOST by itself unless everything is given. */
function dockerodeOptions(address: EngineAddress): Dockerode.DockerOptions {
  if (address.kind === 'socket')
    return { socketPath: address.path, host: undefined, port: undefined, protocol: 'http' };
  if (address.kind === 'tcp') {
    const { host, port, tls } = address;
    return { host, port, protocol: tls === undefined ? 'http' : 'https', ...tls };
  }
  const { host, port, user, agent } = address;
  const sshOptions = agent === undefined ? {} : { sshOptions: { agent } };
  return { host, port, protocol: 'ssh', ...(user === '' ? {} : { username: user }), ...sshOptions };
}

/** Status of an engine's HTTP error; undefined for other errors. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null | undefined)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** The engine's own words, without Dockerode's prefix. */
export function shortReason(error: unknown): string {
  const json = (error as { json?: { message?: unknown } } | null | undefined)?.json;
  if (typeof json?.message === 'string') return json.message.trim();
  const code = (error as { code?: unknown } | null | undefined)?.code;
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'not there',
    ECONNREFUSED: 'nobody listens',
    EACCES: 'permission denied (is your user in the group `docker`?)',
    ECONNRESET: connectionBroke,
    EPIPE: connectionBroke,
  };
  const words = typeof code === 'string' ? known[code] : undefined;
  const text = messageOf(error).replace(/^\(HTTP code \d+\) .*? - /, '');
  return words ?? (text || String(code ?? 'no reason given'));
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim();
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
