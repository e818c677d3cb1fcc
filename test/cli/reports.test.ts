import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEvents, runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

const report = `<testsuites><testsuite name="unit">
  <testcase classname="Sum" name="adds"><failure message="expected 3, got 4; key was s3cr3t-value"/></testcase>
  <testcase classname="Sum" name="waits"><skipped/></testcase>
  <testcase classname="Sum" name="subtracts"/>
</testsuite></testsuites>`;

describe('JUnit reports', () => {
  const file = `
test:
  script: [cp report.xml out.xml, exit 3]
  artifacts: { reports: { junit: [out.xml, none-*.xml] } }
none:
  script: [make || true]
  artifacts: { reports: { junit: none.xml } }
broken:
  script: [echo no report > out.xml]
  artifacts: { reports: { junit: out.xml } }
`;

  it('of a failed job are counted, named and kept, without secrets', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': file, 'report.xml': report });
    const args = ['run', '--reporter', 'json', '--secret', 'KEY', '--report', 'html=r.html'];
    const { stdout, exitCode } = await runCi(args, {
      cwd: project.root,
      home: project.home,
      env: { KEY: 's3cr3t-value' },
    });
    expect(exitCode).toBe(1);
    expect(stdout).not.toContain('s3cr3t-value');
    expect(readFileSync(join(project.root, 'r.html'), 'utf8')).not.toContain('s3cr3t-value');
    const finished = readEvents(stdout).filter(({ type }) => type === 'job-finished');
    const byJob = Object.fromEntries(finished.map((event) => [event.job, event]));
    expect(byJob['test']).toMatchObject({
      status: 'failed',
      exitCode: 3,
      artifacts: [{ type: 'junit', files: 1 }],
      tests: {
        ...{ total: 3, passed: 1, failed: 1, errors: 0, skipped: 1, unreadable: [] },
        failures: [{ kind: 'failure', name: 'adds', className: 'Sum', message: 'expected 3, got 4; key was [MASKED]' }],
      },
    });
    expect(byJob['none']).not.toHaveProperty('tests');
    expect(byJob['broken']).toMatchObject({
      status: 'success',
      tests: { total: 0, unreadable: [expect.stringContaining('out.xml: it is not well-formed XML')] },
    });
  });

  it('stand in the summary for people', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': file, 'report.xml': report });
    const { stdout } = await runCi(['run', 'test', '--reporter', 'plain'], { cwd: project.root, home: project.home });
    expect(stdout).toContain('exit code 3, 3 tests, 1 failed, 1 skipped');
    expect(stdout).toContain('test: 1 of 3 tests failed\n  ✗ Sum › adds: expected 3, got 4');
  });
});

describe('artifacts:expire_in', () => {
  it('removes what is over, but not what the last run left', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': 'a: { script: [echo 1 > x], artifacts: { paths: [x], expire_in: 0 sec } }\n',
    });
    const where = { cwd: project.root, home: project.home };
    for (let run = 1; run <= 3; run++) expect((await runCi(['run'], where)).exitCode).toBe(0);
    const of = async (run: string): Promise<string> => (await runCi(['artifacts', '--run', run], where)).stdout;
    expect(await of('1')).toMatch(/\/files \(expired\)$/m);
    expect(await of('2')).not.toContain('expired');
    expect(await of('3')).not.toContain('expired');
  });
});
