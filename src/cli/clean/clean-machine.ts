import { listDeadWorkspaces, listKeptDirectories } from '../../stores/prune-runs.ts';
import { listDeadShellPlaces } from '../../stores/shell-places.ts';
import { errorCode } from '../../util/files/file-problem.ts';
import { measureTree } from '../../util/files/measure-tree.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import { findByVariable, markerName } from '../../util/process-strays.ts';
import { mountsBelow } from '../../util/unmount.ts';
import { freeWorkspaces } from '../run/tidy.ts';
import { type CleanMode, type Found, type Item, together, type Unremoved } from './item.ts';

/**
 * What jobs of killed runs left on this machine, whatever their project: processes, mounts, directories.
 * @param path the user's `PATH`.
 */
export async function cleanMachine(stateDirectory: string, path: string, mode: CleanMode): Promise<Found> {
  const found: Found[] = [];
  const shells = listDeadShellPlaces({ stateDirectory });
  for (const directory of [...(await listDeadWorkspaces({ stateDirectory })), ...shells]) {
    found.push(await free(directory, path, mode), await cleanDirectory(directory, mode));
  }
  return together(found);
}

/** Directories of failed jobs that the user kept, of all projects. */
export async function cleanKept(stateDirectory: string, path: string, mode: CleanMode): Promise<Found> {
  const found: Found[] = [];
  for (const directory of await listKeptDirectories(stateDirectory)) {
    found.push(await free(directory, path, mode), await cleanDirectory(directory, mode, 'kept after failures'));
  }
  return together(found);
}

/** Ends processes and takes down mounts of jobs. */
async function free(directory: string, path: string, mode: CleanMode): Promise<Found> {
  const before = heldBy(directory);
  if (mode === 'list') return { items: before, unremoved: [] };
  await freeWorkspaces(directory, path);
  const left = new Set(heldBy(directory).map(({ kind, name }) => `${kind} ${name}`));
  const isLeft = ({ kind, name }: Item): boolean => left.has(`${kind} ${name}`);
  return {
    items: before.filter((item) => !isLeft(item)),
    unremoved: before.filter(isLeft).map((item): Unremoved => ({ ...item, why: 'the system does not let us' })),
  };
}

function heldBy(directory: string): readonly Item[] {
  const processes = findByVariable(markerName, `${directory}/`);
  return [
    ...processes.map(({ pid, command }) => ({ kind: 'process' as const, name: String(pid), about: command })),
    ...mountsBelow(directory).map((name) => ({ kind: 'mount' as const, name })),
  ];
}

/** A directory with all that is in it. @param about for people. */
export async function cleanDirectory(path: string, mode: CleanMode, about?: string): Promise<Found> {
  const { totalBytes } = await measureTree(path);
  const item: Item = { kind: 'directory', name: path, bytes: totalBytes, ...(about === undefined ? {} : { about }) };
  if (mode === 'list') return { items: [item], unremoved: [] };
  try {
    await removeTree(path);
    return { items: [item], unremoved: [] };
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return { items: [], unremoved: [{ ...item, why: (error as Error).message }] };
  }
}
