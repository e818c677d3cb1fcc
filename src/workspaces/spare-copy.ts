import { chmodSync, renameSync, statSync } from 'node:fs';
import type { FileTree } from '../model/files.ts';
import { unlessAborted } from '../util/unless-aborted.ts';

/** One copy of a tree that is made before somebody wants it. */
export interface SpareCopy {
  /** Begins to copy this tree, unless there is a copy already. What goes wrong is nobody's harm: there is no copy then. */
  prepare(tree: FileTree): void;
  /**
   * Moves the copy into its place, when it is whole. The directory keeps its mode.
   * @param directory there, and empty.
   * @returns false: there is no copy of this tree.
   */
  take(tree: FileTree, directory: string, signal: AbortSignal | undefined): Promise<boolean>;
  /** Removes what nobody wanted; no other copy is made. */
  close(): Promise<void>;
}

/** How a spare copy is made. `directory`: absolute path of a new one each time, on the file system where copies are wanted. */
export interface SpareCopyOptions {
  directory(): string;
  copy(tree: FileTree, directory: string, signal: AbortSignal): Promise<unknown>;
  remove(directory: string): Promise<void>;
}

interface Spare {
  readonly root: string;
  readonly directory: string;
  readonly isWhole: Promise<boolean>;
}

/** @returns a place for one spare copy. */
export function spareCopy(options: SpareCopyOptions): SpareCopy {
  const closing = new AbortController();
  const unwanted: Promise<void>[] = [];
  let spare: Spare | undefined;
  const discard = async ({ directory, isWhole }: Spare): Promise<void> => {
    if (await isWhole) await options.remove(directory).catch(() => {});
  };
  const make = async (tree: FileTree, directory: string): Promise<boolean> => {
    try {
      await options.copy(tree, directory, closing.signal);
      return true;
    } catch {
      // As on a full disk.
      await options.remove(directory).catch(() => {});
      return false;
    }
  };
  return {
    prepare: (tree) => {
      if (spare !== undefined || closing.signal.aborted) return;
      const directory = options.directory();
      spare = { root: tree.root, directory, isWhole: make(tree, directory) };
    },
    take: async (tree, directory, signal) => {
      const taken = spare;
      if (taken === undefined || taken.root !== tree.root) return false;
      spare = undefined;
      try {
        if (!(await unlessAborted(taken.isWhole, signal))) return false;
      } catch (error) {
        // Another one may have been begun meanwhile.
        if (spare === undefined) spare = taken;
        else unwanted.push(discard(taken));
        throw error;
      }
      try {
        chmodSync(taken.directory, statSync(directory).mode & 0o7777);
        renameSync(taken.directory, directory);
        return true;
      } catch {
        await options.remove(taken.directory).catch(() => {});
        return false;
      }
    },
    close: async () => {
      closing.abort();
      if (spare !== undefined) unwanted.push(discard(spare));
      spare = undefined;
      await Promise.all(unwanted);
    },
  };
}
