import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FileSelection } from '../../model/files.ts';
import { OverlayRefused, overlayMounter } from '../../util/overlay-mounter.ts';
import type { Workspace, WorkspaceLayers } from '../../workspaces/open-workspace.ts';
import type { SessionFiles } from '../executor.ts';
import { localFiles } from '../local-files.ts';

/** What a job left, as this machine can see it without the engine: layers and changes of a container that stands still. */
export interface FilesView {
  /** Only what `selectable` allows may be asked for. */
  readonly files: Required<Pick<SessionFiles, 'get' | 'sameAs'>>;
  close(): Promise<void>;
}

/**
 * A selection that is safe to take on this machine. The job may have made anything: no link of its may lead us out of
 * its directory, as one on the way to `base` could, and no git of ours reads a configuration that it wrote.
 */
export function selectable({ base, untracked }: FileSelection, directory: string): boolean {
  return !untracked && (base === undefined || base === directory);
}

/**
 * Mounts all that a job's directory shows, for root.
 * @param directory the project's in the container.
 * @param scratch absolute path of a directory of the job's own on this machine.
 * @returns undefined where the system does not let us.
 */
export async function openFilesView(
  layers: WorkspaceLayers,
  directory: string,
  scratch: string,
): Promise<FilesView | undefined> {
  const [target, own] = [join(scratch, 'view'), join(scratch, 'view.own')];
  for (const path of [target, own]) mkdirSync(path, { recursive: true });
  // The changes are a layer like the others here: nothing is written, and they may still be mounted elsewhere.
  const lowestFirst = [...layers.lowestFirst.map(({ root }) => root), layers.changes];
  try {
    const mount = await overlayMounter('host', '').mount({ lowestFirst, scratch: own, target });
    return { files: filesOf(layers, directory, mount.seenAt), close: () => mount.unmount() };
  } catch (error) {
    if (error instanceof OverlayRefused) return undefined;
    throw error;
  }
}

function filesOf(layers: WorkspaceLayers, directory: string, seenAt: string): FilesView['files'] {
  const workspace: Workspace = {
    directory: seenAt,
    lay: () => Promise.reject(new Error('a view takes no trees')),
    fill: async () => ({ method: 'overlay', seenAt, enter: (start) => start, layers }),
    settle: () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  const { get, sameAs } = localFiles({ directory, workspace, path: '', mayLink: () => false });
  return { get, sameAs: sameAs! };
}
