import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../src/model/outcome.ts';
import { jobResult } from '../../../src/runner/job/job-result.ts';

const failed = (more: Omit<Extract<Outcome, { status: 'failed' }>, 'status'>): Outcome => ({
  status: 'failed',
  ...more,
});

describe('a job that failed', () => {
  it.each<[Parameters<typeof failed>[0], number]>([
    [{ reason: 'script_failure', exit: { kind: 'code', code: 128 } }, 128],
    [{ reason: 'script_failure', exit: { kind: 'code', code: 4294967295 } }, -1],
    [{ reason: 'script_failure', exit: { kind: 'out-of-memory' } }, 137],
    // What a program beside the job would have found.
    [{ reason: 'script_failure', message: 'dotenv report is not valid' }, 1],
    [{ reason: 'runner_system_failure' }, 0],
    [{ reason: 'runner_configuration_error' }, 0],
  ])('by %j is told with the exit code %i', (outcome, exitCode) => {
    expect(jobResult(failed(outcome), [])).toMatchObject({ state: 'failed', exitCode });
  });

  it.each([
    ['runner_configuration_error', [], 'script_failure'],
    ['image_pull_failure', [], 'runner_system_failure'],
    ['runner_external_dependency_failure', [], 'runner_system_failure'],
    ['runner_interrupted', [], 'unknown_failure'],
    ['image_pull_failure', ['image_pull_failure'], 'image_pull_failure'],
  ] as const)('by %s, of a server that lists %j, is told as %s', (reason, known, told) => {
    expect(jobResult(failed({ reason }), known)).toMatchObject({ failureReason: told });
  });
});
