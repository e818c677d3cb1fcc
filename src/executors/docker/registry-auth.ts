import { join } from 'node:path';
import { isRecord, readJson } from './engine-address.ts';

/** Credentials as the engine's pull takes them. */
export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
}

/**
 * Credentials for an image from the `auths` of Docker's `config.json`; the longest matching path wins. Undefined: pull
 * without. Credential helpers are not asked.
 */
export async function registryAuth(image: string, configDirectory: string): Promise<RegistryAuth | undefined> {
  const config = await readJson(join(configDirectory, 'config.json'));
  const auths = isRecord(config) ? config.auths : undefined;
  if (!isRecord(auths)) return undefined;
  const wanted = registryPath(image);
  let best: RegistryAuth | undefined;
  let bestLength = -1;
  for (const [key, entry] of Object.entries(auths)) {
    const path = key.replace(/^https?:\/\//, '').replace(/\/(v1|v2)?\/?$/, '');
    const place = path === 'index.docker.io' || path === 'registry-1.docker.io' ? 'docker.io' : path;
    if (wanted !== place && !wanted.startsWith(`${place}/`)) continue;
    const auth = isRecord(entry) ? decode(entry, key) : undefined;
    if (auth !== undefined && place.length > bestLength) {
      best = auth;
      bestLength = place.length;
    }
  }
  return best;
}

/** `docker.io/library/node` for `node:20`. */
function registryPath(image: string): string {
  const name = image.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  const [first = '', ...rest] = name.split('/');
  if (rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost')) return name;
  return rest.length === 0 ? `docker.io/library/${name}` : `docker.io/${name}`;
}

function decode(entry: Readonly<Record<string, unknown>>, serveraddress: string): RegistryAuth | undefined {
  if (typeof entry.username === 'string' && typeof entry.password === 'string') {
    return { username: entry.username, password: entry.password, serveraddress };
  }
  if (typeof entry.auth !== 'string' || entry.auth === '') return undefined;
  const text = Buffer.from(entry.auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, ''), serveraddress };
}
