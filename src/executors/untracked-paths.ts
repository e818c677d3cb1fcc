import { mkdtemp, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { removeTree } from '../util/files/remove-tree.ts';
import { walkTree } from '../util/files/walk-tree.ts';
import { runCommand } from '../util/process-command.ts';
import type { ArchiveSource } from './archive-source.ts';

/**
 * Files of a staged copy of `base` that git does not track, ignored ones too. Reads the index out of the session, which
 * need not run nor have git. Nothing where there is no repository.
 * @param staging directory on this machine with all files of `base`.
 */
export async function untrackedPaths(
  source: ArchiveSource,
  base: string,
  staging: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const index = await source.read(`${source.directory}/.git/index`, 1 << 30);
  const inside = posix.relative(source.directory, base);
  if (index === undefined || inside.startsWith('..')) return [];
  const tracked = await trackedPaths(index, posix.dirname(staging), signal);
  const prefix = inside === '' ? '' : `${inside}/`;
  const { entries } = await walkTree(staging, { signal, filter: (path) => path !== '.git' && !path.endsWith('/.git') });
  return entries
    .filter(({ type, path }) => type !== 'directory' && !tracked.has(prefix + path))
    .map(({ path }) => path);
}

async function trackedPaths(index: Uint8Array, beside: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const repository = await mkdtemp(join(beside, '.index-'));
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
    LC_ALL: 'C',
    HOME: repository,
    GIT_DIR: repository,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
  };
  try {
    await runCommand(['git', 'init', '-q', '--bare', '--template=', repository], { env, signal });
    await writeFile(join(repository, 'index'), index);
    const listing = await runCommand(['git', 'ls-files', '-z'], { directory: repository, env, signal });
    return new Set(listing.stdout.split('\0').filter((path) => path !== ''));
  } finally {
    await removeTree(repository);
  }
}
