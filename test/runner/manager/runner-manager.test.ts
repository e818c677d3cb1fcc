import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/runner/config/read-config.ts';
import type { RunnerConfig } from '../../../src/runner/config/runner-config.ts';
import { RunnerManager, type TakenJob } from '../../../src/runner/manager/runner-manager.ts';
import { decodeJob } from '../../../src/runner/network/decode-job.ts';
import { runnerInfo } from '../../../src/runner/network/features.ts';
import type {
  GitlabClient,
  JobRequestOutcome,
  JobUpdate,
  JobUpdated,
} from '../../../src/runner/network/gitlab-client.ts';
import { ownIdentity } from '../../../src/runner/network/identity.ts';
import { type Deferred, deferred } from '../../../src/util/deferred.ts';
import { fakeClock, settled } from '../../support/fake-clock.ts';

const nothing: JobRequestOutcome = { kind: 'nothing', healthy: true, retried: false };

function aJob(id: number, projectId = 1): JobRequestOutcome {
  const job = decodeJob({ id, token: `job-${id}`, job_info: { project_id: projectId } });
  return { kind: 'job', healthy: true, retried: false, job, correlationId: '', caChain: '' };
}

interface Running extends TakenJob {
  readonly end: Deferred<void>;
}

/** A manager over answers that the test gives. */
function managed(toml: Record<string, unknown>) {
  const clock = fakeClock();
  const state = {
    config: readConfig(toml, {}).config as RunnerConfig,
    /** What the next question gets; asked runner's name → answer. */
    answer: (_name: string): JobRequestOutcome | Promise<JobRequestOutcome> => nothing,
    asked: [] as { readonly name: string; readonly at: number }[],
    running: [] as Running[],
    /** What the next updates come to, before they succeed. */
    unheard: [] as JobUpdated['state'][],
    updates: [] as { readonly id: number; readonly update: JobUpdate }[],
    log: [] as string[],
    refreshed: 0,
    refreshFails: false,
  };
  const start = clock.now();
  const drain = new AbortController();
  const interrupt = new AbortController();
  const info = runnerInfo(ownIdentity({ version: '1', revision: 'x' }));
  const manager = new RunnerManager(
    {
      config: () => state.config,
      refresh: async () => {
        state.refreshed += 1;
        if (state.refreshFails) throw new Error('EACCES');
      },
      clientOf: (runner) =>
        ({
          requestJob: async ({ signal }) => {
            state.asked.push({ name: runner.name, at: clock.now() - start });
            const aborted = new Promise<JobRequestOutcome>((resolve) => {
              signal.addEventListener('abort', () => resolve({ kind: 'aborted', healthy: true, retried: false }));
            });
            return Promise.race([state.answer(runner.name), aborted]);
          },
          updateJob: async ({ id }, update) => {
            state.updates.push({ id, update });
            return { state: state.unheard.shift() ?? 'succeeded', cancelRequested: false, updateIntervalSeconds: 0 };
          },
        }) as Pick<GitlabClient, 'requestJob' | 'updateJob'> as GitlabClient,
      requestOf: () => ({ info, systemId: 's_1' }),
      runJob: async (job) => {
        const end = deferred();
        state.running.push({ ...job, end });
        await end.promise;
      },
      clock,
      log: (level, message) => state.log.push(`${level}: ${message}`),
    },
    { drain: drain.signal, interrupt: interrupt.signal },
  );
  return { clock, drain, interrupt, manager, state };
}

function endlessJobs(): () => JobRequestOutcome {
  let id = 0;
  return () => {
    id += 1;
    return aJob(id);
  };
}

const runner = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  url: 'http://x',
  token: `t-${name}`,
  executor: 'shell',
  ...more,
});

