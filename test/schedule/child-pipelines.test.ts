import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/model/event.ts';
import { SystemError } from '../../src/model/outcome.ts';
import { prefixIds } from '../../src/plan/prefix-ids.ts';
import type { BridgeDispatch, Expand, Expansion } from '../../src/schedule/scheduled-pipeline.ts';
import { deferred } from '../../src/util/deferred.ts';
import { fakeClock, settled } from '../support/fake-clock.ts';
import { exit, type JobSketch, openPipeline, runPipeline, sketchPlan, success } from './pipeline.ts';

/** Pipelines by the name of the bridge that starts them. */
type Below = Readonly<Record<string, readonly JobSketch[] | Expansion>>;

function expander(below: Below, seen: BridgeDispatch[] = []): Expand {
  const expand: Expand = async (bridge, dispatch) => {
    seen.push(dispatch);
    const found = below[bridge.name] ?? [];
    if ('kind' in found) return found;
    const plan = prefixIds(sketchPlan(found), dispatch.idPrefix);
    const pipeline = {
      plan,
      file: 'child.yml',
      projectPath: 'group/project',
      source: { kind: 'none' },
      expand,
    } as const;
    return { kind: 'pipeline', pipeline };
  };
  return expand;
}

const bridge = (name: string, more: Partial<JobSketch> = {}): JobSketch => ({ name, kind: 'bridge', ...more });
const depend = (name: string, more: Partial<JobSketch> = {}) => bridge(name, { strategy: 'depend', ...more });

function run(
  jobs: readonly JobSketch[],
  below: Below,
  script: Parameters<typeof runPipeline>[1] = {},
  given: Parameters<typeof runPipeline>[2] = {},
) {
  return runPipeline(sketchPlan(jobs), script, { ...given, options: { expand: expander(below), ...given.options } });
}

