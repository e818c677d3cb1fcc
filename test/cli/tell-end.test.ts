import { expect, it } from 'vitest';
import { tellEnd } from '../../src/cli/runner/tell-end.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import type { RunnerLogFields } from '../../src/runner/runner-log.ts';
import type { Reported } from '../../src/runner/trace/trace-sender.ts';

function told(outcome: Outcome, exitCode: number, reported: Reported = { kind: 'reported' }) {
  const lines: { level: string; fields: RunnerLogFields | undefined }[] = [];
  const result =
    outcome.status === 'success'
      ? ({ state: 'success' } as const)
      : ({ state: 'failed', failureReason: 'x', exitCode } as const);
  tellEnd((level, _, fields) => void lines.push({ level, fields }), {
    ...{ fields: { job: 1 }, outcome, result, reported, durationMs: 1234 },
  });
  const { reason, exit_code, duration_s, reported: how } = lines[0]!.fields!;
  return [lines[0]!.level, reason, exit_code, duration_s, how];
}

it('says why a job failed, how long it took, and what its server has not heard', () => {
  expect(told({ status: 'success' }, 0)).toEqual(['info', undefined, undefined, 1.2, undefined]);
  const script = { status: 'failed', reason: 'script_failure', message: 'exit code 3' } as const;
  expect(told(script, 3)).toEqual(['info', 'script_failure', 3, 1.2, undefined]);
  const image = { status: 'failed', reason: 'image_pull_failure', message: 'secret' } as const;
  expect(told(image, 0)).toEqual(['warning', 'image_pull_failure', undefined, 1.2, undefined]);
  expect(told({ status: 'canceled' }, 0)[1]).toBe('job_canceled');
  expect(told(script, 3, { kind: 'lost', why: '500' }).at(-1)).toBe('500');
  expect(told(script, 3, { kind: 'left' })[0]).toBe('error');
});