describe('asking for jobs', () => {
  it('asks each runner in turn, with a pause of its share behind each', async () => {
    const { clock, drain, manager, state } = managed({ check_interval: 4, runners: [runner('a'), runner('b')] });
    const run = manager.run();
    await clock.advance(8000);
    drain.abort();
    await expect(run).resolves.toBe('ended');
    expect(state.asked.slice(0, 4)).toEqual([
      { name: 'a', at: 0 },
      { name: 'b', at: 2000 },
      { name: 'a', at: 4000 },
      { name: 'b', at: 6000 },
    ]);
    expect(state.refreshed).toBe(3);
  });

  it('asks again at once after it got a job, up to `concurrent`', async () => {
    const { clock, drain, manager, state } = managed({ concurrent: 3, runners: [runner('a')] });
    state.answer = endlessJobs();
    const run = manager.run();
    await clock.advance(0);
    expect(state.running.map(({ answer }) => answer.job.id)).toEqual([1, 2, 3]);
    expect(state.asked).toHaveLength(3);
    await clock.advance(60_000);
    expect(state.asked).toHaveLength(3);

    state.running[1]!.end.resolve();
    await clock.advance(3000);
    expect(state.running.map(({ answer }) => answer.job.id)).toEqual([1, 2, 3, 4]);
    drain.abort();
    for (const { end } of state.running) end.resolve();
    await expect(run).resolves.toBe('ended');
  });

  it('waits for the next round with strict_check_interval', async () => {
    const { clock, drain, manager, state } = managed({
      concurrent: 3,
      runners: [runner('a', { strict_check_interval: true })],
    });
    state.answer = endlessJobs();
    const run = manager.run();
    await clock.advance(0);
    expect(state.running).toHaveLength(1);
    await clock.advance(3000);
    expect(state.running).toHaveLength(2);
    drain.abort();
    for (const { end } of state.running) end.resolve();
    await run;
  });

  it('keeps to the limit of a runner, and gives the rest to others', async () => {
    const { clock, drain, manager, state } = managed({
      concurrent: 4,
      runners: [runner('a', { limit: 1 }), runner('b')],
    });
    state.answer = endlessJobs();
    const run = manager.run();
    await clock.advance(20_000);
    expect(state.running.map((job) => job.runner.name).sort()).toEqual(['a', 'b', 'b', 'b']);
    drain.abort();
    for (const { end } of state.running) end.resolve();
    await run;
  });

  it('has only request_concurrency questions open, more only while jobs come', async () => {
    const { clock, drain, manager, state } = managed({
      concurrent: 5,
      runners: [runner('a', { request_concurrency: 2 })],
    });
    state.answer = () => new Promise<JobRequestOutcome>(() => {});
    const run = manager.run();
    await clock.advance(30_000);
    expect(state.asked).toHaveLength(1);
    drain.abort();
    await expect(run).resolves.toBe('ended');
  });

  it('passes over runners without a token', async () => {
    const { clock, drain, manager, state } = managed({ runners: [runner('a', { token: '' }), runner('b')] });
    const run = manager.run();
    await clock.advance(6000);
    expect(new Set(state.asked.map(({ name }) => name))).toEqual(new Set(['b']));
    drain.abort();
    await run;
  });

  it.each(['kubernetes', 'docker+machine', 'custom', ''])(
    'passes over runners of the executor "%s"',
    async (executor) => {
      const { clock, drain, manager, state } = managed({ runners: [runner('a', { executor }), runner('b')] });
      const run = manager.run();
      await clock.advance(6000);
      expect(new Set(state.asked.map(({ name }) => name))).toEqual(new Set(['b']));
      drain.abort();
      await run;
    },
  );

  it('goes on when the file can not be looked at', async () => {
    const { clock, drain, manager, state } = managed({ runners: [runner('a')] });
    state.refreshFails = true;
    const run = manager.run();
    await clock.advance(6000);
    expect(state.log).toContain('error: The configuration could not be looked at: EACCES');
    expect(state.asked.length).toBeGreaterThan(1);
    drain.abort();
    await expect(run).resolves.toBe('ended');
  });

  it('takes a raised request_concurrency without a restart', async () => {
    const { clock, drain, manager, state } = managed({ concurrent: 40, runners: [runner('a')] });
    state.answer = endlessJobs();
    const run = manager.run();
    await clock.advance(0);
    const [first] = state.config.runners;
    expect(manager.stateOf(first!).adaptiveLimit).toBe(1);
    state.config = readConfig({ concurrent: 80, runners: [runner('a', { request_concurrency: 4 })] }, {}).config;
    await clock.advance(6000);
    const [changed] = state.config.runners;
    expect(manager.stateOf(changed!).requestLimit(changed!)).toBe(4);
    drain.abort();
    for (const { end } of state.running) end.resolve();
    await run;
  });

  it('takes a changed configuration in the next round', async () => {
    const { clock, drain, manager, state } = managed({ runners: [] });
    const run = manager.run();
    await clock.advance(3000);
    state.config = readConfig({ runners: [runner('new')] }, {}).config;
    await clock.advance(6000);
    expect(state.asked[0]?.name).toBe('new');
    drain.abort();
    await run;
  });
});

