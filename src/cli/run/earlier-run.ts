import type { Plan } from '../../model/plan.ts';
import type { EarlierJob } from '../../schedule/plan-source-options.ts';
import type { ArtifactStore } from '../../stores/artifact-store.ts';
import type { JobRecord } from '../../stores/run-state.ts';
import { type RunStoreLocation, readRun, type StoredRun } from '../../stores/run-store.ts';
import { CommandError, exitCodes } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import type { LoadedPipeline } from '../load-pipeline.ts';
import { planLoaded } from '../load-plan.ts';
import type { RunOptions } from '../options.ts';

/**
 * The last run, for `--failed` and `--from`.
 * @throws CommandError exit 2 when there is none.
 */
export async function lastRun(location: RunStoreLocation, flag: '--failed' | '--from'): Promise<StoredRun> {
  const last = await readRun(location, 'last');
  if (last === undefined) {
    throw new CommandError(
      exitCodes.usage,
      `${flag} needs an earlier run, and there is none`,
      'run the pipeline once: ci run',
    );
  }
  return last;
}

/** Ids of jobs that failed, were canceled, or were to run in the last run and did not; nothing that it left aside. */
export async function failedLastTime(
  invocation: Invocation,
  loaded: LoadedPipeline,
  options: RunOptions,
  last: StoredRun,
): Promise<readonly string[]> {
  const { plan } = await planLoaded(invocation, loaded, [], options, { quiet: true });
  return plan.nodes
    .filter((node) => {
      const record = last.state.jobs[node.id];
      if (record === undefined) return last.state.planned?.includes(node.id) ?? false;
      return record.status === 'failed' || record.status === 'canceled' || record.status === 'skipped';
    })
    .map(({ id }) => id);
}

/** What a run takes over from the one before. */
export interface TakenOver {
  /** By id, for the scheduler. */
  readonly jobs: ReadonlyMap<string, EarlierJob>;
  /** By id; their artifacts lie with this run now. */
  readonly records: Readonly<Record<string, JobRecord>>;
}

/**
 * Takes over artifacts and variables of the jobs that this run does not run itself.
 * @param wanted ids of the jobs that count; absent: all.
 */
export async function takeOver(
  plan: Plan,
  last: StoredRun,
  artifacts: ArtifactStore,
  wanted?: readonly string[],
): Promise<TakenOver> {
  const own = new Set(plan.nodes.map(({ id }) => id));
  const isWanted = (id: string): boolean => wanted?.includes(id) ?? true;
  const foreign = Object.entries(last.state.jobs).filter(([id]) => !own.has(id) && isWanted(id));
  const ids = foreign.map(([id]) => id);
  await artifacts.seedFrom(last.run.artifactsDirectory, ids);
  const jobs = new Map<string, EarlierJob>();
  const records: Record<string, JobRecord> = {};
  for (const [id, record] of foreign) {
    const outputs = { dotenv: record.dotenv ?? [], artifacts: await artifacts.records(id) };
    jobs.set(id, { name: id, outputs });
    // The other run, and its files, may be removed one day.
    records[id] = { ...record, artifacts: outputs.artifacts };
  }
  return { jobs, records };
}
