import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withFileErrorsNow } from '../model/file-errors.ts';
import { removeTree } from '../util/files/remove-tree.ts';
import type { ProcessIdentity } from '../util/process-identity.ts';
import { type Owner, thisOwner } from '../util/process-owner.ts';
import { lifeInState } from './life-of-run.ts';
import { projectDirectory, type RunStoreLocation } from './run-store.ts';

/** Where a job lies into which somebody looks without a run. */
export interface ShellPlace {
  /** Unique among all that goes on: stands where a run has its number. */
  readonly id: string;
  /** Absolute; all else lies in it. */
  readonly directory: string;
  readonly artifactsDirectory: string;
  readonly workspacesDirectory: string;
  /** Removes all of it. */
  remove(): Promise<void>;
}

const ownerFile = 'owner.json';

/** Makes a place for one shell. It is no run: `ci runs` does not show it, and `--failed` does not see it. */
export function makeShellPlace(location: RunStoreLocation): ShellPlace {
  const id = `shell-${randomBytes(6).toString('hex')}`;
  const directory = join(shellsDirectory(projectDirectory(location)), id);
  withFileErrorsNow({ doing: 'make a place for the shell', path: directory }, () => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, ownerFile), JSON.stringify(thisOwner()), { mode: 0o600 });
  });
  return {
    id,
    directory,
    artifactsDirectory: join(directory, 'artifacts'),
    workspacesDirectory: join(directory, 'workspaces'),
    remove: () => removeTree(directory),
  };
}

/** Absolute paths of the places of shells whose `ci` was killed: of one project, or of all. */
export function listDeadShellPlaces(
  location: RunStoreLocation | Pick<RunStoreLocation, 'stateDirectory'>,
): readonly string[] {
  const top = join(location.stateDirectory, 'projects');
  const projects = 'projectRoot' in location ? [projectDirectory(location)] : namesIn(top).map((key) => join(top, key));
  return projects
    .map(shellsDirectory)
    .flatMap((shells) => namesIn(shells).map((name) => join(shells, name)))
    .filter((directory) => !isInUse(directory));
}

/** @param project the directory of all that belongs to a project in the state directory. */
export function hasLivingShell(project: string): boolean {
  const shells = shellsDirectory(project);
  return namesIn(shells).some((name) => isInUse(join(shells, name)));
}

const shellsDirectory = (project: string): string => join(project, 'shells');

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

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
