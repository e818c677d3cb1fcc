import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSameProcessAlive, processIdentity } from '../process-identity.ts';
import { randomHex } from '../random-hex.ts';
import { errorCode } from './file-problem.ts';
import { removeTree } from './remove-tree.ts';

/** Keeps a directory of a store from being removed while this process uses it. */
export interface Usage {
  release(): Promise<void>;
}

/** Name of a file that says which process; ends in something unique. */
export function ownName(): string {
  const own = processIdentity();
  return [own?.pid ?? process.pid, own?.started || '-', own?.boot || '-', randomHex(4)].join('_');
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

/** Begins the name of a mark of somebody who is about to take a directory away; his own name follows. */
const closing = 'closing_';

/** Marks `<store>/<id>` as used; undefined if it is not there (any more), or about to be taken away. */
export async function markUsed(store: string, id: string): Promise<Usage | undefined> {
  const users = join(store, id, 'users');
  const marker = join(users, ownName());
  try {
    await writeFile(marker, '', { flag: 'wx' });
    // In this order: see `close`.
    const isClosed = (await readdir(users)).some(isClosing);
    if (!isClosed) return { release: () => rm(marker, { force: true }) };
    await rm(marker, { force: true });
    return undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isClosing(name: string): boolean {
  return name.startsWith(closing) && isOwnerAlive(name.slice(closing.length));
}

/**
 * Keeps others from beginning to use `<store>/<id>`, if nobody uses it. Either they see our mark or we see theirs, so what
 * somebody uses is never moved away, not even for a moment.
 * @returns undefined: it is used, or not there; otherwise what opens it again.
 */
async function close(store: string, id: string): Promise<(() => Promise<void>) | undefined> {
  const mark = join(store, id, 'users', closing + ownName());
  const open = (): Promise<void> => rm(mark, { force: true });
  try {
    await writeFile(mark, '', { flag: 'wx' });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (!(await isUsed(join(store, id)))) return open;
  await open();
  return undefined;
}

/**
 * Removes everything of the store whose name starts with `prefix`, is not current, and is neither used nor being
 * built by a living process.
 * @param isCurrent asked once more when nobody can begin to use the directory, so it must read the store's pointer anew.
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
  const open = await close(store, id);
  // Whoever makes it current holds a usage until that is done.
  if (open === undefined || isCurrent(id)) return open?.();
  const away = join(store, `.old-${ownName()}`);
  if (await moveAway(join(store, id), away)) await removeTree(away);
}

/** False: another process was faster. */
async function moveAway(path: string, away: string): Promise<boolean> {
  try {
    await rename(path, away);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
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
  await own.release();
  if ((await close(store, id)) === undefined) return undefined;
  const away = join(store, `.new-${ownName()}`);
  if (!(await moveAway(join(store, id), away))) return undefined;
  // Others' marks too, who came too late.
  for (const name of await readdir(join(away, 'users'))) {
    if (name.startsWith(closing)) await rm(join(away, 'users', name), { force: true });
  }
  return away;
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
