import type { Outcome } from '../model/outcome.ts';
import type { WorkspaceLayer } from '../model/ports.ts';
import type { AttachWorkspaceStep, PersistWorkspaceStep } from '../model/step.ts';
import type { JobRun } from './job-run.ts';

/** Keeps files of this job for the jobs after it. */
export async function persistWorkspace(run: JobRun, step: PersistWorkspaceStep): Promise<void> {
  const { deps, spec, session, limits, log, variables } = run;
  const base = variables.expand(step.root);
  const selection = { paths: step.paths.map(variables.expand), exclude: [], untracked: false, base };
  const { taking } = limits;
  await deps.artifacts.persist(
    spec,
    async (directory) => {
      const taken = await session.files.get(selection, directory, taking);
      for (const path of taken.unmatched) await log.warning(`${path}: no matching files in ${base}`);
      for (const path of taken.outside) await log.warning(`${path}: leads outside of ${base}, left out`);
      await log.line(`Persisted ${taken.entries.length} files and directories`);
      return taken;
    },
    taking,
  );
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
  if (conflict !== undefined) {
    const { path, jobs } = conflict;
    const message = `concurrent jobs ${jobs[0]} and ${jobs[1]} both persisted ${path}: only one of them may`;
    return { status: 'failed', reason: 'script_failure', message };
  }
  const at = variables.expand(step.at);
  for (const layer of layers) {
    await log.line(`Applying workspace layer of ${layer.job}`);
    await session.files.put(layer.tree, at, limits.soft);
  }
  return undefined;
}

function findConflict(
  layers: readonly WorkspaceLayer[],
  after: ReadonlyMap<string, readonly string[] | undefined>,
): { readonly path: string; readonly jobs: readonly [string, string] } | undefined {
  const owners = new Map<string, string[]>();
  for (const { job, entries } of layers) {
    const before = after.get(job);
    for (const { path, type } of entries) {
      if (type === 'directory') continue;
      const others = owners.get(path) ?? [];
      const concurrent = others.find((other) => other !== job && before !== undefined && !before.includes(other));
      if (concurrent !== undefined) return { path, jobs: [concurrent, job] };
      owners.set(path, [...others, job]);
    }
  }
  return undefined;
}
