import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What a repository's configuration may say from one job to the next. All else could start programs (hooks, filters,
 * helpers, other files that are included) while the sources of the next job are fetched.
 */
const kept: Readonly<Record<string, RegExp>> = {
  core: /^(repositoryformatversion|filemode|bare|logallrefupdates|symlinks|ignorecase|precomposeunicode)$/i,
  extensions: /^(objectformat|partialclone|refstorage)$/i,
  remote: /^(url|fetch|promisor|partialclonefilter|tagopt)$/i,
  submodule: /^(url|active)$/i,
};

/** The directories of a checkout's repository and of its submodules' that hold a configuration, the outermost first. */
export function gitDirectories(checkout: string): readonly string[] {
  const found: string[] = [];
  const visit = (directory: string): void => {
    if (!isDirectory(directory)) return;
    const names = readdirSync(directory);
    if (names.includes('config') && names.includes('HEAD')) {
      found.push(directory);
      visit(join(directory, 'modules'));
    } else for (const name of names) visit(join(directory, name));
  };
  const own = join(checkout, '.git');
  if (!isDirectory(own)) return [];
  found.push(own);
  visit(join(own, 'modules'));
  return found;
}

/** Takes out of the configurations what an earlier job may have put there, the hooks, and locks of a git that was killed. */
export function tidyGitDirectories(checkout: string): void {
  for (const directory of gitDirectories(checkout)) {
    rmSync(join(directory, 'hooks'), { recursive: true, force: true });
    rmSync(join(directory, 'config.worktree'), { force: true });
    removeLocks(directory, 'here');
    removeLocks(join(directory, 'refs'), 'below');
    const config = join(directory, 'config');
    if (lstatSync(config, { throwIfNoEntry: false })?.isFile() !== true) {
      rmSync(config, { recursive: true, force: true });
      continue;
    }
    const isSubmodule = directory !== join(checkout, '.git');
    writeFileSync(config, keptSettings(readFileSync(config, 'utf8'), { isSubmodule }));
  }
}

/** Lets the git of the job read a file of its own, which it finds at this path. */
export function includeInJobs(checkout: string, path: string): void {
  const quoted = `"${path.replace(/["\\]/g, '\\$&')}"`;
  for (const directory of gitDirectories(checkout)) {
    const config = join(directory, 'config');
    writeFileSync(config, `${readFileSync(config, 'utf8')}[include]\n\tpath = ${quoted}\n`);
  }
}

function keptSettings(text: string, { isSubmodule }: { readonly isSubmodule: boolean }): string {
  let keys: RegExp | undefined;
  const lines = text.split('\n').filter((line) => {
    const section = /^\[(\w+)(?: "(?:[^"\\]|\\.)*")?\]$/.exec(line)?.[1];
    if (section !== undefined) {
      keys = Object.hasOwn(kept, section) ? kept[section] : undefined;
      return keys !== undefined;
    }
    const name = /^\t(\w+) = .*[^\\]$/.exec(line)?.[1];
    if (name === undefined) {
      // Something that git does not write: nothing after it can be told.
      keys = line === '' ? keys : undefined;
      return false;
    }
    // A submodule's files lie elsewhere than its repository.
    return keys?.test(name) === true || (keys === kept['core'] && isSubmodule && name === 'worktree');
  });
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function removeLocks(directory: string, where: 'here' | 'below'): void {
  if (!isDirectory(directory)) return;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isFile() && entry.name.endsWith('.lock')) rmSync(path, { force: true });
    else if (where === 'below' && entry.isDirectory()) removeLocks(path, where);
  }
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
