import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createShellExecutor } from '../../src/executors/shell/shell-executor.ts';
import { runJob } from '../../src/job/run-job.ts';
import type { JobSpec } from '../../src/model/job-spec.ts';
import { PlanSource } from '../../src/schedule/plan-source.ts';
import { runWorkers } from '../../src/schedule/run-workers.ts';
import { artifactStore } from '../../src/stores/artifact-store.ts';
import { systemClock } from '../../src/util/clock.ts';
import { type JobSketch, sketchPlan } from '../schedule/pipeline.ts';
import { afterScript, download, script, temporary, upload } from './job.ts';

const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp' };

/** Runs jobs as the command line does: scheduler, worker loop, job life, shell, store. */
async function runReally(jobs: readonly JobSketch[], onOutput: (text: string, source: PlanSource) => void = () => {}) {
  const root = join(temporary(), 'jobs');
  const executor = createShellExecutor({ root, graceMs: 2000, env });
  const artifacts = artifactStore(temporary());
  const logs = new Map<string, string>();
  const specs: JobSpec[] = [];
  const source: PlanSource = new PlanSource(sketchPlan(jobs), {
    runId: 'run-1',
    file: '.ci.yml',
    projectPath: 'group/project',
    source: { kind: 'none' },
    clock: systemClock,
    emit: () => {},
    openLog: (job) => ({
      path: `/logs/${job}`,
      sink: {
        async write(bytes) {
          const text =
            (logs.get(job) ?? '') +
            Buffer.from(bytes)
              .toString()
              .replaceAll(/\x1b\[[0-9;]*[mK]/g, '');
          logs.set(job, text);
          onOutput(text, source);
        },
      },
      close: async () => {},
    }),
  });
  await runWorkers(source, {
    concurrency: 2,
    runJob: (lease) => {
      specs.push(lease.spec);
      return runJob(lease, {
        executor,
        artifacts,
        emit: () => {},
        clock: systemClock,
        runner: { name: 'pipewright', version: '0.1.0', revision: 'abc', platform: 'linux/amd64' },
      });
    },
  });
  const result = await source.finished;
  await executor.close();
  return { result, logs, left: existsSync(root) ? readdirSync(root) : [] };
}

describe('jobs in a real shell', () => {
  it('hand on artifacts and dotenv variables, hide secrets, leave nothing', async () => {
    const { result, logs, left } = await runReally([
      {
        name: 'build',
        steps: [
          script(
            'mkdir dist',
            'echo made > dist/app',
            'echo "VERSION=1.2" > build.env',
            'cat "$KEY"; echo',
            'echo "$PASSWORD"',
          ),
          upload(['dist']),
          upload(['build.env'], { type: 'dotenv', when: 'always' }),
        ],
        below: [
          { name: 'KEY', value: 'content of the key', file: true },
          { name: 'PASSWORD', value: 'p4ssw0rd-x', masked: true },
        ],
      },
      {
        name: 'test',
        stage: 1,
        artifactsFrom: ['build'],
        steps: [
          download,
          script('cat dist/app', 'echo "version $VERSION"', 'exit 4'),
          afterScript('echo "after $CI_JOB_STATUS"'),
        ],
      },
    ]);
    expect(result.status).toBe('failed');
    expect(result.jobs.test).toMatchObject({ status: 'failed', exitCode: 4, failureReason: 'script_failure' });
    expect(logs.get('build')).toContain('content of the key\n');
    expect(logs.get('build')).toContain('$ echo "$PASSWORD"\n[MASKED]\n');
    expect(logs.get('test')).toContain('$ cat dist/app\nmade\n$ echo "version $VERSION"\nversion 1.2\n$ exit 4\n');
    expect(logs.get('test')).toContain('after failed\n');
    expect(left).toEqual([]);
  });

  it('end gently when canceled: the trap and after_script run', async () => {
    const { result, logs, left } = await runReally(
      [
        {
          name: 'long',
          steps: [
            script('trap "echo trapped; exit 1" TERM', 'echo be""gun; sleep 60 & wait'),
            afterScript('echo "after $CI_JOB_STATUS"'),
          ],
        },
      ],
      (text, source) => {
        if (text.endsWith('begun\n')) source.cancel('interrupted');
      },
    );
    expect(result.status).toBe('canceled');
    expect(logs.get('long')).toMatch(/begun\n(?:.*\n)*trapped\n(?:.*\n)*after canceled\n/);
    expect(left).toEqual([]);
  });
});
