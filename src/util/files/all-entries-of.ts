import { timeSlices } from './time-slice.ts';
import type { SkippedPath, Tree, TreeEntry } from './tree-entry.ts';
import { readEntry, type WalkedTree, walkTree } from './walk-tree.ts';

/**
 * What belongs to a tree, each entry once, behind its parent directories, which are added where they are missing: a
 * copy gets their modes and times too.
 * @throws the error of the operating system if the root itself can't be read.
 */
export async function allEntriesOf(tree: Tree, signal?: AbortSignal): Promise<WalkedTree> {
  const complete = tree.list?.entries ?? tree.complete;
  if (complete !== undefined) return { entries: complete, skipped: [] };
  if (tree.entries === undefined) return walkTree(tree.root, signal === undefined ? {} : { signal });
  const found = new Map<string, TreeEntry>();
  const skipped: SkippedPath[] = [];
  const breathe = timeSlices(signal);
  let lastParent = '';
  const add = (given: TreeEntry | { readonly path: string }): void => {
    const { path } = given;
    if (path === '' || path === '.' || found.has(path)) return;
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (parent !== '' && parent !== lastParent) {
      add({ path: parent });
      lastParent = parent;
    }
    const entry = 'ino' in given ? given : readEntry(tree.root, path);
    if (entry === undefined) skipped.push({ path, because: 'ENOENT' });
    else if ('because' in entry) skipped.push(entry);
    else found.set(path, entry);
  };
  for (const entry of tree.entries) {
    add(entry);
    const pause = breathe();
    if (pause !== undefined) await pause;
  }
  return { entries: [...found.values()], skipped };
}

/** Does each entry stand behind its parent directory, so that a list without doubles is what `allEntriesOf` gives? */
export function hasAllParents(entries: readonly TreeEntry[]): boolean {
  const directories = new Set(['']);
  let lastParent = '';
  for (const { path, type } of entries) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (parent !== lastParent && !directories.has(parent)) return false;
    lastParent = parent;
    if (type === 'directory') directories.add(path);
  }
  return true;
}
