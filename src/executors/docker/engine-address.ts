import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { currentContext, readContext } from './docker-context.ts';

/** Where a container engine listens. */
export type EngineAddress =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls?: TlsFiles }
  | {
      readonly kind: 'ssh';
      readonly host: string;
      /** Default: as the user's ssh is configured. */
      readonly port?: number;
      /** Default: as the user's ssh is configured. */
      readonly user?: string;
      /** Absolute path of the engine's socket on the other side; default: as the docker program there finds it. */
      readonly socket?: string;
      /** Environment of `ssh`. */
      readonly environment: Readonly<Record<string, string>>;
    };

/** PEM texts. */
export interface TlsFiles {
  /** Where they were looked for. */
  readonly directory: string;
  /** Absent: the system's own. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** `nothing`: the user's context says that the engine's certificate need not be looked at. */
  readonly verify: 'server' | 'nothing';
}

/** An address together with who named it, for messages. */
export interface EngineCandidate {
  /** `DOCKER_HOST`, `context desktop-linux`, `default socket` … */
  readonly source: string;
  /** As the user would write it: `unix:///var/run/docker.sock`. */
  readonly text: string;
  readonly address: EngineAddress;
}

export { isRecord, readJson } from './docker-context.ts';

/** What decides where the engine is; the values are those of the environment variables named. */
export interface EngineLocation {
  /** `DOCKER_HOST`. */
  readonly host?: string;
  /** `DOCKER_CONTEXT`. */
  readonly context?: string;
  /** `[docker] host` of the user's own settings. */
  readonly configuredHost?: string;
  /** `DOCKER_CERT_PATH`. */
  readonly certPath?: string;
  /** `DOCKER_TLS_VERIFY` is set and not empty. */
  readonly tlsVerify?: boolean;
  /** The user's home directory. */
  readonly home: string;
  /** `XDG_RUNTIME_DIR`. */
  readonly runtimeDirectory?: string;
  /** `DOCKER_CONFIG`; default `~/.docker`. */
  readonly configDirectory?: string;
  /** User id of this process. */
  readonly uid?: number;
  /** The user's environment, for `ssh`; default: empty. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * Addresses to try, in order. A host or context that the user named stands alone; else the current context; else the
 * well-known sockets of Docker (also rootless and Desktop), Podman, Colima, OrbStack, Rancher Desktop and Lima.
 * Source: https://docs.docker.com/engine/manage-resources/contexts/
 * @throws Error when a named host or context can't be understood.
 */
export async function engineCandidates(location: EngineLocation): Promise<readonly EngineCandidate[]> {
  const { host, context, configuredHost, home } = location;
  if (host) return [await candidate('DOCKER_HOST', host, location)];
  const configDirectory = location.configDirectory ?? join(home, '.docker');
  if (context && context !== 'default') return [await contextCandidate('DOCKER_CONTEXT', context, location)];
  if (configuredHost) return [await candidate('[docker] host', configuredHost, location)];
  const current = context || (await currentContext(configDirectory));
  if (current !== undefined && current !== 'default') return [await contextCandidate('context', current, location)];
  return wellKnownSockets(location).map((path) => ({
    source: 'default socket',
    text: `unix://${path}`,
    address: { kind: 'socket', path },
  }));
}

function wellKnownSockets({ home, runtimeDirectory, uid }: EngineLocation): readonly string[] {
  const runtime = runtimeDirectory || (uid === undefined || uid === 0 ? undefined : `/run/user/${uid}`);
  const inHome = [
    '.colima/default/docker.sock',
    '.config/colima/default/docker.sock',
    '.orbstack/run/docker.sock',
    '.rd/docker.sock',
    '.lima/docker/sock/docker.sock',
    '.local/share/containers/podman/machine/podman.sock',
  ];
  return [
    '/var/run/docker.sock',
    join(home, '.docker/run/docker.sock'),
    ...(runtime === undefined ? [] : [join(runtime, 'docker.sock'), join(runtime, 'podman/podman.sock')]),
    '/run/podman/podman.sock',
    // Long names of programs that few have are no help to the others.
    ...inHome.map((path) => join(home, path)).filter((path) => existsSync(path)),
  ];
}

async function contextCandidate(source: string, name: string, location: EngineLocation): Promise<EngineCandidate> {
  const configDirectory = location.configDirectory ?? join(location.home, '.docker');
  const { host, tlsDirectory, verify } = await readContext(name, configDirectory);
  return candidate(source === 'context' ? `context ${name}` : `${source} ${name}`, host, location, {
    directory: tlsDirectory,
    verify,
  });
}

async function candidate(
  source: string,
  text: string,
  location: EngineLocation,
  context?: Pick<TlsFiles, 'directory' | 'verify'>,
): Promise<EngineCandidate> {
  if (text.startsWith('unix://')) {
    return { source, text, address: { kind: 'socket', path: text.slice(7) || '/var/run/docker.sock' } };
  }
  if (text.startsWith('/')) return { source, text, address: { kind: 'socket', path: text } };
  const url = parseUrl(source, text);
  switch (url.protocol) {
    case 'ssh:':
      return { source, text: withoutPassword(text), address: sshAddress(source, url, text, location) };
    case 'tcp:':
    case 'http:':
    case 'https:':
      return { source, text: withoutPassword(text), address: await tcpAddress(url, text, location, context) };
    case 'npipe:':
      throw new Error(
        `${source}: \`${withoutPassword(text)}\` is a named pipe of Windows: run ci inside of WSL, where the engine's socket is, or set DOCKER_HOST`,
      );
    default:
      throw new Error(
        `${source}: \`${withoutPassword(text)}\`: engines are reached by unix, tcp or ssh, not by ${url.protocol.slice(0, -1)}`,
      );
  }
}

function parseUrl(source: string, text: string): URL {
  try {
    return new URL(text.includes('://') ? text : `tcp://${text}`);
  } catch {
    throw new Error(
      `${source}: \`${withoutPassword(text)}\` is no address of an engine; expected unix://PATH, tcp://HOST:PORT or ssh://USER@HOST`,
    );
  }
}

/** Also of what is no address at all. */
function withoutPassword(text: string): string {
  return text.replace(/^(\w+:\/\/)?([^:/@]*):(?!\/\/).*@/s, '$1$2@');
}

/** What a password in the address would be for, no `ssh` can be told. */
function sshAddress(source: string, url: URL, text: string, location: EngineLocation): EngineAddress {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const user = decodeURIComponent(url.username);
  if (host === '' || host.startsWith('-') || user.startsWith('-')) {
    throw new Error(`${source}: \`${withoutPassword(text)}\` names no host for ssh`);
  }
  return {
    kind: 'ssh',
    host,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    ...(user === '' ? {} : { user }),
    ...(url.pathname === '' || url.pathname === '/' ? {} : { socket: decodeURIComponent(url.pathname) }),
    environment: location.environment ?? {},
  };
}

/** An URL forgets the port that is its protocol's own. */
function writtenPort(text: string): string | undefined {
  return /^(?:\w+:\/\/)?[^/]*:(\d+)(?:\/|$)/.exec(text)?.[1];
}

/** As the docker command does, but for port 2376, which is TLS's alone and which no engine serves without. */
async function tcpAddress(
  url: URL,
  text: string,
  location: EngineLocation,
  context: Pick<TlsFiles, 'directory' | 'verify'> | undefined,
): Promise<EngineAddress> {
  const secure = url.protocol === 'https:' || location.tlsVerify === true || writtenPort(text) === '2376';
  const directory = context?.directory ?? location.certPath ?? join(location.home, '.docker');
  const files = secure || context !== undefined ? await readTls(directory) : {};
  const isTls = secure || context?.verify === 'nothing' || Object.keys(files).length > 0;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(writtenPort(text) ?? (isTls ? 2376 : 2375));
  const tls = { directory, verify: context?.verify ?? ('server' as const), ...files };
  return { kind: 'tcp', host, port, ...(isTls ? { tls } : {}) };
}

/** @throws Error for a file that is there and can't be read: without it the engine would only say no. */
async function readTls(directory: string): Promise<Pick<TlsFiles, 'ca' | 'cert' | 'key'>> {
  const files: { ca?: string; cert?: string; key?: string } = {};
  for (const name of ['ca', 'cert', 'key'] as const) {
    try {
      files[name] = await readFile(join(directory, `${name}.pem`), 'utf8');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (!['ENOENT', 'ENOTDIR'].includes(code)) {
        throw new Error(`${join(directory, `${name}.pem`)} can't be read: ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
  }
  return files;
}
