import { renderTable } from '../../reporters/table.ts';
import { readKeptJobs } from '../../stores/kept-places.ts';
import { listRuns, type StoredRun } from '../../stores/run-store.ts';
import { countText } from '../../util/count-text.ts';
import { formatDuration } from '../../util/duration.ts';
import { exitCodes } from '../exit-code.ts';
import { runLocation } from '../find-run.ts';
import { type Invocation, print, printJson, printLines, printMessage } from '../invocation.ts';
import type { FileOptions } from '../options.ts';
import { paintFor } from '../report-diagnostics.ts';

/** Options of `ci runs`; `limit`: only so many, the newest (default 20). */
export interface RunsOptions extends Pick<FileOptions, 'color'> {
  readonly limit?: number;
  readonly format: 'text' | 'json';
}

/** `ci runs`: earlier runs of this project, newest first. */
export async function runs(invocation: Invocation, _: readonly string[], options: RunsOptions): Promise<number> {
  const stored = (await listRuns(runLocation(invocation))).slice(0, options.limit ?? 20);
  if (options.format === 'json') {
    await printJson(invocation, { schema: 'ci/1', runs: stored.map(withKept) });
    return exitCodes.ok;
  }
  if (stored.length === 0) {
    await printMessage(invocation, 'there is no run yet: `ci run` makes the first one');
    return exitCodes.ok;
  }
  const paint = await paintFor(invocation, invocation.stdout, options.color);
  const rows = stored.map((run) => {
    const { status, startedAt, durationMs, jobs, file } = runDocument(run);
    const kind = status === 'success' ? 'success' : status === 'failed' ? 'error' : 'warning';
    const failed = Object.values(run.state.jobs).filter((job) => job.status === 'failed' && !job.allowFailure).length;
    const count = `${countText(Object.keys(jobs).length, 'job')}${failed > 0 ? `, ${failed} failed` : ''}`;
    const time = durationMs === undefined ? '' : formatDuration(durationMs);
    return [run.run.id, paint(kind, status), startedAt.replace('T', ' ').slice(0, 19), time, count, file];
  });
  const lines = renderTable(rows, {
    header: ['run', 'status', 'started (UTC)', 'time', 'jobs', 'file'],
    rightAligned: [0],
  });
  await print(invocation.stdout, `${lines.join('\n')}\n`);
  for (const { run } of stored) {
    for (const { job, name, enter } of readKeptJobs(run)) {
      await printLines(invocation.stdout, [`kept of run ${run.id}: job ${job}, ${name}; to go in: ${enter}`]);
    }
  }
  return exitCodes.ok;
}

function withKept(stored: StoredRun) {
  const kept = readKeptJobs(stored.run);
  return { ...runDocument(stored), ...(kept.length === 0 ? {} : { kept }) };
}

function runDocument({ run, state, isRunning }: StoredRun) {
  const durationMs =
    state.finishedAt === undefined ? undefined : Date.parse(state.finishedAt) - Date.parse(state.startedAt);
  return {
    id: run.id,
    status: state.status ?? (isRunning ? 'running' : 'interrupted'),
    file: state.file,
    startedAt: state.startedAt,
    ...(state.finishedAt === undefined ? {} : { finishedAt: state.finishedAt }),
    ...(durationMs === undefined ? {} : { durationMs }),
    directory: run.directory,
    jobs: Object.fromEntries(Object.entries(state.jobs).map(([id, job]) => [id, job.status])),
  };
}
