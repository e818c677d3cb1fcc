import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a context of the docker command says of its engine. */
export interface DockerContext {
  /** `unix://…`, `tcp://…`, `ssh://…`. */
  readonly host: string;
  /** Where its certificates are, if it has any. */
  readonly tlsDirectory: string;
  readonly verify: 'server' | 'nothing';
}

/** The name of the context that `docker context use` has set, if any. */
export async function currentContext(configDirectory: string): Promise<string | undefined> {
  const config = await readJson(join(configDirectory, 'config.json'));
  return isRecord(config) && typeof config.currentContext === 'string' && config.currentContext !== ''
    ? config.currentContext
    : undefined;
}

/**
 * Reads one context of the docker command.
 * @throws Error when there is none of this name, or it names no engine.
 */
export async function readContext(name: string, configDirectory: string): Promise<DockerContext> {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = await readJson(join(configDirectory, 'contexts/meta', id, 'meta.json'));
  if (!isRecord(meta)) {
    throw new Error(
      `the Docker context \`${name}\` is not known in ${configDirectory}: \`docker context ls\` shows all`,
    );
  }
  const docker = isRecord(meta.Endpoints) ? meta.Endpoints.docker : undefined;
  const host = isRecord(docker) ? docker.Host : undefined;
  if (typeof host !== 'string' || host === '') throw new Error(`the Docker context \`${name}\` names no engine`);
  return {
    host,
    tlsDirectory: join(configDirectory, 'contexts/tls', id, 'docker'),
    verify: isRecord(docker) && docker.SkipTLSVerify === true ? 'nothing' : 'server',
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
