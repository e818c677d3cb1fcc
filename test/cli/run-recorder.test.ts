import { expect, it } from 'vitest';
import { runRecorder } from '../../src/cli/run/run-recorder.ts';
import type { JobResult } from '../../src/model/outcome.ts';
import type { RunState } from '../../src/stores/run-state.ts';
import type { Run } from '../../src/stores/run-store.ts';

it('writes the state of a run as often for a thousand jobs as for one, and the end of each job once', async () => {
  const written: RunState[] = [];
  const recorded: string[] = [];
  const run: Run = {
    id: '1',
    directory: '/run',
    eventsPath: '/run/events.ndjson',
    artifactsDirectory: '/run/artifacts',
    workspacesDirectory: '/run/workspaces',
    keptDirectory: '',
    logPath: (id) => `/run/logs/${id}.log`,
    writeState: async (state) => void written.push(structuredClone(state)),
    recordJob: (id) => void recorded.push(id),
  };
  const initial: RunState = {
    schema: 'ci/1',
    id: '1',
    file: '.ci.yml',
    startedAt: new Date(0).toISOString(),
    process: { pid: 1, started: '', boot: '' },
    jobs: {},
  };
  const recorder = runRecorder(run, initial);
  const ids = Array.from({ length: 1000 }, (_, index) => `job-${index}`);
  const jobs = ids.map((id) => {
    return { id, name: id, stage: 'test', needs: [], when: 'on_success', executor: 'shell' } as const;
  });
  recorder.on({ type: 'pipeline-planned', at: 0, runId: '1', file: '.ci.yml', stages: ['test'], jobs });
  const result: JobResult = { status: 'success', allowFailure: false, durationMs: 1, attempts: 1, artifacts: [] };
  for (const job of ids) {
    recorder.on({ type: 'job-finished', at: 1, job, result });
    // The write that is under way ends, so that the next change would be another one.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const results = Object.fromEntries(ids.map((id) => [id, result]));
  recorder.on({ type: 'pipeline-finished', at: 2, status: 'success', durationMs: 2, jobs: results });
  await recorder.close();
  expect(recorded).toEqual(ids);
  expect(written).toHaveLength(2);
  expect(written.at(-1)).toMatchObject({ status: 'success', planned: ids });
  expect(Object.keys(written.at(-1)!.jobs)).toEqual(ids);
});
