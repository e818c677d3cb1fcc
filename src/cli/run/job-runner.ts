import type { JobDeps } from '../../job/job-run.ts';
import type { RunnerFacts } from '../../job/job-variables.ts';
import { runJob } from '../../job/run-job.ts';
import { wantsTestTimings } from '../../job/test-timings.ts';
import { maskingTables } from '../../masking/masking-tables.ts';
import type { JobLease, TestTimingsPort } from '../../model/ports.ts';
import type { JobRunResult } from '../../schedule/run-workers.ts';
import type { Executors } from './executors.ts';
import type { FailureShells } from './failure-shells.ts';
import type { ProjectCaches } from './project-caches.ts';
import type { RunRecorder } from './run-recorder.ts';

/** What all jobs of a run are run with. */
export interface JobRunnerParts extends Pick<JobDeps, 'artifacts' | 'emit' | 'clock'> {
  /** Absent: `--no-cache`. */
  readonly caches?: ProjectCaches;
  /** Of the run; looked for when a job wants them. */
  readonly testTimings: () => Promise<TestTimingsPort>;
  readonly executors: Executors;
  readonly recorder: RunRecorder;
  /** This program's. */
  readonly version: string;
  /** Absent: nobody looks at failed jobs. */
  readonly shells?: FailureShells | undefined;
  /** Absent: nothing of them is kept. */
  readonly keep?: JobDeps['onScriptFailure'] | undefined;
}

/** Makes what runs one leased job: with the executor it names, in the lowest free slot. */
export function jobRunner({
  executors,
  recorder,
  version,
  shells,
  keep,
  caches,
  testTimings,
  ...shared
}: JobRunnerParts) {
  const runner = runnerFacts(version);
  const slots = freeSlots();
  const tables = maskingTables();
  return async (lease: JobLease): Promise<JobRunResult> => {
    await shells?.noneOpen();
    const slot = slots.take();
    try {
      const executor = await executors.get(lease.spec.executor);
      const onScriptFailure = shells?.open ?? keep;
      const looking = onScriptFailure === undefined ? {} : { onScriptFailure };
      const cached = caches === undefined ? {} : { caches: caches.of(lease.spec.projectPath) };
      const timed = wantsTestTimings(lease.spec) ? { testTimings: await testTimings() } : {};
      const deps = {
        ...shared,
        ...cached,
        ...looking,
        ...timed,
        executor,
        runner,
        maskingTables: tables,
        concurrentId: slot,
      };
      const ended = await runJob(lease, deps);
      recorder.outputs(lease.spec.id, ended.outputs);
      return ended;
    } finally {
      slots.give(slot);
    }
  };
}

/** What this program tells jobs about itself. */
export function runnerFacts(version: string): RunnerFacts {
  return { name: 'pipewright', version, revision: 'local', platform: platformName() };
}

/** Lowest free numbers, for `CI_CONCURRENT_ID`. */
function freeSlots(): { take(): number; give(slot: number): void } {
  const taken = new Set<number>();
  return {
    take: () => {
      let slot = 0;
      while (taken.has(slot)) slot++;
      taken.add(slot);
      return slot;
    },
    give: (slot) => taken.delete(slot),
  };
}

function platformName(): string {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
  return `${process.platform}/${names[process.arch] ?? process.arch}`;
}
