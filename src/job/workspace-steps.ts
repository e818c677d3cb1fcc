import type { Outcome } from '../model/outcome.ts';
import type { WorkspaceLayer } from '../model/ports.ts';
import type { AttachWorkspaceStep, PersistWorkspaceStep } from '../model/step.ts';
import type { JobRun } from './job-run.ts';
import { homePath, notPut, pathIn, wholePaths } from './session-path.ts';

/** Keeps files of this job for the jobs after it; that there are none is a failure. */
export async function persistWorkspace(run: JobRun, step: PersistWorkspaceStep): Promise<Outcome | undefined> {
  const { deps, spec, session, limits, log, variables } = run;
  const base = pathIn(spec, session, variables.expand(step.root));
  const paths = step.paths.map((path) => homePath(spec, session, variables.expand(path)));
  const selection = { paths, exclude: [], untracked: false, base, ...wholePaths(spec) };
  const { taking } = limits;
  let count = 0;
  await deps.artifacts.persist(
    spec,
    async (directory) => {
      const taken = await session.files.get(selection, directory, taking);
      count = taken.entries.length;
      if (count > 0) {
        for (const path of taken.unmatched) await log.warning(`${path}: no matching files in ${base}`);
      }
      for (const path of taken.outside) await log.warning(`${path}: leads outside of ${base}, left out`);
      if (count > 0) await log.line(`Persisted ${count} files and directories`);
      return taken;
    },
    taking,
  );
  if (count > 0) return undefined;
  return {
    status: 'failed',
    reason: 'script_failure',
    message: `nothing to persist: ${selection.paths.join(', ')} match no files in ${base}`,
    hint: 'make the files in a step before, or correct `root` and `paths`',
  };
}

/**
 * Lays what earlier jobs persisted into a directory, layer over layer in the order of the graph. Two jobs that do not
 * depend on each other must not have persisted the same file. Source: https://circleci.com/docs/workspaces/
 */
export async function attachWorkspace(run: JobRun, step: AttachWorkspaceStep): Promise<Outcome | undefined> {
  const { deps, spec, session, limits, variables, log } = run;
  const layers = await deps.artifacts.workspaceLayers(spec.workspaceFrom);
  const after = new Map(spec.workspaceFrom.map((dependency) => [dependency.id, dependency.after]));
  const conflict = findConflict(layers, after);
  if (conflict !== undefined) return clash(conflict);
  const at = pathIn(spec, session, variables.expand(step.at));
  const refused = await session.files.refuses?.(at);
  if (refused !== undefined) return notPut('the workspace', at, refused);
  for (const layer of layers) {
    await log.line(`Applying workspace layer of ${layer.job}`);
    await session.files.put(layer.tree, at, limits.soft);
  }
  return undefined;
}

/** Two jobs and the files that both persisted. */
interface Conflict {
  readonly jobs: readonly [string, string];
  readonly paths: readonly string[];
}

/** Files that are told by name. */
const mostPaths = 5;

function clash({ jobs, paths }: Conflict): Outcome {
  const more = paths.length > mostPaths ? ` and ${paths.length - mostPaths} more` : '';
  const message = `concurrent jobs ${jobs[0]} and ${jobs[1]} both persisted ${paths.slice(0, mostPaths).join(', ')}${more}`;
  const hint = 'let only one of them persist it, give the files names of their own, or let one job require the other';
  return { status: 'failed', reason: 'script_failure', message, hint };
}

/** The first two jobs without an order between them that persisted the same files. */
function findConflict(
  layers: readonly WorkspaceLayer[],
  after: ReadonlyMap<string, readonly string[] | undefined>,
): Conflict | undefined {
  const owners = new Map<string, string[]>();
  let jobs: readonly [string, string] | undefined;
  const paths = new Set<string>();
  for (const { job, entries } of layers) {
    const before = after.get(job);
    for (const { path, type } of entries) {
      if (type === 'directory') continue;
      const others = owners.get(path) ?? [];
      const concurrent = others.find((other) => other !== job && before !== undefined && !before.includes(other));
      if (concurrent !== undefined) {
        jobs ??= [concurrent, job];
        if (jobs[0] === concurrent && jobs[1] === job) paths.add(path);
      }
      owners.set(path, [...others, job]);
    }
  }
  return jobs && { jobs, paths: [...paths] };
}
