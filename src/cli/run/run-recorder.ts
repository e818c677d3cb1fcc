import type { Event } from '../../model/event.ts';
import type { Outputs } from '../../model/outcome.ts';
import type { Reporter } from '../../reporters/reporter.ts';
import type { JobRecord, RunState } from '../../stores/run-state.ts';
import type { Run } from '../../stores/run-store.ts';

/** Keeps the run's state up to date, so that later commands know how far a run is and how it ended. */
export interface RunRecorder extends Reporter {
  /** What a job left; told before its `job-finished`. */
  outputs(jobId: string, outputs: Outputs): void;
}

/**
 * Records one run. A write is under way at most once; what changes meanwhile goes with the next.
 * @param taken jobs taken over from an earlier run: they count as done for the next `--failed`, also when this run is
 * killed.
 */
export function runRecorder(run: Run, initial: RunState, taken: Readonly<Record<string, JobRecord>> = {}): RunRecorder {
  const outputs = new Map<string, Outputs>();
  const planned: string[] = [];
  let state: RunState = { ...initial, jobs: { ...taken, ...initial.jobs } };
  let dirty = false;
  let writing: Promise<void> | undefined;
  let failure: unknown;

  async function writeDirty(): Promise<void> {
    try {
      while (dirty) {
        dirty = false;
        await run.writeState(state);
      }
    } catch (error) {
      failure ??= error;
    }
    // In the same tick as the last look at `dirty`: a change that comes later starts another write.
    writing = undefined;
  }
  function changed(next: RunState): void {
    state = next;
    dirty = true;
    writing ??= Promise.resolve().then(writeDirty);
  }
  function record(job: string, result: JobRecord): void {
    // One object for the whole run: copying it at every job would be quadratic.
    (state.jobs as Record<string, JobRecord>)[job] = result;
    try {
      run.recordJob(job, result);
    } catch (error) {
      failure ??= error;
    }
  }
  if (Object.keys(taken).length > 0) changed(state);
  return {
    outputs: (jobId, left) => outputs.set(jobId, left),
    on(event: Event) {
      if (event.type === 'pipeline-planned') {
        // Those of all pipelines of the run, in one list: copying it for each would be quadratic.
        for (const { id } of event.jobs) planned.push(id);
        changed({ ...state, planned });
      }
      if (event.type === 'job-finished') {
        const dotenv = outputs.get(event.job)?.dotenv ?? [];
        const extra = dotenv.length > 0 ? { dotenv } : {};
        record(event.job, { ...event.result, logPath: run.logPath(event.job), ...extra });
      }
      if (event.type === 'pipeline-finished') {
        changed({ ...state, status: event.status, finishedAt: new Date(event.at).toISOString() });
      }
    },
    async close() {
      await writing;
      if (failure !== undefined) throw failure;
    },
  };
}