describe('child pipelines', () => {
  it('get ids below their bridge, and tell their plan when it is known', async () => {
    const { events, statuses } = await run([{ name: 'a' }, depend('b', { stage: 1 })], {
      b: [{ name: 'a' }, depend('c', { stage: 1 })],
      c: [{ name: 'a' }],
    });
    expect(statuses).toEqual({ a: 'success', b: 'success', 'b/a': 'success', 'b/c': 'success', 'b/c/a': 'success' });
    const planned = events.filter(
      (event): event is Event & { type: 'pipeline-planned' } => event.type === 'pipeline-planned',
    );
    expect(planned.map((event) => [event.bridge, event.jobs.map(({ id }) => id)])).toEqual([
      [undefined, ['a', 'b']],
      ['b', ['b/a', 'b/c']],
      ['b/c', ['b/c/a']],
    ]);
    expect(events.filter(({ type }) => type === 'pipeline-finished')).toHaveLength(1);
  });

  it('never share an id with a job whose name holds a slash', async () => {
    const { statuses } = await run([{ name: 'b/x' }, depend('b')], { b: [{ name: 'x' }] }, { 'b/x': exit(1) });
    expect(statuses).toEqual({ 'b/x': 'failed', b: 'success', 'b//x': 'success' });
  });

  it('have numbers of their own', async () => {
    const { leases } = await run([{ name: 'a' }, depend('b')], { b: [{ name: 'a' }, { name: 'c' }] });
    const numbers = leases.map(({ spec }) => spec.variables.find(({ name }) => name === 'CI_JOB_ID')?.value);
    expect(new Set(numbers).size).toBe(3);
  });

  it.each([
    ['none', exit(1), 'success', 'success'],
    ['depend', success, 'success', 'success'],
    ['depend', exit(1), 'failed', 'failed'],
    ['mirror', exit(1), 'failed', 'failed'],
  ] as const)('strategy %s, job %o: the bridge %s, the run %s', async (strategy, outcome, own, whole) => {
    const { statuses, result } = await run(
      [bridge('b', { strategy }), { name: 'after', stage: 1 }],
      { b: [{ name: 'x' }] },
      { 'b/x': outcome },
    );
    expect(statuses['b']).toBe(own);
    expect(statuses['after']).toBe(own === 'success' ? 'success' : 'skipped');
    expect(result.status).toBe(whole);
    expect(result.failures).toEqual(whole === 'failed' ? [result.jobs['b/x']] : []);
  });

  it('without a strategy: jobs after the bridge do not wait, the failure is told and does not count', async () => {
    const end = deferred<ReturnType<typeof exit>>();
    const plan = sketchPlan([bridge('b'), { name: 'after', stage: 1 }]);
    const harness = openPipeline(plan, { expand: expander({ b: [{ name: 'x' }] }) });
    const running = runPipeline(plan, { 'b/x': () => end.promise }, { harness });
    await settled();
    expect(harness.story).toEqual(['b', '-b success', 'b/x', 'after', '-after success']);
    end.resolve(exit(1));
    const { events, result } = await running;
    expect(result.status).toBe('success');
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'warning', job: 'b', message: expect.stringContaining('b/x') }),
    );
  });

  it.each([
    ['depend', 'manual', 'manual'],
    ['mirror', 'manual', 'manual'],
    ['depend', 'skipped', 'failed'],
    ['mirror', 'skipped', 'skipped'],
  ] as const)('strategy %s, a pipeline that ends as %s: the bridge ends as %s', async (strategy, below, own) => {
    const job: JobSketch = below === 'manual' ? { name: 'x', when: 'manual' } : { name: 'x', when: 'on_failure' };
    const { statuses, events, result } = await run([bridge('b', { strategy }), { name: 'after', stage: 1 }], {
      b: [job],
    });
    expect(statuses['b']).toBe(own);
    expect(result.status).toBe(own === 'skipped' ? 'success' : own);
    const after = events.find((event) => event.type === 'job-finished' && event.job === 'after');
    if (own === 'manual') expect(after).toMatchObject({ because: 'waits for manual job b/x' });
  });

  it('that may fail only warn', async () => {
    const { statuses, result } = await run(
      [depend('b', { allowFailure: true }), { name: 'after', stage: 1 }],
      { b: [{ name: 'x' }] },
      { 'b/x': exit(1) },
    );
    expect(statuses).toEqual({ b: 'failed', 'b/x': 'failed', after: 'success' });
    expect(result).toMatchObject({ status: 'success', failures: [] });
  });

  it('that can not be made fail the bridge, and the rest goes on', async () => {
    const refused: Expansion = { kind: 'refused', reason: 'downstream_pipeline_creation_failed', message: 'no file' };
    const { result, statuses } = await run([depend('b'), { name: 'a' }, { name: 'after', stage: 1 }], { b: refused });
    expect(result.jobs['b']).toMatchObject({
      failureReason: 'downstream_pipeline_creation_failed',
      message: 'no file',
    });
    expect(statuses).toEqual({ b: 'failed', a: 'success', after: 'skipped' });
  });

  it('that can not be started here are passed over: jobs after the bridge go on', async () => {
    const { events, statuses } = await run([bridge('b'), { name: 'after', stage: 1, needs: ['b'] }], {
      b: { kind: 'passed-over', because: 'not mapped' },
    });
    expect(statuses).toEqual({ b: 'skipped', after: 'success' });
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning', job: 'b', message: 'not mapped' }));
  });

  it('fail their bridge when the surroundings fail, and everything when it is a bug', async () => {
    const broken = (error: Error) => async () => Promise.reject(error);
    const system = new SystemError('runner_system_failure', 'disk full');
    const failed = await runPipeline(sketchPlan([depend('b')]), {}, { options: { expand: broken(system) } });
    expect(failed.result.jobs['b']).toMatchObject({ failureReason: 'runner_system_failure', message: 'disk full' });
    const bug = runPipeline(sketchPlan([depend('b')]), {}, { options: { expand: broken(new Error('bug')) } });
    await expect(bug).rejects.toThrow('bug');
  });

  it('share the workers with all others', async () => {
    let running = 0;
    let most = 0;
    const job = async () => {
      most = Math.max(most, ++running);
      await settled();
      running--;
      return success;
    };
    const names = ['x', 'y', 'z'];
    const script = Object.fromEntries(names.flatMap((name) => [`b/${name}`, `c/${name}`, name].map((id) => [id, job])));
    const jobs = names.map((name) => ({ name }));
    await run([depend('b'), bridge('c'), ...jobs], { b: jobs, c: jobs }, script, { concurrency: 2 });
    expect(most).toBe(2);
  });

  it('are canceled with the run, whether the bridge waits or not; a second time they drop everything', async () => {
    const plan = sketchPlan([depend('b'), bridge('c')]);
    const jobs: readonly JobSketch[] = [{ name: 'x' }, { name: 'y', stage: 1 }];
    const harness = openPipeline(plan, { expand: expander({ b: jobs, c: jobs }) });
    const aborted: string[] = [];
    const job = (lease: { readonly spec: { readonly id: string }; readonly abort: AbortSignal }) =>
      new Promise<{ readonly status: 'canceled' }>((resolve) => {
        lease.abort.addEventListener('abort', () => {
          aborted.push(lease.spec.id);
          resolve({ status: 'canceled' });
        });
      });
    const running = runPipeline(plan, { 'b/x': job, 'c/x': job }, { harness });
    await settled();
    harness.source.cancel('SIGINT');
    harness.source.cancel('SIGINT');
    const { statuses, result } = await running;
    expect(aborted).toEqual(['b/x', 'c/x']);
    expect(statuses).toEqual({
      ...{ b: 'canceled', c: 'success' },
      ...{ 'b/x': 'canceled', 'b/y': 'canceled', 'c/x': 'canceled', 'c/y': 'canceled' },
    });
    expect(result.status).toBe('canceled');
  });

  it('with --on-failure stop: a failure cancels all only where it counts', async () => {
    const slow = async (lease: { readonly cancel: AbortSignal }) => {
      for (let turn = 0; turn < 50 && !lease.cancel.aborted; turn++) await settled();
      return lease.cancel.aborted ? ({ status: 'canceled' } as const) : success;
    };
    const script = { slow, 'b/x': exit(1), 'b/slow': slow };
    const jobs: readonly JobSketch[] = [{ name: 'x' }, { name: 'slow' }];
    const options = { onFailure: 'stop' as const };
    const loose = await run([bridge('b'), { name: 'slow' }], { b: jobs }, script, { options });
    expect(loose.statuses).toEqual({ b: 'success', 'b/x': 'failed', 'b/slow': 'canceled', slow: 'success' });
    const strict = await run([depend('b'), { name: 'slow' }], { b: jobs }, script, { options });
    expect(strict.statuses).toEqual({ b: 'failed', 'b/x': 'failed', 'b/slow': 'canceled', slow: 'canceled' });
  });

  it('wait for a resource group of another pipeline, but fail rather than wait for one that waits for them', async () => {
    const held = await run([depend('b', { resourceGroup: 'g' })], { b: [{ name: 'x', resourceGroup: 'g' }] });
    expect(held.result.jobs['b/x']).toMatchObject({ status: 'failed', failureReason: 'stuck_or_timeout_failure' });
    const end = deferred<typeof success>();
    const plan = sketchPlan([{ name: 'a', resourceGroup: 'g' }, depend('b')]);
    const harness = openPipeline(plan, { expand: expander({ b: [{ name: 'x', resourceGroup: 'g' }] }) });
    const running = runPipeline(plan, { a: () => end.promise }, { harness });
    await settled();
    expect(harness.story).toContain('~b/x resource-group');
    expect(harness.story).not.toContain('b/x');
    end.resolve(success);
    expect((await running).statuses).toEqual({ a: 'success', b: 'success', 'b/x': 'success' });
  });

  it('fail rather than wait in a circle of resource groups, also after a delay and through pipelines in between', async () => {
    for (const more of [{}, { when: 'delayed', startInMs: 1000 }] as const) {
      const clock = fakeClock();
      const plan = sketchPlan([depend('a', { resourceGroup: 'one' }), depend('b', { resourceGroup: 'two' })]);
      const below: Below = {
        a: [depend('c')],
        c: [{ name: 'x', resourceGroup: 'two' }],
        b: [{ name: 'y', resourceGroup: 'one', ...more }, { name: 'z' }],
      };
      const harness = openPipeline(plan, { expand: expander(below) }, clock);
      const running = runPipeline(plan, {}, { harness });
      await settled();
      await clock.advance(1000);
      const { result, statuses } = await running;
      const stuck = ['a/c/x', 'b/y'].filter((id) => result.jobs[id]?.failureReason === 'stuck_or_timeout_failure');
      expect(stuck).toHaveLength(1);
      expect(statuses).toMatchObject({ 'b/z': 'success', [stuck[0] === 'b/y' ? 'a' : 'b']: 'success' });
    }
  });

  it('say nothing of masked values in what is told of a bridge', async () => {
    const token = { name: 'TOKEN', value: 'se cret', masked: true, raw: true };
    const message = 'group/se cret is none';
    const { events } = await run(
      [bridge('r', { above: [token] }), bridge('p', { above: [token] }), bridge('e', { above: [token] })],
      {
        r: { kind: 'refused', reason: 'downstream_pipeline_creation_failed', message },
        p: { kind: 'passed-over', because: message },
        e: { kind: 'ended', outcome: { status: 'failed', reason: 'downstream_pipeline_failure', message } },
      },
    );
    const told = JSON.stringify(events);
    expect(told).toContain('group/[MASKED] is none');
    expect(told).not.toContain('se cret is');
  });

  it('end the wait for a delay when they are canceled', async () => {
    const clock = fakeClock();
    const plan = sketchPlan([depend('b')]);
    const harness = openPipeline(
      plan,
      { expand: expander({ b: [{ name: 'x', when: 'delayed', startInMs: 60_000 }] }) },
      clock,
    );
    const running = runPipeline(plan, {}, { harness });
    await settled();
    harness.source.cancel('SIGTERM');
    expect((await running).statuses).toEqual({ b: 'canceled', 'b/x': 'canceled' });
  });

  it('get what the bridge has: its variables expanded, dotenv of what it waited for', async () => {
    const seen: BridgeDispatch[] = [];
    const plan = sketchPlan([
      { name: 'a' },
      depend('b', { stage: 1, artifactsFrom: ['a'], below: [{ name: 'TAG', value: 'v$VERSION' }] }),
    ]);
    const dotenv = [{ name: 'VERSION', value: '2' }];
    await runPipeline(
      plan,
      {},
      { options: { expand: expander({ b: [{ name: 'x' }] }, seen) }, outputs: { a: { dotenv, artifacts: [] } } },
    );
    expect(seen[0]!.variables).toContainEqual(expect.objectContaining({ name: 'TAG', value: 'v2' }));
    expect(seen[0]!.dotenv).toEqual(dotenv);
    expect(seen[0]!.endedJob('a')).toMatchObject({ id: 'a', attempt: 1 });
    expect(seen[0]!.endedJob('nobody')).toBeUndefined();
  });

  it('are at most a thousand', async () => {
    const bridges = Array.from({ length: 1001 }, (_, index) => bridge(`b${index}`));
    const below = Object.fromEntries(bridges.map(({ name }) => [name, [{ name: 'x' }]]));
    const { result } = await run(bridges, below);
    const reasons = bridges.map(({ name }) => result.jobs[name]!.failureReason);
    expect(reasons.filter((reason) => reason === 'reached_max_pipeline_hierarchy_size')).toHaveLength(2);
  });
});
