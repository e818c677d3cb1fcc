import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileErrors } from '../model/file-errors.ts';
import { errorCode } from '../util/files/file-problem.ts';
import { writeFileAtomic } from '../util/files/write-file-atomic.ts';
import type { ProcessIdentity } from '../util/process-identity.ts';
import { lifeOf, type Owner, thisOwner } from '../util/process-owner.ts';

/** Content of a lock file. */
export type Holder =
  | {
      readonly state: 'held';
      readonly name: string /** Less of it by older versions. */;
      readonly by: Owner | ProcessIdentity;
    }
  | { readonly state: 'free' };

/** A lock that was free. */
export interface TakenLock extends AsyncDisposable {
  /** Who had it before died with it. */
  readonly before: 'nobody' | 'a dead process';
}

/**
 * Takes a lock if it is free, by the same files as `resourceLocks`; two callers in one process are two.
 * @param place the lock's own directory, made when needed.
 * @returns undefined: somebody holds it.
 * @throws SystemError: the directory can't be made or written.
 */
export async function tryLock(place: string, name: string): Promise<TakenLock | undefined> {
  return withFileErrors({ doing: `lock ${name}`, path: place }, async () => {
    await mkdir(place, { recursive: true, mode: 0o700 });
    const top = Math.max(0, ...numbersIn(place));
    if (!isFree(place, top)) return undefined;
    const before = wasHeld(place, top) ? 'a dead process' : 'nobody';
    const own = await writeOwn(place, name);
    try {
      if (!(await makeNext(place, own, top + 1))) return undefined;
    } finally {
      await rm(own, { force: true });
    }
    return { before, [Symbol.asyncDispose]: () => release(place, top + 1) };
  });
}

function wasHeld(place: string, number: number): boolean {
  try {
    return number > 0 && readHolder(join(place, String(number))).state === 'held';
  } catch {
    return false;
  }
}

/** Lets go of a lock. @param number of the own file. */
export async function release(place: string, number: number): Promise<void> {
  await writeFileAtomic(join(place, String(number)), JSON.stringify({ state: 'free' }), { durable: 'fast' });
}

/** Writes the file that `makeNext` gives its number; to be removed afterwards. */
export async function writeOwn(place: string, name: string): Promise<string> {
  const own = join(place, `.own-${process.pid}-${randomBytes(6).toString('hex')}`);
  const held: Holder = { state: 'held', name, by: thisOwner() };
  await writeFile(own, JSON.stringify(held), { flag: 'wx', mode: 0o600 });
  return own;
}

/** Numbers of the files in the directory of a lock. */
export function numbersIn(place: string): number[] {
  return readdirSync(place).flatMap((file) => (/^[1-9]\d*$/.test(file) ? [Number(file)] : []));
}

/** No lock yet, released, or held by a process that is gone. */
export function isFree(place: string, number: number): boolean {
  if (number === 0) return true;
  try {
    const holder = readHolder(join(place, String(number)));
    return holder.state === 'free' || lifeOf(holder.by, 'here') === 'over';
  } catch (error) {
    // Gone: a higher number has come. Damaged (a power cut): nobody can hold it.
    if (errorCode(error) !== undefined) return false;
    return true;
  }
}

/** @throws Error: it is gone, or damaged. */
export function readHolder(path: string): Holder {
  return JSON.parse(readFileSync(path, 'utf8')) as Holder;
}

/** Takes the lock by making its next file. @returns false: another was faster. */
export async function makeNext(place: string, own: string, number: number): Promise<boolean> {
  try {
    await link(own, join(place, String(number)));
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
  const others = numbersIn(place).filter((other) => other !== number);
  // A higher one: what was read before is long past, and this number was free only because it was cleaned away.
  const late = others.some((other) => other > number);
  const abandoned = readdirSync(place).filter((file) => file.startsWith('.own-') && isAbandoned(join(place, file)));
  await Promise.all(abandoned.map((file) => rm(join(place, file), { force: true })));
  await Promise.all((late ? [number] : others).map((other) => rm(join(place, String(other)), { force: true })));
  return !late;
}

function isAbandoned(own: string): boolean {
  try {
    const holder = readHolder(own);
    return holder.state === 'held' && lifeOf(holder.by, 'here') === 'over';
  } catch {
    // Just being written, or gone.
    return false;
  }
}
