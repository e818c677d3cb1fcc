import { describe, expect, it } from 'vitest';
import type { JobDescription } from '../gitlab-server/description.ts';
import { traceOf } from '../gitlab-server/state/model.ts';
import { stampedLines } from '../support/job-log.ts';
import { runnerRoom } from '../support/runner-room.ts';

const room = runnerRoom({ badChecksum: 'reject', tokenMaskPrefixes: ['acme-'] });
const { addJobs, ends, job, start } = room;

/** Runs jobs by a runner whose file ends with these lines. @returns the logs, by name. */
async function logsOf(jobs: readonly JobDescription[], table: string): Promise<Readonly<Record<string, string>>> {
  addJobs(...jobs);
  start({ global: 'concurrent = 3', table });
  await ends(...jobs.map(({ name }) => name));
  return Object.fromEntries(jobs.map(({ name }) => [name, Buffer.from(traceOf(job(name))).toString()]));
}

describe('the log of a job', () => {
  const script = ['echo "value $SECRET"; echo problem >&2', 'printf "1%%\\r2%%\\r"; sleep 0.3; printf "3%%\\nno end"'];
  const variables = { SECRET: { value: 'very-secret-value', masked: true } };

  it('has the time and the stream in front of each line, unless the job says otherwise', async () => {
    const { stamped = '', plain = '' } = await logsOf(
      [
        { name: 'stamped', script, afterScript: ['echo afterwards'], variables },
        { name: 'plain', script, variables: { ...variables, FF_TIMESTAMPS: 'false' } },
      ],
      '',
    );
    const lines = stampedLines(stamped);
    const of = (wanted: string) => lines.filter(({ stream }) => stream === wanted).map(({ text }) => text);
    expect(new Set(lines.map(({ stream }) => stream))).toEqual(new Set(['00O', '01O', '01E']));
    expect(of('01E')).toEqual(['problem']);
    const said = of('01O').filter((text) => /^(value|1%|no end|afterwards)/.test(text));
    expect(said).toEqual(['value [MASKED]', '1%\r2%\r3%', 'no end', 'afterwards']);
    expect(stamped).toMatch(/^\S{27} 00O \x1b\[0KRunning with pipewright/);
    expect(stamped).toMatch(/\n\S{27} 01O 1%\r2%\r\n(?:.*\n)*\S{27} 01O\+3%\n/);
    expect(stamped).toMatch(
      /\n\S{27} 00O[ +]section_end:\d+:\w+\r\x1b\[0K\n\S{27} 00O\+section_start:\d+:step_script\r/,
    );
    expect(stamped).toMatch(/\n\S{27} 00O[ +].*Job succeeded.*\n$/);
    expect(stamped).not.toContain('very-secret');
    expect(plain).toMatch(/^value \[MASKED\]$/m);
    expect(plain).not.toMatch(/Z [0-9a-f]{2}[OE]/);
    expect(room.server.violations).toEqual([]);
  });

  it("is as the runner's file says, whatever the job wants", async () => {
    const { a = '' } = await logsOf(
      [{ name: 'a', script: ['echo said'], variables: { FF_TIMESTAMPS: 'true' } }],
      '[runners.feature_flags]\nFF_TIMESTAMPS = false\n',
    );
    expect(a).toMatch(/^said$/m);
  });
});

describe('tokens in the log of a job', () => {
  const script = ['echo "glpat-abc=d.e gldt-abc; acme-abc aglrt-x"'];

  it('are hidden by their beginnings, those of the server too', async () => {
    const { a = '' } = await logsOf([{ name: 'a', script }], '');
    expect(a).toContain('glpat-[MASKED] gldt-[MASKED]; acme-[MASKED] aglrt-[MASKED]\n');
  });

  it('are hidden less without FF_MASK_ALL_DEFAULT_TOKENS', async () => {
    const variables = { FF_MASK_ALL_DEFAULT_TOKENS: 'false' };
    const { a = '' } = await logsOf([{ name: 'a', script, variables }], '');
    expect(a).toContain('glpat-[MASKED] gldt-abc; acme-[MASKED] aglrt-x\n');
  });
});
