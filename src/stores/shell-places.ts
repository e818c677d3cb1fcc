import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeTree } from '../util/files/remove-tree.ts';
import { hasLivingPlace, listDeadPlaces, makeOwnedPlace } from './owned-places.ts';
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

/** Makes a place for one shell. It is no run: `ci runs` does not show it, and `--failed` does not see it. */
export function makeShellPlace(location: RunStoreLocation): ShellPlace {
  const id = `shell-${randomBytes(6).toString('hex')}`;
  const directory = join(shellsDirectory(projectDirectory(location)), id);
  makeOwnedPlace(directory, 'make a place for the shell');
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
  return projects.map(shellsDirectory).flatMap(listDeadPlaces);
}

/** @param project the directory of all that belongs to a project in the state directory. */
export function hasLivingShell(project: string): boolean {
  return hasLivingPlace(shellsDirectory(project));
}

const shellsDirectory = (project: string): string => join(project, 'shells');

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
