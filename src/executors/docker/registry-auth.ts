import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dockerHost, type ImageName } from '../../model/image-name.ts';
import type { RegistryCredentials } from '../../model/job-spec.ts';
import type { CredentialHelpers } from './credential-helper.ts';
import { isRecord } from './engine-address.ts';

/** Credentials as the engine's pull takes them. */
export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  /** In place of a password. */
  readonly identitytoken?: string;
  readonly registrytoken?: string;
  readonly serveraddress: string;
}

/** A login for a registry, and who has it. */
export interface RegistryLogin {
  readonly auth: RegistryAuth;
  /** For people: `/home/me/.docker/config.json`, `DOCKER_AUTH_CONFIG`. */
  readonly source: string;
}

/** Where the user keeps logins. */
export interface LoginPlaces {
  /** Docker's configuration directory. */
  readonly configDirectory: string;
  /** `DOCKER_AUTH_CONFIG` of the user's own environment: what else stands in a `config.json`. */
  readonly authConfig?: string;
  readonly helpers: CredentialHelpers;
}

/** What one job adds. */
export interface JobLogin {
  /** Its variable `DOCKER_AUTH_CONFIG`. */
  readonly authConfig?: string;
  /** What the server has sent along with it. */
  readonly credentials?: readonly RegistryCredentials[];
  /** Told of what can't be used; nothing secret is in it. */
  warn(text: string): void;
}

/**
 * A login for an image: the job's `DOCKER_AUTH_CONFIG`, the user's own, then Docker's `config.json`, then what came with
 * the job; the longest path wins, and for one path the first of these. Undefined: pull without.
 * Source: https://docs.gitlab.com/ci/docker/using_docker_images/#access-an-image-from-a-private-container-registry
 */
export async function findLogin(
  image: ImageName,
  places: LoginPlaces,
  job: JobLogin,
): Promise<RegistryLogin | undefined> {
  const sources = await readSources(places, job);
  for (let path = image.path; path !== ''; path = path.slice(0, Math.max(0, path.lastIndexOf('/')))) {
    for (const source of sources) {
      const auth = await authAt(path, image, source, places.helpers, job);
      if (auth !== undefined) return { auth, source: source.name };
    }
  }
  return undefined;
}

/** The login that the pipeline file names for an image; undefined: a part of it is empty, so it is none. */
export function givenLogin(
  image: ImageName,
  { username, password }: { readonly username: string; readonly password: string },
): RegistryLogin | undefined {
  if (username === '' || password === '') return undefined;
  const serveraddress = image.registry === 'docker.io' ? 'https://index.docker.io/v1/' : image.registry;
  return { auth: { username, password, serveraddress }, source: 'the pipeline file' };
}

/** What of a login must never be seen. */
export function secretsOf({ auth }: RegistryLogin): readonly string[] {
  return [auth.password, auth.identitytoken, auth.registrytoken].flatMap((one) => one || []);
}

interface Entry {
  /** As written in the file: helpers know a registry by it. */
  readonly key: string;
  readonly value: unknown;
}

interface LoginSource {
  readonly name: string;
  /** By path. */
  readonly auths: ReadonlyMap<string, Entry>;
  readonly helpers: ReadonlyMap<string, Entry>;
  readonly store: string | undefined;
  /** Programs are started for the user's own configuration alone: a pipeline file may not choose what runs here. */
  readonly mayRun: boolean;
}

async function readSources(places: LoginPlaces, job: JobLogin): Promise<readonly LoginSource[]> {
  const path = join(places.configDirectory, 'config.json');
  const file = await readFile(path, 'utf8').catch(() => undefined);
  const given = [
    { text: job.authConfig, name: "the job's DOCKER_AUTH_CONFIG", mayRun: false },
    { text: places.authConfig, name: 'DOCKER_AUTH_CONFIG', mayRun: true },
    { text: file, name: path, mayRun: true },
  ];
  const read = given.flatMap(({ text, name, mayRun }) => {
    if (text === undefined || text.trim() === '') return [];
    const config = parse(text);
    if (config !== undefined) return [sourceOf(config, name, mayRun)];
    // The parser's own message would show a part of it.
    job.warn(`${name} is no JSON object, so no login is taken from it`);
    return [];
  });
  return [...read, sourceOf({ auths: Object.fromEntries(sent(job)) }, "the job's credentials", false)];
}

