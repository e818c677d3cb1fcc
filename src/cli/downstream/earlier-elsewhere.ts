import type { ProjectCheckouts } from '../../model/included-file.ts';
import type { FinalStatus, Outcome } from '../../model/outcome.ts';
import type { EndedJob, Expansion, ProjectNeed } from '../../schedule/scheduled-pipeline.ts';
import { listRuns, type StoredRun } from '../../stores/run-store.ts';
import { notMapped } from '../mapped-projects.ts';

/** Runs on this machine of projects that were mapped to folders. */
export interface EarlierElsewhere {
  /** What the newest successful run of a job left; a text says why it is not to be had. */
  job(need: ProjectNeed): Promise<EndedJob | string>;
  /** How the newest run of a project ended. */
  status(project: string): Promise<Expansion>;
}

/** @param given.projects absent: nothing is mapped. */
export function earlierElsewhere(given: {
  readonly stateDirectory: string;
  readonly projects: ProjectCheckouts | undefined;
}): EarlierElsewhere {
  const { stateDirectory, projects } = given;
  const runsOf = async (project: string): Promise<readonly StoredRun[] | undefined> => {
    const projectRoot = projects?.directory(project);
    return projectRoot === undefined ? undefined : listRuns({ stateDirectory, projectRoot });
  };
  return {
    job: async ({ project, job, ref }) => {
      const runs = await runsOf(project);
      if (runs === undefined) return `it needs artifacts of ${job} of ${project}: ${notMapped(project)}`;
      const found = runs.find(({ state }) => state.ref === ref && state.jobs[job]?.status === 'success');
      const record = found?.state.jobs[job];
      if (found === undefined || record === undefined) {
        const where = projects?.directory(project);
        return `it needs artifacts of ${job} of ${project} at ${ref}: no local run has them; \`ci -C ${where} run ${job}\` makes them`;
      }
      const dependency = { id: job, name: job, store: found.run.artifactsDirectory };
      return { dependency, outputs: { dotenv: record.dotenv ?? [], artifacts: record.artifacts } };
    },
    status: async (project) => {
      const runs = await runsOf(project);
      if (runs === undefined)
        return { kind: 'passed-over', because: `${project} is not looked at: ${notMapped(project)}` };
      const status = runs.find(({ state }) => state.status !== undefined)?.state.status;
      if (status === undefined) return { kind: 'passed-over', because: `${project} has no local run that has ended` };
      return { kind: 'ended', outcome: asOutcome(status, project) };
    },
  };
}

function asOutcome(status: FinalStatus, project: string): Outcome {
  if (status === 'failed') {
    return { status, reason: 'downstream_pipeline_failure', message: `the newest run of ${project} failed` };
  }
  return status === 'skipped' ? { status, because: `the newest run of ${project} was skipped` } : { status };
}
