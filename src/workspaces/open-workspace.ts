import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileErrors } from '../model/file-errors.ts';
import type { FileTree } from '../model/files.ts';
import { SystemError } from '../model/outcome.ts';
import { assertNever } from '../util/assert-never.ts';
import { cloneTree } from '../util/files/clone-tree.ts';
import { reflinks } from '../util/files/reflinks.ts';
import { removeTree } from '../util/files/remove-tree.ts';
import type { TreeEntry } from '../util/files/tree-entry.ts';

/** What the user asks for (`--isolation`). */
export type Isolation = 'auto' | 'overlay' | 'copy';

/** How a workspace was made. */
export type WorkspaceMethod = 'overlay' | 'reflink' | 'copy';

/** A directory that one job may change as it likes; disposing removes it. */
export interface Workspace extends AsyncDisposable {
  /** Absolute. */
  readonly directory: string;
  readonly method: WorkspaceMethod;
  /** How long it took to make. */
  readonly tookMs: number;
}

/** How to open a workspace. */
export interface OpenWorkspaceOptions {
  readonly isolation: Isolation;
  readonly signal?: AbortSignal;
}

/**
 * Gives a job its own files: what `tree` holds, in `directory` (made if missing, must be empty), and the tree itself
 * unchanged whatever the job does. `auto` takes the cheapest way that breaks nothing for the job.
 * @throws SystemError when the disk is full, a directory can't be written, or the way that was asked for is not there.
 */
export function openWorkspace(tree: FileTree, directory: string, options: OpenWorkspaceOptions): Promise<Workspace> {
  return withFileErrors({ doing: 'prepare the job directory', path: directory }, async () => {
    const startedAt = performance.now();
    await mkdir(directory, { recursive: true });
    const method = await fillWorkspace(tree, directory, options);
    return {
      directory,
      method,
      tookMs: performance.now() - startedAt,
      [Symbol.asyncDispose]: () => removeTree(directory),
    };
  });
}

async function fillWorkspace(
  tree: FileTree,
  directory: string,
  { isolation, signal }: OpenWorkspaceOptions,
): Promise<WorkspaceMethod> {
  switch (isolation) {
    case 'overlay':
      throw new SystemError('runner_unsupported', 'overlay mounts are not available', {
        hint: 'use --isolation copy or auto',
      });
    case 'auto':
    case 'copy': {
      try {
        const { entries } = await cloneTree(tree, directory, signal === undefined ? {} : { signal });
        return await methodOf(tree, entries, directory);
      } catch (error) {
        await removeTree(directory);
        throw error;
      }
    }
    default:
      return assertNever(isolation);
  }
}

/** Cloning takes a reflink wherever it can; one file tells whether it could. */
async function methodOf(tree: FileTree, entries: readonly TreeEntry[], directory: string): Promise<'reflink' | 'copy'> {
  const file = entries.find((entry) => entry.type === 'file' && entry.sizeBytes > 0);
  if (file === undefined) return 'copy';
  return (await reflinks(join(tree.root, file.path), directory)) ? 'reflink' : 'copy';
}
