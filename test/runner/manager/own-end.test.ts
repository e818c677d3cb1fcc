import { describe, expect, it } from 'vitest';
import { OwnEnd, type OwnEndRules } from '../../../src/runner/manager/own-end.ts';
import { decodeJob } from '../../../src/runner/network/decode-job.ts';
import type { JobRequestOutcome } from '../../../src/runner/network/gitlab-client.ts';
import { fakeClock } from '../../support/fake-clock.ts';

const nothing: JobRequestOutcome = { kind: 'nothing', healthy: true, retried: false };
const refused: JobRequestOutcome = {
  kind: 'failed',
  status: 403,
  why: '403 Forbidden',
  healthy: false,
  retried: false,
};
const unreachable: JobRequestOutcome = { kind: 'failed', status: -1, why: 'no route', healthy: true, retried: false };
const aborted: JobRequestOutcome = { kind: 'aborted', healthy: true, retried: false };
const job: JobRequestOutcome = {
  ...{ kind: 'job', healthy: true, retried: false, correlationId: '', caChain: '' },
  job: decodeJob({ id: 1, token: 'x' }),
};

function watched(rules: Partial<OwnEndRules>) {
  const clock = fakeClock();
  return { clock, end: new OwnEnd({ mostRefusals: 3, ...rules }, clock) };
}

describe('a runner that ends by itself', () => {
  it('ends after so many jobs that ran; others do not count', () => {
    const { end } = watched({ maxJobs: 2 });
    for (const how of ['ran', 'never-began', 'ran'] as const) {
      expect(end.signal.aborted).toBe(false);
      end.answered(job);
      end.jobEnded(how);
    }
    expect(end.cause).toEqual({ kind: 'all-jobs-done' });
    expect(end.signal.aborted).toBe(true);
  });

  it('ends when it waited too long, from the start or from the end of the last job on', async () => {
    const { clock, end } = watched({ waitTimeoutMs: 10_000 });
    await clock.advance(9000);
    end.answered(job);
    await clock.advance(60_000);
    expect(end.signal.aborted).toBe(false);
    end.jobEnded('ran');
    end.answered(nothing);
    await clock.advance(9999);
    expect(end.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(end.cause).toEqual({ kind: 'waited' });
    expect(clock.sleepers).toBe(0);
  });

  it('says so where the last question had no answer', async () => {
    const { clock, end } = watched({ waitTimeoutMs: 1000 });
    end.answered(unreachable);
    end.answered(aborted);
    await clock.advance(1000);
    expect(end.cause).toEqual({ kind: 'waited', unanswered: 'no route' });
  });

  it('ends when it is refused again and again, in a row', () => {
    const { end } = watched({});
    for (const outcome of [refused, refused, nothing, refused, refused, aborted]) end.answered(outcome);
    expect(end.signal.aborted).toBe(false);
    end.answered(refused);
    expect(end.cause).toEqual({ kind: 'refused', why: '403 Forbidden' });
  });

  it('goes on for ever without rules, and holds nothing up when it is let go', async () => {
    const forever = watched({});
    forever.end.jobEnded('ran');
    await forever.clock.advance(1e9);
    expect(forever.end.signal.aborted).toBe(false);
    const { clock, end } = watched({ waitTimeoutMs: 1000 });
    end[Symbol.dispose]();
    await clock.advance(1000);
    expect(end.signal.aborted).toBe(false);
  });
});
