import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { testEngine } from '../executors/support/engine.ts';
import { readEvents, runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();

/** Takes more than a second, and some processor time and memory of its own. */
const file = (image: string): string => `
work:
  ${image}
  script:
    - 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'
    - 'head -c 30000000 /dev/zero | (sleep 2; tail -c 30000000) | (sleep 3; wc -c)'
  artifacts: { paths: [a] }
`;

describe.each([
  ['shell', ''],
  ['docker', 'image: ci-test/busybox:latest'],
])('what a job in %s used', (name, image) => {
  it.skipIf(name === 'docker' && engine === undefined)('is in its last event, the state and the summary', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': file(image) });
    const at = { cwd: project.root, home: project.home };
    const result = await runCi(['run', '--reporter', 'json', '--report', 'json=report.json'], at);
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    const finished = readEvents(result.stdout).find((event) => event.type === 'job-finished')!;
    const resources = finished['resources'] as Record<string, number>;
    expect(resources['cpuMs']).toBeGreaterThan(100);
    expect(resources['memoryPeakBytes']).toBeGreaterThan(25e6);
    expect(resources['memoryPeakBytes']).toBeLessThan(200e6);
    const report = JSON.parse(readFileSync(`${project.root}/report.json`, 'utf8')) as {
      jobs: { resources: unknown }[];
    };
    expect(report.jobs[0]!.resources).toEqual(resources);
  });
});

describe.skipIf(engine === undefined)('little memory', () => {
  it('is what the run says killed a job, and not where something else did', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
default: { image: ci-test/busybox:latest }
hungry: { script: ['head -c 256m /dev/zero | tail -c 256m | wc -c'] }
murdered: { script: ['kill -9 $$'] }
`,
    });
    const at = { cwd: project.root, home: project.home };
    const result = await runCi(['run', '--memory', '32m'], at);
    expect(result.exitCode).toBe(1);
    const murdered = 'exit code 137, as after SIGKILL, but no process of the job was killed for lack of memory';
    expect(result.stdout).toMatch(/ ✗ +hungry +test +[\d.]+ m?s +.*killed: out of memory \(limit 32 MB\)\n/);
    expect(result.stdout).toContain('ERROR: Job failed: killed: out of memory (limit 32 MB)\n');
    expect(result.stdout).toContain(`✗ murdered: ${murdered}\n`);
    const { stdout } = await runCi(['logs', 'murdered'], at);
    expect(stdout).toContain(`ERROR: Job failed: ${murdered}\n`);
  });
});
