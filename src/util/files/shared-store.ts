import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSameProcessAlive, processIdentity } from '../process-identity.ts';
import { errorCode } from './file-problem.ts';
import { removeTree } from './remove-tree.ts';

/** Keeps a directory of a store from being removed while this process uses it. */
export interface Usage {
  release(): Promise<void>;
}

/** Name of a file that says which process; ends in something unique. */
export function ownName(): string {
  const own = processIdentity();
  return [own?.pid ?? process.pid, own?.started || '-', own?.boot || '-', randomBytes(4).toString('hex')].join('_');
}

/** Whether the process that made this name is still there. */
export function isOwnerAlive(name: string): boolean {
  const [pid, started, boot] = name.split('_');
  if (!/^\d+$/.test(pid ?? '') || started === undefined || boot === undefined) return false;
  return isSameProcessAlive({
    pid: Number(pid),
    started: started === '-' ? '' : started,
    boot: boot === '-' ? '' : boot,
  });
}

/** Marks `<store>/<id>` as used; undefined if it is not there (any more). */
export async function markUsed(store: string, id: string): Promise<Usage | undefined> {
  const marker = join(store, id, 'users', ownName());
  try {
    await writeFile(marker, '', { flag: 'wx' });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  // A remover that came between looks at the markers once more after it has moved the directory away.
  if (!existsSync(join(store, id))) return undefined;
  return { release: () => rm(marker, { force: true }) };
}

/**
 * Removes everything of the store whose name starts with `prefix`, is not current, and is neither used nor being
 * built by a living process.
 * @param isCurrent asked once more after the directory was moved away, so it must read the store's pointer anew.
 */
export async function removeUnused(store: string, prefix: string, isCurrent: (id: string) => boolean): Promise<void> {
  for (const name of await readdir(store)) {
    const path = join(store, name);
    const building = /^\.(?:new|old)-(.+)$/.exec(name);
    const writing = /^\.tmp-(\d+)-/.exec(name);
    if (writing) {
      // Left by a process that was killed in `writeFileAtomic`.
      if (processIdentity(Number(writing[1])) === undefined) await rm(path, { force: true });
    } else if (building) {
      if (!isOwnerAlive(building[1]!)) await removeTree(path);
    } else if (name.startsWith(prefix) && !isCurrent(name) && !(await isUsed(path))) {
      await removeIfUnused(store, name, isCurrent);
    }
  }
}

async function removeIfUnused(store: string, id: string, isCurrent: (id: string) => boolean): Promise<void> {
  const away = join(store, `.old-${ownName()}`);
  try {
    await rename(join(store, id), away);
  } catch (error) {
    // Another process was faster.
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  // In this order: whoever makes it current holds a usage until that is done.
  if ((await isUsed(away)) || isCurrent(id)) await rename(away, join(store, id));
  else await removeTree(away);
}

/** Whether a living process has marked the directory as used. */
export async function isUsed(directory: string): Promise<boolean> {
  try {
    return (await readdir(join(directory, 'users'))).some(isOwnerAlive);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Takes a directory away from the store to build the next one in it, where nobody else uses it.
 * @param own this process's usage of it; it is given up.
 * @returns the directory's new path; undefined where it stays as it is.
 */
export async function reclaim(store: string, id: string, own: Usage): Promise<string | undefined> {
  const away = join(store, `.new-${ownName()}`);
  await own.release();
  try {
    await rename(join(store, id), away);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (!(await isUsed(away))) return away;
  await rename(away, join(store, id));
  return undefined;
}

/** Makes an empty directory of the store to build in; the name tells who builds. */
export async function newDirectory(store: string): Promise<string> {
  const path = join(store, `.new-${ownName()}`);
  await mkdir(join(path, 'users'), { recursive: true });
  return path;
}

/** Gives a directory made by `newDirectory` its name in the store, already in use by this process. */
export async function publish(store: string, directory: string, id: string): Promise<Usage> {
  const marker = ownName();
  await writeFile(join(directory, 'users', marker), '', { flag: 'wx' });
  await rename(directory, join(store, id));
  return { release: () => rm(join(store, id, 'users', marker), { force: true }) };
}
