import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobDescription } from '../gitlab-server/description.ts';
import { type GitlabServer, startGitlabServer } from '../gitlab-server/gitlab-server.ts';
import { traceOf } from '../gitlab-server/state/model.ts';
import { type RunnerProcess, smallRepository, startRunner } from '../support/runner-process.ts';

let home: string;
let server: GitlabServer;
let runners: RunnerProcess[];

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'ci-runner-log-'));
  server = await startGitlabServer({ rateLimits: 'off', badChecksum: 'reject', tokenMaskPrefixes: ['acme-'] });
  runners = [];
});

afterEach(async () => {
  // Killed, it would leave its mounts for a while.
  for (const { child } of runners) child.kill('SIGTERM');
  await Promise.all(runners.map(({ ended }) => ended));
  await server[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
});

/** Runs jobs by a runner whose file ends with these lines. @returns the logs, by name. */
async function logsOf(jobs: readonly JobDescription[], table: string): Promise<Readonly<Record<string, string>>> {
  server.addPipeline(
    { stages: ['test'], jobs },
    server.addProject({ repository: smallRepository(join(home, 'project')) }),
  );
  const { token } = server.addRunner();
  const text = `concurrent = 3\ncheck_interval = 1\n[[runners]]\nname = "one"\nurl = "${server.url}"\ntoken = "${token}"\nexecutor = "shell"\n${table}`;
  runners.push(startRunner(join(home, 'one'), text, { CI_RUNNER_PACE: '{"trace":{"updateIntervalMs":100}}' }));
  await server.until(() => jobs.every(({ name }) => ['success', 'failed'].includes(server.job(name).status)));
  return Object.fromEntries(jobs.map(({ name }) => [name, Buffer.from(traceOf(server.job(name))).toString()]));
}

const header = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z 0[01][OE][ +]/;

describe('the log of a job with FF_TIMESTAMPS', () => {
  it('has the time and the stream in front of each line, and hides what it has to', async () => {
    const { asked = '', plain = '' } = await logsOf(
      [
        {
          name: 'asked',
          script: [
            'echo "value $SECRET"; echo problem >&2; printf "1%%\\r2%%\\r"; sleep 0.3; printf "3%%\\nno end"',
            'ls hello.txt',
          ],
          afterScript: ['echo afterwards'],
          variables: { SECRET: { value: 'very-secret-value', masked: true }, FF_TIMESTAMPS: 'true' },
        },
        { name: 'plain', script: ['echo said'] },
      ],
      '',
    );
    const lines = asked.split('\n');
    expect(lines.pop()).toBe('');
    for (const line of lines) expect(line).toMatch(header);
    expect(asked).toMatch(/Z 01O value \[MASKED\]\n/);
    expect(asked).toMatch(/Z 01E problem\n/);
    expect(asked).toMatch(/Z 01O 1%\r2%\r\n(?:.*01E.*\n)?.*Z 01O\+3%\n/);
    expect(asked).toMatch(/Z 01O no end.*\n/);
    expect(asked).toMatch(/Z 00O[ +]section_start:\d+:step_script\r/);
    expect(asked).toMatch(/Z 00O[ +].*Job succeeded/);
    expect(asked).toContain('afterwards');
    expect(asked).not.toContain('very-secret');
    expect(plain).toMatch(/^said$/m);
    expect(plain).not.toMatch(/Z 0[01]O/);
    expect(server.violations).toEqual([]);
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
