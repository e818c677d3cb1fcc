import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/model/outcome.ts';
import { exit, type JobSketch, runPipeline, type Script, sketchPlan } from './pipeline.ts';

const fails = exit(1);
const timeout: Outcome = { status: 'failed', reason: 'job_execution_timeout' };
const pull: Outcome = { status: 'failed', reason: 'image_pull_failure' };
const killed: Outcome = { status: 'failed', reason: 'script_failure', exit: { kind: 'signal', signal: 'SIGKILL' } };

interface Scenario {
  readonly name: string;
  readonly jobs: readonly JobSketch[];
  readonly script?: Script;
  /** Final statuses as `job:status`, in plan order. */
  readonly ends: string;
  readonly pipeline: string;
}

const a: JobSketch = { name: 'a' };
const later = (name: string, rest: Partial<JobSketch> = {}): JobSketch => ({ name, stage: 1, ...rest });

const scenarios: readonly Scenario[] = [
  { name: 'two stages pass', jobs: [a, later('b')], ends: 'a:success b:success', pipeline: 'success' },
  {
    name: 'a failure skips the next stage',
    jobs: [a, later('b')],
    script: { a: fails },
    ends: 'a:failed b:skipped',
    pipeline: 'failed',
  },
  {
    name: 'a failure does not stop its own stage',
    jobs: [a, { name: 'a2' }],
    script: { a: fails },
    ends: 'a:failed a2:success',
    pipeline: 'failed',
  },
  {
    name: 'a skipped stage does not run what comes after',
    jobs: [a, later('b'), { name: 'c', stage: 2 }],
    script: { a: fails },
    ends: 'a:failed b:skipped c:skipped',
    pipeline: 'failed',
  },
  {
    name: 'an allowed failure',
    jobs: [{ ...a, allowFailure: true }, later('b')],
    script: { a: fails },
    ends: 'a:failed b:success',
    pipeline: 'success',
  },
  {
    name: 'an allowed exit code',
    jobs: [{ ...a, allowFailure: { exitCodes: [3, 137] } }, later('b')],
    script: { a: exit(3) },
    ends: 'a:failed b:success',
    pipeline: 'success',
  },
  {
    name: 'an exit code that is not allowed',
    jobs: [{ ...a, allowFailure: { exitCodes: [4] } }, later('b')],
    script: { a: exit(3) },
    ends: 'a:failed b:skipped',
    pipeline: 'failed',
  },
  {
    name: 'death by a signal has an exit code too',
    jobs: [{ ...a, allowFailure: { exitCodes: [137] } }, later('b')],
    script: { a: killed },
    ends: 'a:failed b:success',
    pipeline: 'success',
  },
  {
    name: 'on_failure after success',
    jobs: [a, later('b', { when: 'on_failure' })],
    ends: 'a:success b:skipped',
    pipeline: 'success',
  },
  {
    name: 'on_failure after failure',
    jobs: [a, later('b', { when: 'on_failure' })],
    script: { a: fails },
    ends: 'a:failed b:success',
    pipeline: 'failed',
  },
  {
    name: 'on_failure after an allowed failure',
    jobs: [{ ...a, allowFailure: true }, later('b', { when: 'on_failure' })],
    script: { a: fails },
    ends: 'a:failed b:skipped',
    pipeline: 'success',
  },
  {
    name: 'on_failure two stages later',
    jobs: [a, later('b'), { name: 'c', stage: 2, when: 'on_failure' }],
    script: { a: fails },
    ends: 'a:failed b:skipped c:success',
    pipeline: 'failed',
  },
  {
    name: 'on_failure in the first stage',
    jobs: [{ ...a, when: 'on_failure' }],
    ends: 'a:skipped',
    pipeline: 'skipped',
  },
  {
    name: 'after a stage that was skipped as a whole',
    jobs: [{ ...a, when: 'on_failure' }, later('b')],
    ends: 'a:skipped b:success',
    pipeline: 'success',
  },
  {
    name: 'always after failure',
    jobs: [a, later('b', { when: 'always' })],
    script: { a: fails },
    ends: 'a:failed b:success',
    pipeline: 'failed',
  },
  {
    name: 'always after success',
    jobs: [a, later('b', { when: 'always' })],
    ends: 'a:success b:success',
    pipeline: 'success',
  },
  {
    name: 'an optional manual job',
    jobs: [{ ...a, when: 'manual', allowFailure: true }, later('b')],
    ends: 'a:manual b:success',
    pipeline: 'success',
  },
  {
    name: 'a blocking manual job',
    jobs: [{ ...a, when: 'manual' }, { name: 'a2' }, later('b'), { name: 'c', stage: 2, when: 'always' }],
    ends: 'a:manual a2:success b:skipped c:skipped',
    pipeline: 'manual',
  },
  {
    name: 'a failure beside a blocking manual job',
    jobs: [{ ...a, when: 'manual' }, { name: 'a2' }, later('b')],
    script: { a2: fails },
    ends: 'a:manual a2:failed b:skipped',
    pipeline: 'failed',
  },
  {
    name: 'a manual job after a failure is not even offered',
    jobs: [a, later('b', { when: 'manual' })],
    script: { a: fails },
    ends: 'a:failed b:skipped',
    pipeline: 'failed',
  },
  {
    name: 'needs of an optional manual job',
    jobs: [{ ...a, when: 'manual', allowFailure: true }, later('b', { needs: ['a'] })],
    ends: 'a:manual b:skipped',
    pipeline: 'skipped',
  },
  {
    name: 'needs of a blocking manual job, and what needs that',
    jobs: [
      { ...a, when: 'manual' },
      later('b', { needs: ['a'] }),
      { name: 'c', stage: 2, needs: ['b'] },
      { name: 'd', stage: 2, needs: [] },
    ],
    ends: 'a:manual b:skipped c:skipped d:success',
    pipeline: 'manual',
  },
  {
    name: 'a skipped need skips through the graph',
    jobs: [a, later('b', { needs: ['a'] }), { name: 'c', stage: 2, needs: ['b'] }],
    script: { a: fails },
    ends: 'a:failed b:skipped c:skipped',
    pipeline: 'failed',
  },
  {
    name: 'a need that is skipped although nothing failed',
    jobs: [{ ...a, when: 'on_failure' }, later('b', { needs: ['a'] })],
    ends: 'a:skipped b:skipped',
    pipeline: 'skipped',
  },
  {
    name: 'always after a skipped need',
    jobs: [a, later('b', { needs: ['a'] }), { name: 'c', stage: 2, needs: ['b'], when: 'always' }],
    script: { a: fails },
    ends: 'a:failed b:skipped c:success',
    pipeline: 'failed',
  },
  {
    name: 'on_failure of a need',
    jobs: [
      a,
      { name: 'x' },
      later('b', { needs: ['a'], when: 'on_failure' }),
      later('c', { needs: ['x'], when: 'on_failure' }),
    ],
    script: { a: fails },
    ends: 'a:failed x:success b:success c:skipped',
    pipeline: 'failed',
  },
  {
    name: 'a failed stage does not touch a job with other needs',
    jobs: [a, { name: 'x' }, later('b', { needs: ['x'] })],
    script: { a: fails },
    ends: 'a:failed x:success b:success',
    pipeline: 'failed',
  },
  {
    name: 'a need with an allowed failure',
    jobs: [{ ...a, allowFailure: true }, later('b', { needs: ['a'] })],
    script: { a: fails },
    ends: 'a:failed b:success',
    pipeline: 'success',
  },
  {
    name: 'a canceled need',
    jobs: [a, later('b', { needs: ['a'] }), later('c', { needs: ['a'], when: 'always' })],
    script: { a: { status: 'canceled' } },
    ends: 'a:canceled b:skipped c:skipped',
    pipeline: 'canceled',
  },
  {
    name: 'a failure and a cancellation',
    jobs: [a, { name: 'x' }, later('b', { when: 'on_failure' })],
    script: { a: fails, x: { status: 'canceled' } },
    ends: 'a:failed x:canceled b:success',
    pipeline: 'failed',
  },
  {
    name: 'edges that name statuses',
    jobs: [
      a,
      { name: 'ok' },
      { name: 'b', needs: [{ id: 'a', statuses: ['failed', 'canceled'] }] },
      { name: 'c', needs: [{ id: 'a', statuses: ['success'] }] },
      {
        name: 'd',
        needs: [
          { id: 'c', statuses: ['not_run'] },
          { id: 'ok', statuses: ['terminal'] },
        ],
      },
      {
        name: 'e',
        needs: [
          { id: 'a', statuses: ['failed'] },
          { id: 'ok', statuses: ['failed'] },
        ],
      },
    ],
    script: { a: fails },
    ends: 'a:failed ok:success b:success c:skipped d:success e:skipped',
    pipeline: 'failed',
  },
  {
    name: 'an approval that nobody gave',
    jobs: [
      { ...a, kind: 'approval', when: 'manual' },
      { name: 'b', needs: [{ id: 'a', statuses: ['success'] }] },
    ],
    ends: 'a:manual b:skipped',
    pipeline: 'manual',
  },
  {
    name: 'an approval that was given',
    jobs: [
      { ...a, kind: 'approval' },
      { name: 'b', needs: [{ id: 'a', statuses: ['success'] }] },
    ],
    ends: 'a:success b:success',
    pipeline: 'success',
  },
  { name: 'a bridge', jobs: [{ ...a, kind: 'bridge' }, later('b')], ends: 'a:skipped b:success', pipeline: 'success' },
  {
    name: 'a retry that helps',
    jobs: [{ ...a, retry: { max: 1 } }, later('b')],
    script: { a: [fails] },
    ends: 'a:success b:success',
    pipeline: 'success',
  },
  {
    name: 'retries used up',
    jobs: [{ ...a, retry: { max: 2 } }, later('b')],
    script: { a: fails },
    ends: 'a:failed b:skipped',
    pipeline: 'failed',
  },
  {
    name: 'a retry for another reason',
    jobs: [{ ...a, retry: { max: 2, when: ['runner_system_failure'] } }],
    script: { a: [fails] },
    ends: 'a:failed',
    pipeline: 'failed',
  },
  {
    name: 'a retry for this reason',
    jobs: [{ ...a, retry: { max: 2, when: ['script_failure'] } }],
    script: { a: [fails, fails] },
    ends: 'a:success',
    pipeline: 'success',
  },
  {
    name: 'a retry for a reason that a server knows by another name',
    jobs: [{ ...a, retry: { max: 2, when: ['runner_system_failure', 'stuck_or_timeout_failure'] } }],
    script: { a: [pull, timeout] },
    ends: 'a:success',
    pipeline: 'success',
  },
  {
    name: 'a retry for this exit code',
    jobs: [{ ...a, retry: { max: 1, exitCodes: [137], when: ['runner_system_failure'] } }],
    script: { a: [killed] },
    ends: 'a:success',
    pipeline: 'success',
  },
  {
    name: 'a retry for another exit code',
    jobs: [{ ...a, retry: { max: 1, exitCodes: [137] } }],
    script: { a: [fails] },
    ends: 'a:failed',
    pipeline: 'failed',
  },
  { name: 'nothing to do', jobs: [], ends: '', pipeline: 'success' },
];