describe('health', () => {
  it('leaves a runner alone after failures in a row, and one good answer starts the count anew', async () => {
    const { clock, drain, manager, state } = managed({
      runners: [runner('a', { unhealthy_requests_limit: 2, unhealthy_interval: '1m' })],
    });
    const failed: JobRequestOutcome = { kind: 'failed', status: 403, why: '', healthy: false, retried: false };
    const answers = [failed, nothing, failed, failed];
    state.answer = () => answers.shift() ?? nothing;
    const run = manager.run();
    await clock.advance(9000);
    expect(state.asked).toHaveLength(4);
    expect(state.log.join('\n')).toContain('unhealthy');
    await clock.advance(57_000);
    expect(state.asked).toHaveLength(4);
    await clock.advance(6000);
    expect(state.asked.length).toBeGreaterThan(4);
    drain.abort();
    await run;
  });
});

describe('an answer that can not be read', () => {
  it('is told to the server as begun, which one that waits for its runner must be, and failed', async () => {
    const { clock, drain, manager, state } = managed({ runners: [runner('a')] });
    const unreadable: JobRequestOutcome = {
      kind: 'unreadable',
      credentials: { id: 5, token: 'x' },
      why: '`steps` is a text',
      healthy: true,
      retried: false,
    };
    const answers = [unreadable];
    state.answer = () => answers.shift() ?? nothing;
    // The server is away for a moment, twice.
    state.unheard = ['failed', 'failed', 'succeeded', 'failed'];
    const run = manager.run();
    await clock.advance(0);
    expect(state.updates).toMatchObject([{ id: 5, update: { state: 'running' } }]);
    await clock.advance(10_000);
    expect(state.updates).toMatchObject([
      ...Array(3).fill({ id: 5, update: { state: 'running' } }),
      ...Array(2).fill({ id: 5, update: { state: 'failed', failureReason: 'runner_system_failure' } }),
    ]);
    expect(state.log.join()).toContain('`steps` is a text');
    drain.abort();
    await run;
  });
});

describe('stopping', () => {
  it('ends open questions, takes no further job, and waits for those that run', async () => {
    const { clock, drain, manager, state } = managed({
      concurrent: 2,
      runners: [runner('a', { request_concurrency: 2 })],
    });
    const answers: JobRequestOutcome[] = [aJob(1)];
    state.answer = () => answers.shift() ?? new Promise<JobRequestOutcome>(() => {});
    const run = manager.run();
    await clock.advance(0);
    expect(state.asked).toHaveLength(2);
    let ended: string | undefined;
    void run.then((how) => {
      ended = how;
    });
    drain.abort();
    await clock.advance(3_600_000);
    expect(ended).toBeUndefined();
    expect(state.running[0]!.interrupted.aborted).toBe(false);
    state.running[0]!.end.resolve();
    await settled();
    expect(ended).toBe('ended');
    expect(state.asked).toHaveLength(2);
  });

  it('interrupts jobs, and gives up after shutdown_timeout', async () => {
    const { clock, interrupt, manager, state } = managed({ shutdown_timeout: 10, runners: [runner('a')] });
    state.answer = () => aJob(1);
    const run = manager.run();
    await clock.advance(0);
    interrupt.abort();
    expect(state.running[0]!.interrupted.aborted).toBe(true);
    await clock.advance(10_000);
    await expect(run).resolves.toBe('timed-out');
  });

  it('may be interrupted after it was asked to drain', async () => {
    const { clock, drain, interrupt, manager, state } = managed({ runners: [runner('a')] });
    state.answer = () => aJob(1);
    const run = manager.run();
    await clock.advance(0);
    drain.abort();
    await clock.advance(100_000);
    interrupt.abort();
    state.running[0]!.end.resolve();
    await expect(run).resolves.toBe('ended');
  });
});

describe('a job that goes wrong in a way that nobody thought of', () => {
  it('is told of, and gives its place back', async () => {
    const { clock, drain, manager, state } = managed({ concurrent: 1, check_interval: 1, runners: [runner('a')] });
    state.answer = endlessJobs();
    const running = manager.run();
    await settled();
    state.running[0]!.end.reject(new Error('no idea'));
    await settled();
    await clock.advance(1000);
    expect(state.running.map(({ answer }) => answer.job.id)).toEqual([1, 2]);
    expect(state.log.join()).toContain('error: A job was lost: Error: no idea');
    drain.abort();
    state.running[1]!.end.resolve();
    await expect(running).resolves.toBe('ended');
  });
});
