import { join } from 'node:path';
import type { IncludeLock } from '../../sources/include-lock.ts';
import { printLock } from '../../sources/include-lock.ts';
import { writeFileAtomic } from '../../util/files/write-file-atomic.ts';
import { exitCodes } from '../exit-code.ts';
import { lockFileName, readLock } from '../include-access.ts';
import { type Invocation, print, printJson } from '../invocation.ts';
import { type LoadOptions, loadPipeline } from '../load-pipeline.ts';
import { requireValid } from '../report-diagnostics.ts';

export type FetchOptions = LoadOptions & {
  readonly format: 'text' | 'json';
  readonly lock?: boolean;
  readonly update?: boolean;
};

/** `ci fetch`: brings what the pipeline includes from other machines onto this one; with `--lock` also says which state. */
export async function fetch(invocation: Invocation, _: readonly string[], options: FetchOptions): Promise<number> {
  const policy = options.update ? 'always' : 'when-needed';
  const loaded = await loadPipeline(invocation, options, { fetch: policy });
  await requireValid(invocation, loaded, options);
  const before = await readLock(loaded.file.root);
  const used = loaded.includesUsed;
  const isLocked = Object.keys({ ...before.remotes, ...before.projects }).length > 0;
  if (options.lock || (options.update && isLocked)) {
    // Includes that the rules left out this time stay as they were.
    const lock: IncludeLock = {
      remotes: { ...before.remotes, ...used.remotes },
      projects: { ...before.projects, ...used.projects },
    };
    await writeFileAtomic(join(loaded.file.root, lockFileName), printLock(lock));
    await print(invocation.stderr, `ci: wrote ${lockFileName}\n`);
  }
  if (options.format === 'json') await printJson(invocation, { schema: 'ci/1', ...used });
  else await print(invocation.stdout, listing(used));
  return exitCodes.ok;
}

function listing({ remotes, projects }: IncludeLock): string {
  const lines = [
    ...Object.entries(projects).map(([name, { sha, version }]) => {
      return `${name}  ${sha.slice(0, 12)}${version === undefined ? '' : ` (${version})`}`;
    }),
    ...Object.entries(remotes).map(([url, hash]) => `${url}  sha256:${hash.slice(0, 12)}`),
  ];
  return lines.length === 0 ? 'nothing is included from other machines\n' : `${lines.sort().join('\n')}\n`;
}
