import type { SkippedPath, Tree, TreeEntry } from '../files/tree-entry.ts';
import { readEntry, walkTree } from '../files/walk-tree.ts';

/** What of a tree is to be packed, in order; what can't be read is told and left out. */
export async function* treeEntries(
  tree: Tree,
  options: { readonly onSkipped?: (skipped: SkippedPath) => void; readonly signal?: AbortSignal },
): AsyncGenerator<TreeEntry> {
  if (tree.entries === undefined) {
    const walked = await walkTree(tree.root, options.signal === undefined ? {} : { signal: options.signal });
    for (const skipped of walked.skipped) options.onSkipped?.(skipped);
    yield* walked.entries;
    return;
  }
  for (const { path } of tree.entries) {
    const entry = readEntry(tree.root, path);
    if (entry === undefined) options.onSkipped?.({ path, because: 'ENOENT' });
    else if ('because' in entry) options.onSkipped?.(entry);
    else yield entry;
  }
}
