import type { Plan, PlanNode } from '../../model/plan.ts';
import type { EarlierJob } from '../../schedule/scheduled-pipeline.ts';
import type { ArtifactStore } from '../../stores/artifact-store.ts';
import type { JobRecord } from '../../stores/run-state.ts';
import { listRuns, type RunStoreLocation, readRun, type StoredRun } from '../../stores/run-store.ts';
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

/**
 * Ids of jobs that failed, were canceled, or were to run in the last run and did not; nothing that it left aside. A job that
 * started another pipeline and did not wait for it counts when that did not end well.
 */
export async function failedLastTime(
  invocation: Invocation,
  loaded: LoadedPipeline,
  options: RunOptions,
  last: StoredRun,
): Promise<readonly string[]> {
  const { plan } = await planLoaded(invocation, loaded, [], options, { quiet: true });
  const own = new Set(plan.nodes.map(({ id }) => id));
  const planned = new Set(last.state.planned);
  const unfinished = beginnings(
    [...planned, ...Object.keys(last.state.jobs)].filter((id) => !own.has(id) && endedBadly(last.state.jobs[id])),
  );
  const failed = plan.nodes
    .filter(({ id, kind }) => {
      const record = last.state.jobs[id];
      if (record === undefined) return planned.has(id);
      if (kind === 'bridge' && unfinished.has(id)) return true;
      return record.status === 'failed' || record.status === 'canceled' || record.status === 'skipped';
    })
    .map(({ id }) => id);
  return [...closedGates(plan, failed, last), ...failed];
}

/** Manual jobs that nobody started, and that the given jobs wait for: without them these would run unasked. */
function closedGates({ nodes }: Plan, waiting: readonly string[], last: StoredRun): readonly string[] {
  const needed = new Set(
    nodes.filter(({ id }) => waiting.includes(id)).flatMap(({ needs }) => needs.map(({ id }) => id)),
  );
  return nodes.map(({ id }) => id).filter((id) => needed.has(id) && last.state.jobs[id]?.status === 'manual');
}

function endedBadly(record: JobRecord | undefined): boolean {
  if (record === undefined || record.status === 'canceled') return true;
  return record.status === 'failed' && !record.allowFailure;
}

/** All that stands before a slash in ids: jobs that started the pipelines of these are among them. */
function beginnings(ids: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const id of ids)
    for (let at = id.indexOf('/'); at >= 0; at = id.indexOf('/', at + 1)) found.add(id.slice(0, at));
  return found;
}

/** What a run takes over from earlier ones. */
export interface TakenOver {
  /** By id, for the scheduler. */
  readonly jobs: ReadonlyMap<string, EarlierJob>;
  /** By id; their artifacts lie with this run now. */
  readonly records: Readonly<Record<string, JobRecord>>;
  /** Jobs that did not run in the last run: what they left is that of an older one. */
  readonly older: readonly { readonly job: string; readonly runId: string }[];
  /** Jobs whose artifacts are needed, and that no run has run. */
  readonly missing: readonly string[];
}

interface RanBefore {
  readonly from: StoredRun;
  readonly record: JobRecord;
}

/**
 * Takes over artifacts and variables of the jobs that this run does not run itself: from the last run, or where that did
 * not run a job whose artifacts are needed, from the newest run that did.
 * @param wanted ids of the jobs that count; absent: all.
 */
export async function takeOver(
  plan: Plan,
  given: {
    readonly location: RunStoreLocation;
    readonly last: StoredRun;
    readonly artifacts: ArtifactStore;
    readonly wanted?: readonly string[];
  },
): Promise<TakenOver> {
  const { location, last, artifacts, wanted } = given;
  const own = new Set(plan.nodes.map(({ id }) => id));
  // What a bridge of this run starts runs anew.
  const below = plan.nodes.flatMap(({ kind, id }) => (kind === 'bridge' ? [`${id}/`] : []));
  const isForeign = (id: string): boolean =>
    !own.has(id) && !below.some((prefix) => id.startsWith(prefix)) && (wanted?.includes(id) ?? true);
  const found = new Map<string, RanBefore>();
  for (const [id, record] of Object.entries(last.state.jobs)) if (isForeign(id)) found.set(id, { from: last, record });
  const needed = wanted ?? plan.nodes.flatMap(artifactsOf);
  const lacking = new Set(needed.filter((id) => isForeign(id) && !hasRun(found.get(id)?.record)));
  const older = lacking.size === 0 ? [] : await findOlder(location, lacking);
  for (const [id, before] of older) found.set(id, before);
  return {
    ...(await bringHere(found, artifacts)),
    older: older.map(([job, { from }]) => ({ job, runId: from.run.id })),
    missing: [...lacking],
  };
}

/** Ids of the jobs whose artifacts a node uses; for a bridge also those that make its files. */
function artifactsOf(node: PlanNode): readonly string[] {
  if (node.kind === 'approval') return [];
  if (node.kind === 'job') return [...node.artifactsFrom, ...(node.workspaceFrom ?? []).map(({ id }) => id)];
  const { trigger } = node.definition;
  const makers = trigger.kind === 'child' ? trigger.files.flatMap(({ madeBy }) => madeBy ?? []) : [];
  return [...new Set([...node.artifactsFrom, ...makers])];
}

/** @param lacking loses the jobs that are found. */
async function findOlder(
  location: RunStoreLocation,
  lacking: Set<string>,
): Promise<readonly (readonly [string, RanBefore])[]> {
  const found: (readonly [string, RanBefore])[] = [];
  for (const from of await listRuns(location)) {
    for (const id of [...lacking]) {
      const record = from.state.jobs[id];
      if (record === undefined || !hasRun(record)) continue;
      found.push([id, { from, record }]);
      lacking.delete(id);
    }
    if (lacking.size === 0) break;
  }
  return found;
}

function hasRun(record: JobRecord | undefined): boolean {
  return record?.status === 'success' || record?.status === 'failed';
}

async function bringHere(
  found: ReadonlyMap<string, RanBefore>,
  artifacts: ArtifactStore,
): Promise<Pick<TakenOver, 'jobs' | 'records'>> {
  const idsOf = new Map<StoredRun, string[]>();
  for (const [id, { from }] of found) idsOf.set(from, [...(idsOf.get(from) ?? []), id]);
  for (const [from, ids] of idsOf) await artifacts.seedFrom(from.run.artifactsDirectory, ids);
  const jobs = new Map<string, EarlierJob>();
  const records: Record<string, JobRecord> = {};
  for (const [id, { record }] of found) {
    const outputs = { dotenv: record.dotenv ?? [], artifacts: await artifacts.records(id) };
    jobs.set(id, { name: id, outputs });
    // The other run, and its files, may be removed one day.
    records[id] = { ...record, artifacts: outputs.artifacts };
  }
  return { jobs, records };
}

/** What of earlier runs is not as one might think, in words. */
export function takenOverRemarks({ older, missing }: TakenOver): {
  readonly notices: readonly string[];
  readonly warnings: readonly string[];
} {
  return {
    notices: older.map(({ job, runId }) => `artifacts of ${job} are those of run ${runId}: it did not run since`),
    warnings:
      missing.length === 0 ? [] : [`without artifacts of ${missing.join(', ')}: no run on this machine has them`],
  };
}
