import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { connectEngine } from '../../executors/docker/engine.ts';
import { type Leftover, listLeftovers, sweepLeftovers } from '../../executors/docker/leftovers.ts';
import { listProjects } from '../../stores/project-usage.ts';
import { listDeadWorkspaces, pruneRuns, type RunStoreLocation } from '../../stores/run-store.ts';
import { measureTree } from '../../util/files/measure-tree.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import { exitCodes } from '../exit-code.ts';
import { runLocation } from '../find-run.ts';
import { type Invocation, print, printJson } from '../invocation.ts';
import { findLocations } from '../locations.ts';
import { engineLocation } from '../run/executors.ts';
import { freeWorkspaces, keptRuns } from '../run/tidy.ts';

export interface CleanOptions {
  readonly all?: boolean;
  /** Milliseconds. */
  readonly older?: number;
  readonly dryRun?: boolean;
  readonly format: 'text' | 'json';
}

interface Item {
  readonly kind: 'container' | 'network' | 'volume' | 'run' | 'directory';
  /** A path, or the engine's id. */
  readonly name: string;
  readonly bytes?: number;
}

/**
 * `ci clean`: removes what killed runs left (containers, networks, job directories) and old runs of this project; with
 * `--all` runs, caches and snapshots of all projects. Never touches what a living run uses.
 */
export async function clean(invocation: Invocation, _: readonly string[], options: CleanOptions): Promise<number> {
  const mode = options.dryRun ? 'list' : 'remove';
  const items = [...(await engineItems(invocation, mode)), ...(await fileItems(invocation, options, mode))];
  if (options.format === 'json') {
    await printJson(invocation, { schema: 'ci/1', dryRun: options.dryRun ?? false, items });
    return exitCodes.ok;
  }
  const verb = options.dryRun ? 'would remove' : 'removed';
  for (const { kind, name, bytes } of items) {
    await print(invocation.stdout, `${verb} ${kind} ${name}${bytes === undefined ? '' : ` (${megabytes(bytes)})`}\n`);
  }
  const total = items.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  const summary = items.length === 0 ? 'nothing to remove' : `${verb} ${items.length} things, ${megabytes(total)}`;
  await print(invocation.stderr, `ci: ${summary}\n`);
  return exitCodes.ok;
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

async function engineItems(invocation: Invocation, mode: 'list' | 'remove'): Promise<readonly Item[]> {
  let leftovers: readonly Leftover[];
  try {
    const engine = await connectEngine(engineLocation(invocation.env));
    leftovers = mode === 'list' ? await listLeftovers(engine) : await sweepLeftovers(engine);
  } catch {
    // No engine, so nothing of ours in it.
    return [];
  }
  return leftovers.map(({ kind, id }) => ({ kind, name: id }));
}

async function fileItems(
  invocation: Invocation,
  options: CleanOptions,
  mode: 'list' | 'remove',
): Promise<readonly Item[]> {
  const age = options.older === undefined ? {} : { olderThanMs: options.older };
  const nowMs = Date.now();
  if (!options.all) {
    const location = runLocation(invocation);
    const keep = options.older === undefined ? keptRuns : Number.POSITIVE_INFINITY;
    // First, since what they have mounted can't be removed with their runs.
    const dead = await deadWorkspaces(invocation, location, mode);
    const runs = await pruneRuns(location, { keep, nowMs, mode, ...age });
    return [
      ...runs.map(({ directory, totalBytes }) => ({ kind: 'run' as const, name: directory, bytes: totalBytes })),
      ...dead,
    ];
  }
  return everything(invocation, options, mode);
}

/** Directories of jobs whose `ci` was killed. */
async function deadWorkspaces(
  invocation: Invocation,
  location: RunStoreLocation,
  mode: 'list' | 'remove',
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (const directory of await listDeadWorkspaces(location)) {
    if (mode === 'remove') await freeWorkspaces(directory, invocation.env['PATH'] ?? '');
    items.push(await removeDirectory(directory, mode));
  }
  return items;
}

async function everything(
  invocation: Invocation,
  options: CleanOptions,
  mode: 'list' | 'remove',
): Promise<readonly Item[]> {
  const { cache, state } = findLocations(invocation.env);
  const newest = options.older === undefined ? Number.POSITIVE_INFINITY : Date.now() - options.older;
  const items: Item[] = [];
  for (const { directories, isBusy, lastUsedMs } of listProjects(state, cache)) {
    if (isBusy || lastUsedMs > newest) continue;
    for (const directory of directories) {
      if (mode === 'remove') await freeWorkspaces(directory, invocation.env['PATH'] ?? '');
      items.push(await removeDirectory(directory, mode));
    }
  }
  // See bin/bundle.js.
  const compiled = join(cache, 'compiled');
  if (options.older === undefined && existsSync(compiled)) items.push(await removeDirectory(compiled, mode));
  return items;
}

async function removeDirectory(path: string, mode: 'list' | 'remove'): Promise<Item> {
  const { totalBytes } = await measureTree(path);
  if (mode === 'remove') await removeTree(path);
  return { kind: 'directory', name: path, bytes: totalBytes };
}
