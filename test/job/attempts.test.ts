import { describe, expect, it } from 'vitest';
import { withAttempts } from '../../src/job/attempts.ts';
import type { JobRun } from '../../src/job/job-run.ts';
import { SystemError } from '../../src/model/outcome.ts';

/** As much of a job as is looked at. */
function jobWith(attempts: string | undefined) {
  const pauses: number[] = [];
  const warnings: string[] = [];
  const run = {
    variables: { get: () => attempts },
    log: { warning: async (text: string) => void warnings.push(text) },
    deps: { clock: { sleep: async (ms: number) => void pauses.push(ms) } },
    limits: { ending: () => undefined, soft: new AbortController().signal },
  };
  return { run: run as unknown as JobRun, pauses, warnings };
}

const broken = new SystemError('runner_system_failure', 'no network');

describe('attempts of a part of a job', () => {
  it.each([
    [undefined, 1],
    ['3', 3],
    ['0', 1],
    ['99', 10],
    ['99999999999', 10],
    ['-4', 1],
    ['many', 1],
  ])('with %s are %i', async (written, count) => {
    const { run, pauses, warnings } = jobWith(written);
    let tried = 0;
    const work = async (): Promise<void> => {
      tried += 1;
      throw broken;
    };
    await expect(withAttempts(run, 'ANY', work)).rejects.toBe(broken);
    expect([tried, pauses.length, warnings.length]).toEqual([count, count - 1, count - 1]);
    if (count === 10) expect([pauses[0], pauses[1], pauses.at(-1)]).toEqual([5000, 10_000, 300_000]);
  });

  it('are made for what a server takes for a script, and not for a configuration', async () => {
    for (const [reason, count] of [
      ['script_failure', 3],
      ['runner_configuration_error', 1],
    ] as const) {
      let tried = 0;
      const work = async (): Promise<void> => {
        tried += 1;
        throw new SystemError(reason, 'no');
      };
      await expect(withAttempts(jobWith('3').run, 'ANY', work)).rejects.toThrow('no');
      expect(tried).toBe(count);
    }
  });

  it('end with the first that goes well, and with what no other try would change', async () => {
    const { run } = jobWith('5');
    let tried = 0;
    await withAttempts(run, 'ANY', async () => {
      tried += 1;
      if (tried < 3) throw broken;
    });
    expect(tried).toBe(3);
    const ours = new Error('a bug');
    let once = 0;
    const work = async (): Promise<void> => {
      once += 1;
      throw ours;
    };
    await expect(withAttempts(run, 'ANY', work)).rejects.toBe(ours);
    expect(once).toBe(1);
  });
});
