import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { removeTree } from '../../util/files/remove-tree.ts';

/** More than jobs have: sources, caches, artifacts of the jobs before. What comes on top is sent. */
export const mostLayers = 12;

/**
 * Directories of links to layers, `0` the lowest. Jobs with the same layers share one, so that a job costs one link
 * however many layers there may be. Unused places lead to empty directories, since an overlay wants all its layers.
 */
export class LayerSets {
  readonly #directory: string;
  readonly #made = new Map<string, string>();

  /** @param directory absolute path; made when needed. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Makes a job's own directory and gives its path. */
  jobDirectory(name: string): string {
    const path = join(this.#directory, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** @param roots absolute paths of layers, lowest first, at most `mostLayers`. */
  pathOf(roots: readonly string[]): string {
    const key = roots.join('\0');
    let path = this.#made.get(key);
    if (path === undefined) {
      path = join(this.#directory, `set-${this.#made.size}`);
      this.#make(path, roots);
      this.#made.set(key, path);
    }
    return path;
  }

  /** Makes `link` lead to the directory of these layers, at once for whoever looks. */
  point(link: string, roots: readonly string[]): void {
    const next = `${link}.next`;
    symlinkSync(this.pathOf(roots), next);
    renameSync(next, link);
  }

  /** Removes everything. */
  close(): Promise<void> {
    return removeTree(this.#directory);
  }

  #make(path: string, roots: readonly string[]): void {
    mkdirSync(path, { recursive: true });
    for (let index = 0; index < mostLayers; index++) {
      const place = join(path, String(index));
      const root = roots[index];
      if (root === undefined) mkdirSync(place);
      else symlinkSync(root, place);
    }
  }
}
