import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Outcome, SystemError } from '../../src/model/outcome.ts';
import type { JobLease, ResourceLocks } from '../../src/model/ports.ts';
import { Readiness } from '../../src/schedule/readiness.ts';
import { runWorkers } from '../../src/schedule/run-workers.ts';
import { deferred } from '../../src/util/deferred.ts';
import { fakeClock, settled } from '../support/fake-clock.ts';
import { exit, type JobSketch, openPipeline, runPipeline, sketchPlan, success } from './pipeline.ts';

/** Jobs that last as long as the test says. */
function manualJobs(...names: string[]) {
  const ends = new Map(names.map((name) => [name, deferred<ReturnType<typeof exit>>()]));
  return {
    script: Object.fromEntries(names.map((name) => [name, () => ends.get(name)!.promise])),
    end: async (name: string, outcome = success) => {
      ends.get(name)!.resolve(outcome);
      await settled();
    },
  };
}

describe('PlanSource', () => {
  it('starts a job as soon as its needs have ended, whatever else runs', async () => {
    const jobs = manualJobs('slow', 'fast', 'after-fast', 'after-both');
    const plan = sketchPlan([
      { name: 'slow' },
      { name: 'fast' },
      { name: 'after-fast', stage: 1, needs: ['fast'] },
      { name: 'after-both', stage: 1 },
    ]);
    const harness = openPipeline(plan);
    const run = runPipeline(plan, jobs.script, { harness });
    await settled();
    await jobs.end('fast');
    expect(harness.story).toEqual(['slow', 'fast', '-fast success', 'after-fast']);
    await jobs.end('after-fast');
    await jobs.end('slow');
    await jobs.end('after-both');
    await run;
    expect(harness.story.slice(4)).toEqual([
      '-after-fast success',
      '-slow success',
      'after-both',
      '-after-both success',
    ]);
  });

  it('hands out the next job in the tick in which one ends', async () => {
    const plan = sketchPlan([{ name: 'a' }, { name: 'b', needs: ['a'] }]);
    const { source, story } = openPipeline(plan);
    const signal = new AbortController().signal;
    const lease = (await source.next(signal))!;
    const next = source.next(signal);
    const settling = source.settle(lease, success, { dotenv: [], artifacts: [] });
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    expect(story).toEqual(['a', '-a success', 'b']);
    await settling;
    await source.settle((await next)!, success, { dotenv: [], artifacts: [] });
    expect(await source.next(signal)).toBeUndefined();
  });

  it('never runs more at once than there are workers, and always as many as it can', async () => {
    let running = 0;
    let most = 0;
    const names = Array.from({ length: 20 }, (_, index) => `j${index}`);
    const script = Object.fromEntries(
      names.map((name) => [
        name,
        async () => {
          most = Math.max(most, ++running);
          await settled();
          running--;
          return success;
        },
      ]),
    );
    await runPipeline(sketchPlan(names.map((name) => ({ name }))), script, { concurrency: 3 });
    expect(most).toBe(3);
  });

  it('respects every edge of random graphs, in whatever order jobs end', async () => {
    const graph = fc.array(fc.array(fc.nat({ max: 30 }), { maxLength: 4 }), { minLength: 1, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(graph, fc.infiniteStream(fc.nat({ max: 4 })), async (edges, delays) => {
        const jobs: JobSketch[] = edges.map((needs, index) => ({
          name: `j${index}`,
          needs: [...new Set(needs.filter((need) => need < index))].map((need) => `j${need}`),
        }));
        const ended = new Set<string>();
        const early: string[] = [];
        const script = Object.fromEntries(
          jobs.map(({ name, needs }) => [
            name,
            async () => {
              for (const need of needs ?? []) if (!ended.has(need as string)) early.push(`${name} before ${need}`);
              for (let turn = delays.next().value!; turn > 0; turn--) await Promise.resolve();
              ended.add(name);
              return success;
            },
          ]),
        );
        const { statuses } = await runPipeline(sketchPlan(jobs), script);
        expect(early).toEqual([]);
        expect(Object.values(statuses).every((status) => status === 'success')).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('tells the life of a pipeline in order', async () => {
    const plan = sketchPlan([{ name: 'a' }, { name: 'b', stage: 1, needs: ['a'] }]);
    const { events } = await runPipeline(plan, { a: exit(7) });
    expect(events.map(({ type }) => type)).toEqual([
      'pipeline-planned',
      'job-started',
      'job-finished',
      'job-finished',
      'pipeline-finished',
    ]);
    expect(events[0]).toMatchObject({ runId: 'run-1', file: 'ci.yml', stages: ['s0', 's1'] });
    expect(events[1]).toMatchObject({ job: 'a', attempt: 1, logPath: '/logs/a-1' });
    expect(events[2]).toMatchObject({
      job: 'a',
      result: { status: 'failed', exitCode: 7, failureReason: 'script_failure', allowFailure: false, attempts: 1 },
    });
    expect(events[3]).toMatchObject({ job: 'b', because: 'a failed', result: { status: 'skipped', attempts: 0 } });
  });

  it('logs every try by itself and counts them', async () => {
    const plan = sketchPlan([{ name: 'a', retry: { max: 2 } }]);
    const { events, leases, story } = await runPipeline(plan, { a: [exit(1), exit(1)] });
    expect(story).toEqual(['a', '^a', 'a', '^a', 'a', '-a success']);
    expect(leases.map(({ spec }) => spec.attempt)).toEqual([1, 2, 3]);
    const numbers = leases.map(({ spec }) => spec.variables.find(({ name }) => name === 'CI_JOB_ID')?.value);
    expect(numbers).toEqual(['1', '2', '3']);
    expect(events.flatMap((event) => (event.type === 'job-started' ? [event.logPath] : []))).toEqual([
      '/logs/a-1',
      '/logs/a-2',
      '/logs/a-3',
    ]);
    expect(events.at(-2)).toMatchObject({ result: { status: 'success', attempts: 3 } });
  });

  it.each([
    // As if the pipeline were run again from where it failed: what a job needed counts.
    [1, { a: 1 }, ['a', '^a', 'a', '-a success', 'b', '-b success', 'c', '-c success']],
    [1, { a: 1, b: 1 }, ['a', '^a', 'a', '-a success', 'b', '-b failed', '-c skipped']],
    [2, { a: 1, b: 1 }, ['a', '^a', 'a', '-a success', 'b', '^b', 'b', '-b success', 'c', '-c success']],
    [2, { a: 1, c: 2 }, ['a', '^a', 'a', '-a success', 'b', '-b success', 'c', '^c', 'c', '-c failed']],
    [2, { b: 2 }, ['a', '-a success', 'b', '^b', 'b', '^b', 'b', '-b success', 'c', '-c success']],
  ] as const)('counts retries on the way: %i for failures %j', async (max, failures, expected) => {
    const retry = { max, counts: 'way' } as const;
    const jobs: readonly JobSketch[] = [
      { name: 'a', needs: [], retry },
      { name: 'b', needs: ['a'], retry },
      { name: 'gate', kind: 'approval', needs: ['b'] },
      { name: 'c', needs: ['gate'], retry },
    ];
    const outcomes = Object.entries(failures).map(([name, count]) => [
      name,
      Array.from({ length: count }, () => exit(1)),
    ]);
    const { story } = await runPipeline(sketchPlan(jobs), Object.fromEntries(outcomes));
    expect(story.filter((line) => !line.includes('gate'))).toEqual(expected);
  });

  it('tries a job that can not be run here once', async () => {
    const refused: Outcome = { status: 'failed', reason: 'runner_unsupported' };
    const { story } = await runPipeline(sketchPlan([{ name: 'a', retry: { max: 2 } }]), { a: [refused] });
    expect(story).toEqual(['a', '-a failed']);
  });

  it('looks at each edge once: linear in a layered graph', () => {
    const looksAt = (width: number): number => {
      const jobs: JobSketch[] = [];
      for (let layer = 0; layer < 6; layer++) {
        for (let index = 0; index < width; index++) {
          const needs = layer === 0 ? [] : Array.from({ length: width }, (_, from) => `${layer - 1}-${from}`);
          jobs.push({ name: `${layer}-${index}`, stage: layer, needs });
        }
      }
      return lookCount(jobs);
    };
    expect(looksAt(10)).toBe(5 * 10 * 10);
    expect(looksAt(20)).toBe(5 * 20 * 20);
  });

  it('needs no edges between stages: linear in the jobs', () => {
    const jobs = Array.from({ length: 1000 }, (_, index) => ({ name: `j${index}`, stage: Math.floor(index / 100) }));
    expect(lookCount(jobs)).toBe(1000);
  });

  function lookCount(jobs: readonly JobSketch[]): number {
    const readiness = new Readiness(sketchPlan(jobs).nodes);
    const queue = [...readiness.start()];
    for (let index = 0; index < queue.length; index++) queue.push(...readiness.settle(queue[index]!.node, 'success'));
    expect(queue).toHaveLength(jobs.length);
    return readiness.looks;
  }

  it('skips a chain of 20,000 jobs without a deep stack', async () => {
    const jobs = Array.from({ length: 20_000 }, (_, index) => ({
      name: `j${index}`,
      needs: index === 0 ? [] : [`j${index - 1}`],
    }));
    const { result } = await runPipeline(sketchPlan(jobs), { j0: exit(1) });
    expect(result.jobs.j19999?.status).toBe('skipped');
  });
});

describe('delayed jobs', () => {
  it('wait on the clock without taking a worker', async () => {
    const plan = sketchPlan([
      { name: 'later', when: 'delayed', startInMs: 60_000 },
      { name: 'now' },
      { name: 'after', stage: 1 },
    ]);
    const harness = openPipeline(plan);
    const run = runPipeline(plan, {}, { concurrency: 1, harness });
    await harness.clock.advance(59_999);
    expect(harness.story).toEqual(['~later delay', 'now', '-now success']);
    const waiting = harness.events.find((event) => event.type === 'job-waiting');
    expect(waiting).toMatchObject({ untilMs: waiting!.at + 60_000 });
    await harness.clock.advance(1);
    await run;
    expect(harness.story.slice(3)).toEqual(['later', '-later success', 'after', '-after success']);
  });

  it('do not wait when canceled', async () => {
    const plan = sketchPlan([{ name: 'later', when: 'delayed', startInMs: 60_000 }]);
    const harness = openPipeline(plan);
    const run = runPipeline(plan, {}, { harness });
    await settled();
    harness.source.cancel('interrupted');
    const { statuses, result } = await run;
    expect(statuses).toEqual({ later: 'canceled' });
    expect(result.status).toBe('canceled');
    expect(harness.clock.sleepers).toBe(0);
  });
});

describe('resource groups', () => {
  const jobs = ['a', 'b', 'c'].map((name) => ({ name, resourceGroup: 'production' }));

  it('let one job in at a time, in order, and leave the workers to others', async () => {
    const held = manualJobs('a', 'b', 'c');
    const plan = sketchPlan([...jobs, { name: 'free' }]);
    const harness = openPipeline(plan);
    const run = runPipeline(plan, held.script, { harness, concurrency: 2 });
    await settled();
    expect(harness.story).toEqual(['~b resource-group', '~c resource-group', 'a', 'free', '-free success']);
    await held.end('a', exit(1));
    expect(harness.story.slice(5)).toEqual(['-a failed', 'b']);
    await held.end('b');
    await held.end('c');
    await run;
    expect(harness.story.slice(7)).toEqual(['-b success', 'c', '-c success']);
  });

  it('keep the group through retries', async () => {
    const plan = sketchPlan([{ ...jobs[0]!, retry: { max: 1 } }, jobs[1]!]);
    const { story } = await runPipeline(plan, { a: [exit(1)] });
    expect(story).toEqual(['~b resource-group', 'a', '^a', 'a', '-a success', 'b', '-b success']);
  });

  it('hold the lock that other runs see, from before the job to its end', async () => {
    const log: string[] = [];
    const free = deferred();
    const locks: ResourceLocks = {
      async acquire(name) {
        log.push(`ask ${name}`);
        await free.promise;
        log.push('held');
        return {
          async [Symbol.asyncDispose]() {
            log.push('freed');
          },
        };
      },
    };
    const plan = sketchPlan([jobs[0]!]);
    const harness = openPipeline(plan, { locks });
    const script = {
      a: async () => {
        log.push('runs');
        return success;
      },
    };
    const run = runPipeline(plan, script, { harness });
    await harness.clock.advance(50);
    expect(harness.story).toEqual([]);
    await harness.clock.advance(50);
    expect(harness.story).toEqual(['~a resource-group']);
    free.resolve();
    await run;
    expect(log).toEqual(['ask group/project/production', 'held', 'runs', 'freed']);
  });

  it('stop waiting for a lock when canceled, and give back what came too late', async () => {
    const acquired = deferred<AsyncDisposable>();
    let freed = 0;
    const plan = sketchPlan([jobs[0]!]);
    const harness = openPipeline(plan, { locks: { acquire: () => acquired.promise } });
    const run = runPipeline(plan, {}, { harness });
    await settled();
    harness.source.cancel('interrupted');
    acquired.resolve({
      async [Symbol.asyncDispose]() {
        freed++;
      },
    });
    expect((await run).statuses).toEqual({ a: 'canceled' });
    await settled();
    expect(freed).toBe(1);
  });

  it('fail the job when the lock is not to be had', async () => {
    const locks: ResourceLocks = {
      acquire: () => Promise.reject(new SystemError('runner_system_failure', 'no space for the lock')),
    };
    const { result } = await runPipeline(sketchPlan([jobs[0]!]), {}, { options: { locks } });
    expect(result.jobs.a).toMatchObject({ status: 'failed', failureReason: 'runner_system_failure' });
  });
});

describe('canceling', () => {
  const plan = sketchPlan([{ name: 'a' }, { name: 'b' }, { name: 'c', stage: 1, when: 'always' }]);

  const untilCanceled = (lease: JobLease) =>
    new Promise<{ status: 'canceled' }>((resolve) =>
      lease.cancel.addEventListener('abort', () => resolve({ status: 'canceled' })),
    );

  it('asks running jobs to stop and starts nothing more', async () => {
    const harness = openPipeline(plan);
    const run = runPipeline(plan, { a: untilCanceled }, { harness, concurrency: 1 });
    await settled();
    harness.source.cancel('interrupted');
    const { statuses, result } = await run;
    expect(statuses).toEqual({ a: 'canceled', b: 'canceled', c: 'canceled' });
    expect(result.status).toBe('canceled');
    expect(harness.story).toEqual(['a', '-b canceled', '-c canceled', '-a canceled']);
  });

  it('takes back a job that was handed over but not begun', async () => {
    const { source, story } = openPipeline(sketchPlan([{ name: 'a' }]));
    const next = source.next(new AbortController().signal);
    source.cancel('interrupted');
    expect(await next).toBeUndefined();
    expect(story).toEqual(['-a canceled']);
  });

  it('the second time drops everything', async () => {
    const harness = openPipeline(plan);
    const seen: string[] = [];
    const stubborn = (lease: JobLease) =>
      new Promise<{ status: 'canceled' }>((resolve) => {
        lease.cancel.addEventListener('abort', () => seen.push('cancel'));
        lease.abort.addEventListener('abort', () => {
          seen.push('abort');
          resolve({ status: 'canceled' });
        });
      });
    const run = runPipeline(plan, { a: stubborn, b: untilCanceled }, { harness });
    await settled();
    harness.source.cancel('first');
    await settled();
    expect(seen).toEqual(['cancel']);
    harness.source.cancel('second');
    await run;
    expect(seen).toEqual(['cancel', 'abort']);
  });

  it('does not retry a job that failed while it was stopped', async () => {
    const retried = sketchPlan([{ name: 'a', retry: { max: 2 } }]);
    const harness = openPipeline(retried);
    const fails = (lease: JobLease) => untilCanceled(lease).then(() => exit(1));
    const run = runPipeline(retried, { a: fails }, { harness });
    await settled();
    harness.source.cancel('interrupted');
    expect((await run).result.jobs.a).toMatchObject({ status: 'failed', attempts: 1 });
  });

  it.each([
    ['--on-failure stop', 'none', 'stop'],
    ['auto_cancel: on_job_failure: all', 'all', 'continue'],
  ] as const)('%s cancels the rest at the first failure that counts', async (_name, autoCancel, onFailure) => {
    const jobs = sketchPlan(
      [{ name: 'allowed', allowFailure: true }, { name: 'bad' }, { name: 'long' }, { name: 'c', needs: ['long'] }],
      autoCancel,
    );
    const script = { allowed: exit(1), bad: exit(1), long: untilCanceled };
    const { statuses, result } = await runPipeline(jobs, script, { options: { onFailure } });
    expect(statuses).toEqual({ allowed: 'failed', bad: 'failed', long: 'canceled', c: 'canceled' });
    expect(result.status).toBe('failed');
  });
});

describe('dispatch', () => {
  it('gives a job the variables of its dependencies, between YAML and project variables', async () => {
    const plan = sketchPlan([
      { name: 'a' },
      { name: 'b' },
      {
        name: 'c',
        stage: 1,
        artifactsFrom: ['a', 'b'],
        below: [
          { name: 'FROM_YAML', value: 'yaml' },
          { name: 'URL', value: 'https://$HOST/$$x' },
          { name: 'HOST', value: 'yaml-host' },
        ],
        above: [{ name: 'PROJECT', value: 'project' }],
      },
    ]);
    const dotenv = (...pairs: [string, string][]) => ({
      dotenv: pairs.map(([name, value]) => ({ name, value })),
      artifacts: [],
    });
    const { leases } = await runPipeline(
      plan,
      {},
      {
        options: { variables: (_node, number) => [{ name: 'CI_JOB_URL', value: `https://x/jobs/${number}` }] },
        outputs: { a: dotenv(['HOST', 'from-a'], ['PROJECT', 'a']), b: dotenv(['HOST', 'from-$b']) },
      },
    );
    const { spec } = leases.at(-1)!;
    const values = Object.fromEntries(spec.variables.map(({ name, value }) => [name, value]));
    expect(values).toEqual({
      FROM_YAML: 'yaml',
      URL: 'https://$HOST/$$x',
      HOST: 'from-$b',
      CI_JOB_URL: 'https://x/jobs/3',
      CI_JOB_ID: '3',
      PROJECT: 'project',
    });
    expect(spec.dependencies).toEqual([
      { id: 'a', name: 'a', number: 1, attempt: 1 },
      { id: 'b', name: 'b', number: 2, attempt: 1 },
    ]);
  });

  it('keeps the number that the plan gave and makes new ones for further tries', async () => {
    const plan = sketchPlan([
      { name: 'a', retry: { max: 1 }, below: [{ name: 'CI_JOB_ID', value: '41', raw: true }] },
      { name: 'b', below: [{ name: 'CI_JOB_ID', value: '42', raw: true }] },
    ]);
    const { leases } = await runPipeline(plan, { a: [exit(1)] }, { concurrency: 1 });
    const numbers = leases.map(({ spec }) => spec.variables.find(({ name }) => name === 'CI_JOB_ID')?.value);
    expect(numbers).toEqual(['41', '42', '43']);
  });

  it('leaves out dependencies that did not run, and takes those of an earlier run', async () => {
    const plan = sketchPlan([
      { name: 'skipped', when: 'on_failure' },
      { name: 'c', stage: 1, artifactsFrom: ['skipped', 'old'] },
    ]);
    const earlier = new Map([
      ['old', { name: 'old', outputs: { dotenv: [{ name: 'X', value: '1' }], artifacts: [] } }],
    ]);
    const { leases } = await runPipeline(plan, {}, { options: { earlier } });
    expect(leases[0]!.spec.dependencies).toEqual([{ id: 'old', name: 'old' }]);
    expect(leases[0]!.spec.variables).toContainEqual({ name: 'X', value: '1', raw: true });
  });

  it('turns a log that cannot be opened into a failed job', async () => {
    const openLog = () => Promise.reject(new SystemError('runner_system_failure', 'disk full'));
    const { result } = await runPipeline(sketchPlan([{ name: 'a' }]), {}, { options: { openLog } });
    expect(result.jobs.a).toMatchObject({ status: 'failed', message: 'disk full' });
  });

  it('waits for logs to be closed before the pipeline ends', async () => {
    const closed = deferred();
    const plan = sketchPlan([{ name: 'a' }]);
    const harness = openPipeline(plan, {
      openLog: () => ({ sink: { write: async () => {} }, path: '/log', close: () => closed.promise }),
    });
    const run = runPipeline(plan, {}, { harness });
    await settled();
    expect(harness.events.at(-1)!.type).toBe('job-finished');
    closed.resolve();
    await run;
    expect(harness.events.at(-1)!.type).toBe('pipeline-finished');
  });
});

describe('runWorkers', () => {
  it('lets running jobs end, settles the broken one and throws the bug', async () => {
    const plan = sketchPlan([{ name: 'bug' }, { name: 'long' }, { name: 'never' }]);
    const { source, story } = openPipeline(plan, {}, fakeClock());
    const long = deferred();
    const work = runWorkers(source, {
      concurrency: 2,
      runJob: async ({ spec }) => {
        if (spec.id === 'bug') throw new TypeError('a bug of ours');
        await long.promise;
        return { outcome: success, outputs: { dotenv: [], artifacts: [] } };
      },
    });
    await settled();
    long.resolve();
    await expect(work).rejects.toThrow('a bug of ours');
    expect(story).toEqual(['bug', 'long', '-bug failed', '-long success']);
  });

  it('takes no job any more once its signal is aborted', async () => {
    const { source, story } = openPipeline(sketchPlan([{ name: 'a' }]));
    await runWorkers(source, {
      concurrency: 1,
      signal: AbortSignal.abort(),
      runJob: () => Promise.reject(new Error()),
    });
    expect(story).toEqual([]);
  });
});
