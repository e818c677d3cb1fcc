import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { lifeOfRun } from './life-of-run.ts';
import type { RunState } from './run-state.ts';
import { hasLivingShell } from './shell-places.ts';

/** What the stores hold of one project. */
export interface ProjectUsage {
  readonly key: string;
  /** Absolute paths that are there: runs, caches, snapshots. */
  readonly directories: readonly string[];
  /** A run of it is under way, so nothing may be removed. */
  readonly isBusy: boolean;
  /** Milliseconds since the Unix epoch; when its last run began, or its caches were last changed. */
  readonly lastUsedMs: number;
}

/** All projects that the stores know, by key. */
export function listProjects(stateDirectory: string, cacheDirectory: string): readonly ProjectUsage[] {
  const tops = [join(stateDirectory, 'projects'), join(cacheDirectory, 'caches'), join(cacheDirectory, 'snapshots')];
  const keys = [...new Set(tops.flatMap(namesIn))].sort();
  return keys.map((key) => {
    const directories = tops.map((top) => join(top, key)).filter((path) => statSync(path, { throwIfNoEntry: false }));
    const runs = join(stateDirectory, 'projects', key, 'runs');
    const used = [...directories, runs].map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    return {
      key,
      directories,
      isBusy: hasLivingRun(runs) || hasLivingShell(join(tops[0]!, key)),
      lastUsedMs: Math.max(...used),
    };
  });
}

function hasLivingRun(runs: string): boolean {
  return namesIn(runs).some((id) => {
    try {
      const state = JSON.parse(readFileSync(join(runs, id, 'run.json'), 'utf8')) as RunState;
      return state.finishedAt === undefined && lifeOfRun(join(runs, id), state) !== 'over';
    } catch {
      return false;
    }
  });
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
