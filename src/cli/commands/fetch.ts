import { realpathSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import type { IncludeLock } from '../../sources/include-lock.ts';
import { printLock } from '../../sources/include-lock.ts';
import { includeStore } from '../../sources/include-store.ts';
import { writeFileAtomic } from '../../util/files/write-file-atomic.ts';
import { CommandError, exitCodes } from '../exit-code.ts';
import { lockFileName, readLock } from '../include-access.ts';
import { type Invocation, print, printJson, printMessage } from '../invocation.ts';
import { type LoadedPipeline, type LoadOptions, loadPipeline } from '../load-pipeline.ts';
import { requireValid } from '../report-diagnostics.ts';

/** Options of `ci fetch`; `lock` writes `.ci.lock`, `update` asks for all anew, `vendor` puts orbs into the project. */
export type FetchOptions = LoadOptions & {
  readonly format: 'text' | 'json';
  readonly lock?: boolean;
  readonly update?: boolean;
  readonly vendor?: boolean;
};

/** `ci fetch`: brings what the pipeline includes from other machines onto this one; with `--lock` also says which state. */
export async function fetch(invocation: Invocation, _: readonly string[], options: FetchOptions): Promise<number> {
  const policy = options.update ? 'always' : 'when-needed';
  const loaded = await loadPipeline(invocation, options, { fetch: policy });
  await requireValid(invocation, loaded, options);
  const before = await readLock(loaded.file.root);
  const used = loaded.includesUsed;
  const isLocked = Object.keys({ ...before.remotes, ...before.projects, ...before.orbs }).length > 0;
  if (options.lock || (options.update && isLocked)) {
    // Includes that the rules left out this time stay as they were.
    const lock: IncludeLock = {
      remotes: { ...before.remotes, ...used.remotes },
      projects: { ...before.projects, ...used.projects },
      orbs: { ...before.orbs, ...used.orbs },
    };
    await writeFileAtomic(join(loaded.file.root, lockFileName), printLock(lock));
    await print(invocation.stderr, `ci: wrote ${lockFileName}\n`);
  }
  if (options.vendor) await vendorOrbs(invocation, loaded);
  if (options.format === 'json') await printJson(invocation, { schema: 'ci/1', ...used });
  else await print(invocation.stdout, listing(used));
  for (const { name, why } of loaded.includesMissing) await printMessage(invocation, `${name} is not fetched: ${why}`);
  return loaded.includesMissing.length > 0 ? exitCodes.system : exitCodes.ok;
}

/** Puts the orbs into the repository, where they are found by everybody without a network. Those of a `dev:` version change, and stay out. */
async function vendorOrbs(invocation: Invocation, { file, locations, includesUsed }: LoadedPipeline): Promise<void> {
  const store = includeStore(join(locations.cache, 'includes'));
  for (const [reference, { sha256 }] of Object.entries(includesUsed.orbs)) {
    const source = store.content(sha256);
    if (source === undefined || !/^[\w-][\w.-]*\/[\w-][\w.-]*@[\w.]+$/.test(reference)) continue;
    const path = `.circleci/orbs/${reference}.yml`;
    const directory = dirname(join(file.root, path));
    for (const each of ['.circleci', '.circleci/orbs', dirname(path)]) await makeInside(file.root, each);
    await writeFileAtomic(join(directory, basename(path)), source);
    await print(invocation.stderr, `ci: wrote ${path}\n`);
  }
}

/** Makes a directory of the project; a link in its place may lead to nowhere else. */
async function makeInside(root: string, path: string): Promise<void> {
  await mkdir(join(root, path), { recursive: true });
  if (realpathSync(join(root, path)).startsWith(`${realpathSync(root)}${sep}`)) return;
  throw new CommandError(exitCodes.usage, `${path} leads out of the project`);
}

function listing({ remotes, projects, orbs }: IncludeLock): string {
  const lines = [
    ...Object.entries(orbs).map(([name, { version, sha256 }]) => `${name}  ${version}  sha256:${sha256.slice(0, 12)}`),
    ...Object.entries(projects).map(([name, { sha, version }]) => {
      return `${name}  ${sha.slice(0, 12)}${version === undefined ? '' : ` (${version})`}`;
    }),
    ...Object.entries(remotes).map(([url, hash]) => `${url}  sha256:${hash.slice(0, 12)}`),
  ];
  return lines.length === 0 ? 'nothing is included from other machines\n' : `${lines.sort().join('\n')}\n`;
}
