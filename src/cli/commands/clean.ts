import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listProjects } from '../../stores/project-usage.ts';
import { pruneRuns } from '../../stores/prune-runs.ts';
import { formatBytes } from '../../util/byte-size.ts';
import { countText } from '../../util/count-text.ts';
import { cleanEngineAt } from '../clean/clean-engine.ts';
import { cleanDirectory, cleanKept, cleanMachine } from '../clean/clean-machine.ts';
import { type CleanMode, type Found, type Item, together } from '../clean/item.ts';
import { exitCodes } from '../exit-code.ts';
import { runLocation } from '../find-run.ts';
import { type Invocation, printJson, printLines, printMessage } from '../invocation.ts';
import { findLocations } from '../locations.ts';
import { engineLocation } from '../run/executors.ts';
import { keptContainers } from '../run/kept-jobs.ts';
import { freeWorkspaces, keptRuns } from '../run/tidy.ts';
import { loadSettings } from '../settings.ts';

/** Options of `ci clean`; `all`: of all projects, `dryRun`: only say what would be removed. */
export interface CleanOptions {
  readonly all?: boolean;
  /** Milliseconds. */
  readonly older?: number;
  readonly dryRun?: boolean;
  readonly format: 'text' | 'json';
}

/**
 * `ci clean`: removes what killed runs left (containers, networks, volumes, processes, mounts, job directories) and old
 * runs of this project; with `--all` runs, caches and snapshots of all projects. Never touches what a living run uses.
 * Exit code 4 when something could not be removed, or an engine that is there could not be asked.
 */
export async function clean(invocation: Invocation, _: readonly string[], options: CleanOptions): Promise<number> {
  const mode: CleanMode = options.dryRun ? 'list' : 'remove';
  const locations = findLocations(invocation.env);
  const { state } = locations;
  const { engineHost } = await loadSettings(locations, runLocation(invocation).projectRoot, invocation.env);
  // Others' are left alone, as on a machine that several users share.
  const kept = await keptContainers(state);
  const found = together([
    await cleanEngineAt(engineLocation(invocation.env, engineHost), mode, kept),
    // Before the runs, since what they have mounted can't be removed with them.
    await cleanMachine(state, invocation.env['PATH'] ?? '', mode),
    await cleanKept(state, invocation.env['PATH'] ?? '', mode),
    await (options.all ? cleanEverything : cleanRuns)(invocation, options, mode),
  ]);
  if (options.format === 'json') {
    const { items, unremoved, problems } = found;
    await printJson(invocation, { schema: 'ci/1', dryRun: mode === 'list', items, unremoved, problems });
  } else await tell(invocation, found, mode);
  return found.unremoved.length + found.problems.length > 0 ? exitCodes.system : exitCodes.ok;
}

async function tell(
  invocation: Invocation,
  { items, unremoved, problems }: ReturnType<typeof together>,
  mode: CleanMode,
): Promise<void> {
  const { stdout } = invocation;
  const verb = mode === 'list' ? 'would remove' : 'removed';
  await printLines(
    stdout,
    items.map((item) => `${verb} ${described(item)}`),
  );
  for (const item of unremoved) await printMessage(invocation, `could not remove ${described(item)}: ${item.why}`);
  for (const problem of problems) await printMessage(invocation, problem);
  const total = items.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  const count = countText(items.length, 'thing');
  if (items.length > 0) await printMessage(invocation, `${verb} ${count}, ${formatBytes(total)}`);
  else if (unremoved.length + problems.length === 0) await printMessage(invocation, 'nothing to remove');
}

function described({ kind, name, bytes, about }: Item): string {
  const details = [about, bytes === undefined ? undefined : formatBytes(bytes)].filter((each) => each !== undefined);
  return `${kind} ${name}${details.length === 0 ? '' : ` (${details.join(', ')})`}`;
}

async function cleanRuns(invocation: Invocation, options: CleanOptions, mode: CleanMode): Promise<Found> {
  const age = options.older === undefined ? {} : { olderThanMs: options.older };
  const keep = options.older === undefined ? keptRuns : Number.POSITIVE_INFINITY;
  const runs = await pruneRuns(runLocation(invocation), { keep, nowMs: Date.now(), mode, ...age });
  return {
    items: runs.map(({ directory, totalBytes }) => ({ kind: 'run', name: directory, bytes: totalBytes })),
    unremoved: [],
  };
}

async function cleanEverything(invocation: Invocation, options: CleanOptions, mode: CleanMode): Promise<Found> {
  const { cache, state } = findLocations(invocation.env);
  const newest = options.older === undefined ? Number.POSITIVE_INFINITY : Date.now() - options.older;
  const found: Found[] = [];
  for (const { directories, isBusy, lastUsedMs } of listProjects(state, cache)) {
    if (isBusy || lastUsedMs > newest) continue;
    for (const directory of directories) {
      if (mode === 'remove') await freeWorkspaces(directory, invocation.env['PATH'] ?? '');
      found.push(await cleanDirectory(directory, mode));
    }
  }
  // Compiled code (see bin/bundle.js), and files that pipelines include from elsewhere.
  for (const directory of [join(cache, 'compiled'), join(cache, 'includes')]) {
    if (options.older === undefined && existsSync(directory)) found.push(await cleanDirectory(directory, mode));
  }
  return together(found);
}