describe('status rules', () => {
  it.each(scenarios)('$name', async ({ jobs, script, ends, pipeline }) => {
    const { statuses, result, events } = await runPipeline(sketchPlan(jobs), script ?? {});
    expect(jobs.map(({ name }) => `${name}:${statuses[name]}`).join(' ')).toBe(ends);
    expect(result.status).toBe(pipeline);
    expect(events.at(-1)).toMatchObject({ type: 'pipeline-finished', status: pipeline });
    expect(events.filter(({ type }) => type === 'job-finished')).toHaveLength(jobs.length);
  });

  it('says why a job did not run', async () => {
    const jobs: JobSketch[] = [
      { name: 'gate', when: 'manual' },
      { name: 'b', needs: ['gate'] },
      { name: 'c', needs: ['b'] },
      { name: 'bad' },
      { name: 'd', needs: ['bad'] },
      { name: 'e', needs: ['d'] },
      { name: 'opt', when: 'manual', allowFailure: true },
      { name: 'f', needs: ['opt'] },
      { name: 'ok' },
      { name: 'g', needs: ['ok'], when: 'on_failure' },
      { name: 'h', needs: [{ id: 'bad', statuses: ['success'] }] },
    ];
    const { events } = await runPipeline(sketchPlan(jobs), { bad: fails });
    const because = Object.fromEntries(
      events.flatMap((event) => (event.type === 'job-finished' ? [[event.job, event.because]] : [])),
    );
    expect(because).toEqual({
      gate: 'not started',
      b: 'waits for manual job gate',
      c: 'waits for manual job gate',
      bad: undefined,
      d: 'bad failed',
      e: 'd was skipped',
      opt: 'not started',
      f: 'opt is manual and was not started',
      ok: undefined,
      g: 'nothing before it failed',
      h: 'bad ended as failed',
    });
  });
});
