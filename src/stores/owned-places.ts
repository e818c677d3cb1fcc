import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withFileErrorsNow } from '../model/file-errors.ts';
import type { ProcessIdentity } from '../util/process-identity.ts';
import { type Owner, thisOwner } from '../util/process-owner.ts';
import { lifeInState } from './life-of-run.ts';

const ownerFile = 'owner.json';

/** Makes a directory that belongs to this process, and is known to be left over once that has ended. */
export function makeOwnedPlace(directory: string, doing: string): void {
  withFileErrorsNow({ doing, path: directory }, () => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, ownerFile), JSON.stringify(thisOwner()), { mode: 0o600 });
  });
}

/** Absolute paths of the places in a directory whose processes have ended. */
export function listDeadPlaces(parent: string): readonly string[] {
  return placesIn(parent).filter((place) => !isInUse(place));
}

/** Is there a place of a living process in a directory? */
export function hasLivingPlace(parent: string): boolean {
  return placesIn(parent).some(isInUse);
}

function placesIn(parent: string): readonly string[] {
  try {
    return readdirSync(parent).map((name) => join(parent, name));
  } catch {
    return [];
  }
}

function isInUse(directory: string): boolean {
  try {
    const owner = JSON.parse(readFileSync(join(directory, ownerFile), 'utf8')) as Owner | ProcessIdentity;
    return lifeInState(owner) !== 'over';
  } catch {
    return isYoung(directory);
  }
}

/** So long it may take until the owner of a place that was just made is written, milliseconds. */
const youngMs = 10_000;

function isYoung(directory: string): boolean {
  const stats = lstatSync(directory, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs < youngMs;
}
