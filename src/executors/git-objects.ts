import { readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';

/** Where a snapshot's `.git` says that its objects lie, relative to the tree's root. */
export const alternatesPath = '.git/objects/info/alternates';

/**
 * Object directories outside of a tree that its `.git` reads from, absolute, each once; none for a tree without.
 * Source: https://git-scm.com/docs/gitrepository-layout (objects/info/alternates)
 */
export async function sharedObjects(treeRoot: string): Promise<readonly string[]> {
  const found = new Set<string>();
  let level = [join(treeRoot, '.git/objects')];
  for (let depth = 0; depth < 5 && level.length > 0; depth++) {
    const next: string[] = [];
    for (const directory of level) {
      for (const path of await alternatesOf(directory)) {
        if (!found.has(path)) next.push(path);
        found.add(path);
      }
    }
    level = next;
  }
  return [...found];
}

async function alternatesOf(objects: string): Promise<readonly string[]> {
  const text = await readFile(join(objects, 'info/alternates'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(unquoted)
    .map((path) => (isAbsolute(path) ? path : resolve(objects, path)));
}

function unquoted(line: string): string {
  if (!line.startsWith('"') || !line.endsWith('"')) return line;
  return line.slice(1, -1).replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
}