function sent({ credentials = [] }: JobLogin): readonly (readonly [string, unknown])[] {
  return credentials.map(({ registry, username, password }) => [registry, { username, password }]);
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function sourceOf(config: Readonly<Record<string, unknown>>, name: string, mayRun: boolean): LoginSource {
  const { auths, credHelpers, credsStore } = config;
  const store = typeof credsStore === 'string' && credsStore !== '' ? credsStore : undefined;
  return { name, mayRun, auths: byPath(auths), helpers: byPath(credHelpers), store };
}

function byPath(entries: unknown): ReadonlyMap<string, Entry> {
  if (!isRecord(entries)) return new Map();
  return new Map(Object.entries(entries).map(([key, value]) => [pathOf(key), { key, value }]));
}

/** `https://index.docker.io/v1/` → `docker.io`; addresses stand for their whole host. */
function pathOf(key: string): string {
  const isAddress = /^https?:\/\//i.test(key);
  const [host = '', ...rest] = key.replace(/^https?:\/\//i, '').split('/');
  const below = rest.join('/').replace(/\/$/, '');
  const isWhole = isAddress || below === '' || /^v[12]$/.test(below);
  return isWhole ? dockerHost(host.toLowerCase()) : `${dockerHost(host.toLowerCase())}/${below}`;
}

/** A helper for the path, then the store of all logins, then what stands in the file itself. */
async function authAt(
  path: string,
  image: ImageName,
  source: LoginSource,
  helpers: CredentialHelpers,
  job: JobLogin,
): Promise<RegistryAuth | undefined> {
  const own = source.auths.get(path);
  const helper = source.helpers.get(path);
  if (typeof helper?.value === 'string') {
    const auth = await askedAuth(helper.value, helper.key, source, helpers, job);
    if (auth !== undefined) return auth;
  } else if (source.store !== undefined && (own !== undefined || path === image.registry)) {
    const server = own?.key ?? (path === 'docker.io' ? 'https://index.docker.io/v1/' : path);
    const auth = await askedAuth(source.store, server, source, helpers, job);
    if (auth !== undefined) return auth;
  }
  return own !== undefined && isRecord(own.value) ? writtenAuth(own.value, own.key) : undefined;
}

async function askedAuth(
  helper: string,
  server: string,
  source: LoginSource,
  helpers: CredentialHelpers,
  job: JobLogin,
): Promise<RegistryAuth | undefined> {
  if (!source.mayRun) {
    job.warn(
      `${source.name} names the credential helper \`${helper}\`, which is not run for a job; ` +
        'set DOCKER_AUTH_CONFIG in your own environment, or name it in your own config.json',
    );
    return undefined;
  }
  const answer = await helpers.ask(helper, server);
  if (answer.kind === 'failed') job.warn(`${answer.why}; going on without a login of ${source.name} for ${server}`);
  if (answer.kind !== 'found') return undefined;
  const { username, secret } = answer;
  return username === '<token>'
    ? { identitytoken: secret, serveraddress: server }
    : { username, password: secret, serveraddress: server };
}

function writtenAuth(entry: Readonly<Record<string, unknown>>, serveraddress: string): RegistryAuth | undefined {
  const { username, password } = { username: text(entry.username), password: text(entry.password), ...decoded(entry) };
  const identitytoken = text(entry.identitytoken);
  const registrytoken = text(entry.registrytoken);
  const hasPassword = username !== undefined && password !== undefined;
  if (!hasPassword && identitytoken === undefined && registrytoken === undefined) return undefined;
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(identitytoken === undefined ? {} : { identitytoken }),
    ...(registrytoken === undefined ? {} : { registrytoken }),
    serveraddress,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function decoded({ auth }: Readonly<Record<string, unknown>>): { username?: string; password?: string } {
  if (typeof auth !== 'string') return {};
  const plain = Buffer.from(auth, 'base64').toString('utf8');
  const colon = plain.indexOf(':');
  if (colon < 1) return {};
  return { username: plain.slice(0, colon), password: plain.slice(colon + 1).replace(/\0+$/, '') };
}
