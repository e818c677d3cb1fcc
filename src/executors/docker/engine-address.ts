import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where a container engine listens. */
export type EngineAddress =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls?: TlsFiles }
  | {
      readonly kind: 'ssh';
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly agent?: string;
    };

/** PEM texts. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** An address together with who named it, for messages. */
export interface EngineCandidate {
  /** `DOCKER_HOST`, `context desktop-linux`, `default socket` … */
  readonly source: string;
  /** As the user would write it: `unix:///var/run/docker.sock`. */
  readonly text: string;
  readonly address: EngineAddress;
}

/** What decides where the engine is; the values are those of the environment variables named. */
export interface EngineLocation {
  /** `DOCKER_HOST`. */
  readonly host?: string;
  /** `DOCKER_CONTEXT`. */
  readonly context?: string;
  /** `DOCKER_CERT_PATH`. */
  readonly certPath?: string;
  /** `DOCKER_TLS_VERIFY` is set and not empty. */
  readonly tlsVerify?: boolean;
  /** `SSH_AUTH_SOCK`, for `ssh://` hosts. */
  readonly sshAgent?: string;
  /** The user's home directory. */
  readonly home: string;
  /** `XDG_RUNTIME_DIR`. */
  readonly runtimeDirectory?: string;
  /** `DOCKER_CONFIG`; default `~/.docker`. */
  readonly configDirectory?: string;
}

/**
 * Addresses to try, in order. A host or context that the user named stands alone; else the current context; else the
 * well-known sockets of Docker (also rootless and Desktop) and Podman.
 * Source: https://docs.docker.com/engine/manage-resources/contexts/
 * @throws Error when a named host or context can't be understood.
 */
export async function engineCandidates(location: EngineLocation): Promise<readonly EngineCandidate[]> {
  if (location.host) return [await candidate('DOCKER_HOST', location.host, location, undefined)];
  const configDirectory = location.configDirectory ?? join(location.home, '.docker');
  const context = location.context || (await currentContext(configDirectory));
  if (context !== undefined && context !== 'default')
    return [await contextCandidate(context, configDirectory, location)];
  const sockets = ['/var/run/docker.sock', join(location.home, '.docker/run/docker.sock')];
  if (location.runtimeDirectory) {
    sockets.push(join(location.runtimeDirectory, 'docker.sock'), join(location.runtimeDirectory, 'podman/podman.sock'));
  }
  sockets.push('/run/podman/podman.sock');
  return sockets.map((path) => ({
    source: 'default socket',
    text: `unix://${path}`,
    address: { kind: 'socket', path },
  }));
}

async function currentContext(configDirectory: string): Promise<string | undefined> {
  const config = await readJson(join(configDirectory, 'config.json'));
  return isRecord(config) && typeof config.currentContext === 'string' && config.currentContext !== ''
    ? config.currentContext
    : undefined;
}

async function contextCandidate(
  name: string,
  configDirectory: string,
  location: EngineLocation,
): Promise<EngineCandidate> {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = await readJson(join(configDirectory, 'contexts/meta', id, 'meta.json'));
  const endpoints = isRecord(meta) ? meta.Endpoints : undefined;
  const docker = isRecord(endpoints) ? endpoints.docker : undefined;
  const host = isRecord(docker) ? docker.Host : undefined;
  if (typeof host !== 'string') throw new Error(`the Docker context \`${name}\` is not known in ${configDirectory}`);
  return candidate(`context ${name}`, host, location, join(configDirectory, 'contexts/tls', id, 'docker'));
}

async function candidate(
  source: string,
  text: string,
  location: EngineLocation,
  tlsDirectory: string | undefined,
): Promise<EngineCandidate> {
  if (text.startsWith('unix://')) {
    return { source, text, address: { kind: 'socket', path: text.slice(7) || '/var/run/docker.sock' } };
  }
  if (text.startsWith('/')) return { source, text, address: { kind: 'socket', path: text } };
  let url: URL;
  try {
    url = new URL(text.includes('://') ? text : `tcp://${text}`);
  } catch {
    throw new Error(
      `${source}: \`${text}\` is no address of an engine; expected unix://PATH, tcp://HOST:PORT or ssh://USER@HOST`,
    );
  }
  if (url.protocol === 'ssh:') {
    const agent = location.sshAgent === undefined ? {} : { agent: location.sshAgent };
    const user = decodeURIComponent(url.username);
    return { source, text, address: { kind: 'ssh', host: url.hostname, port: Number(url.port || 22), user, ...agent } };
  }
  if (!['tcp:', 'http:', 'https:'].includes(url.protocol)) {
    throw new Error(
      `${source}: \`${text}\`: engines are reached by unix, tcp or ssh, not by ${url.protocol.slice(0, -1)}`,
    );
  }
  const secure = url.protocol === 'https:' || location.tlsVerify === true || url.port === '2376';
  const directory = tlsDirectory ?? location.certPath ?? join(location.home, '.docker');
  const tls = secure ? { tls: await readTls(directory) } : await contextTls(tlsDirectory);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { source, text, address: { kind: 'tcp', host, port: Number(url.port || (secure ? 2376 : 2375)), ...tls } };
}

async function contextTls(directory: string | undefined): Promise<{ readonly tls?: TlsFiles }> {
  if (directory === undefined) return {};
  const tls = await readTls(directory);
  return Object.keys(tls).length === 0 ? {} : { tls };
}

async function readTls(directory: string): Promise<TlsFiles> {
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(join(directory, name), 'utf8').catch(() => undefined)),
  );
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** Parsed content of a JSON file; undefined if it is missing or no JSON. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Narrows parsed JSON to an object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
