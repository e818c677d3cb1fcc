import { lstat, mkdir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { errorCode } from '../../util/files/file-problem.ts';

/** Where everybody on this machine may put files, and scripts do. */
const shared = '/tmp';

/**
 * In the shell a job's file may name any path of this machine, with the rights of whoever runs it. Files are put only
 * into directories that are the job's, and into directories of the user's own below `/tmp`.
 * @param own absolute paths of the job's directories.
 * @returns why nothing may be put below a directory: a clause; undefined: it may.
 */
export function placesOfJob(own: readonly string[]): (at: string) => Promise<string | undefined> {
  return async (at) => {
    const real = await realPathOf(at);
    for (const directory of own) if (isWithin(real, await realPathOf(directory))) return undefined;
    const sharedHere = await realPathOf(shared);
    if (real === sharedHere) return undefined;
    if (!isWithin(real, sharedHere)) {
      return "it is this machine's and not the job's, and the job runs in the shell";
    }
    return ownedByOther(join(sharedHere, relative(sharedHere, real).split(sep)[0]!));
  };
}

/** Makes the directory if there is none, before anybody else can. */
async function ownedByOther(directory: string): Promise<string | undefined> {
  await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
    if (errorCode(error) !== 'EEXIST') throw error;
  });
  const stats = await lstat(directory);
  const uid = process.getuid?.();
  return uid === undefined || stats.uid === uid ? undefined : `${directory} is another user's`;
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}${sep}`);
}

/** Of a path that need not be there: links in the part that is are followed. */
async function realPathOf(path: string): Promise<string> {
  const missing: string[] = [];
  for (let at = path; ; at = join(at, '..')) {
    try {
      return join(await realpath(at), ...missing);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw error;
      missing.unshift(relative(join(at, '..'), at));
    }
  }
}
