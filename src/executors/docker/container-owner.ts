import { readContainerFile } from './container-file.ts';
import type { Engine } from './engine.ts';

/** Numeric ids that files of a job get. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Who files belong to where the image names no user. */
export const rootOwner: Owner = { uid: 0, gid: 0 };

/**
 * Ids of a `USER` text (`app`, `1000`, `app:staff`, `1000:1000`) by the container's own `/etc/passwd` and `/etc/group`,
 * read without starting it. A name that is not there counts as root; the engine will refuse it at the start.
 */
export async function resolveOwner(engine: Engine, container: string, user: string): Promise<Owner> {
  const [name = '', group] = user.split(':');
  if ((name === '' || name === 'root' || name === '0') && group === undefined) return rootOwner;
  const passwd = await table(engine, container, '/etc/passwd');
  const entry = passwd.find((fields) => fields[0] === name) ?? passwd.find((fields) => fields[2] === name);
  const uid = number(name) ?? number(entry?.[2]) ?? 0;
  if (group === undefined || group === '') return { uid, gid: number(entry?.[3]) ?? 0 };
  const groups = number(group) === undefined ? await table(engine, container, '/etc/group') : [];
  return { uid, gid: number(group) ?? number(groups.find((fields) => fields[0] === group)?.[2]) ?? 0 };
}

/** The home that the engine gives a user: what the container's own `/etc/passwd` says. */
export async function resolveHome(engine: Engine, container: string, user: string): Promise<string> {
  const name = user.split(':')[0] || '0';
  const passwd = await table(engine, container, '/etc/passwd');
  const entry = passwd.find((fields) => fields[0] === name) ?? passwd.find((fields) => fields[2] === name);
  return entry?.[5] || '/';
}

async function table(engine: Engine, container: string, path: string): Promise<readonly (readonly string[])[]> {
  const content = await readContainerFile(engine, container, path, 4 << 20);
  if (content === undefined) return [];
  return Buffer.from(content)
    .toString('utf8')
    .split('\n')
    .map((line) => line.split(':'));
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
