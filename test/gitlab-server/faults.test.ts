import { describe, expect, it } from 'vitest';
import { fakeClock } from '../support/fake-clock.ts';
import type { Fault, FaultQuestion } from './faults/fault.ts';
import { planFaults } from './faults/fault-plan.ts';
import { startGitlabServer } from './gitlab-server.ts';
import { api, askForJob, asleep, patch, raw } from './raw.ts';
import { traceOf } from './state/model.ts';

/** A server with a running job, whose next piece of log meets a fault. */
async function meeting(fault: Fault, clock = fakeClock()) {
  const server = await startGitlabServer({ clock });
  server.addPipeline({ jobs: [{ name: 'one' }] });
  await askForJob(server, server.addRunner().token);
  const job = server.job('one');
  server.setFaults(({ route, nth }) => (route === 'patch-trace' && nth === 0 ? fault : undefined));
  return {
    server,
    job,
    clock,
    send: () =>
      patch(server, job, 0, 'hello').then(
        ({ status }) => status,
        (error: Error) => error,
      ),
    log: () => traceOf(job).toString(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

describe('faults', () => {
  it.each<[Fault, string]>([
    [{ kind: 'drop-before' }, ''],
    [{ kind: 'drop-after' }, 'hello'],
    [{ kind: 'half-upload' }, ''],
    [{ kind: 'restart', downMs: 0, when: 'before' }, ''],
    [{ kind: 'restart', downMs: 0, when: 'after' }, 'hello'],
    [{ kind: 'hang', ms: 0, afterwards: 'drop' }, ''],
  ])('%j cuts the connection; the log is then "%s"', async (fault, log) => {
    await using given = await meeting(fault);
    expect(await given.send()).toBeInstanceOf(Error);
    expect(given.log()).toBe(log);
    for (;;) {
      const again = await given.send();
      if (typeof again === 'number') {
        expect(again).toBe(202);
        break;
      }
    }
    expect(given.log()).toBe('hello');
  });

  it('answers something else', async () => {
    await using given = await meeting({ kind: 'status', status: 503, headers: { 'retry-after': '7' }, body: 'down' });
    const answer = await patch(given.server, given.job, 0, 'hello');
    expect([answer.status, answer.headers['retry-after'], answer.text, given.log()]).toEqual([503, '7', 'down', '']);
    expect(given.server.violations).toEqual([]);
  });

  it('redirects to the same address, or to another one', async () => {
    await using given = await meeting({ kind: 'redirect', status: 307 });
    const { status, headers } = await patch(given.server, given.job, 0, 'hello');
    expect([status, headers.location]).toEqual([
      307,
      `${given.server.url}/api/v4/jobs/${given.job.id}/trace?debug_trace=false`,
    ]);
  });

  it.each<[Fault, string]>([
    [{ kind: 'hang', ms: 30_000, afterwards: 'handle' }, ''],
    [{ kind: 'late-answer', ms: 30_000 }, 'hello'],
  ])('%j waits by the clock; the log is "%s" meanwhile', async (fault, meanwhile) => {
    await using given = await meeting(fault);
    const answer = given.send();
    await asleep(given.clock);
    expect(given.log()).toBe(meanwhile);
    await given.clock.advance(30_000);
    expect([await answer, given.log()]).toEqual([202, 'hello']);
  });

  it('writes half of an answer', async () => {
    await using server = await startGitlabServer();
    const { token } = server.addRunner();
    server.addPipeline({ jobs: [{ name: 'one' }] });
    server.setFaults(() => ({ kind: 'half-response' }));
    await expect(askForJob(server, token)).rejects.toThrow();
    expect(server.job('one').status).toBe('running');
    await expect(askForJob(server, token)).rejects.toThrow();
    expect(server.requests.map(({ status }) => status)).toEqual([201, 204]);
  });

  it('answers slowly, and whole', async () => {
    const clock = fakeClock();
    await using server = await startGitlabServer({
      clock,
      decideFault: () => ({ kind: 'slow', pieces: 4, pauseMs: 10 }),
    });
    const answer = api(server, 'POST', 'runners/verify', { json: { token: server.addRunner().token } });
    await asleep(clock);
    await clock.advance(29);
    expect(clock.sleepers).toBe(1);
    await clock.advance(1);
    expect((await answer).json.token).toMatch(/^glrt-/);
  });

  it('keeps everything over a restart', async () => {
    await using server = await startGitlabServer();
    const { token } = server.addRunner();
    const { url } = server;
    server.addPipeline({ jobs: [{ name: 'one' }] });
    await server.restart();
    expect(server.url).toBe(url);
    expect((await askForJob(server, token)).status).toBe(201);
  });

  it('refuses connections while it is down', async () => {
    const clock = fakeClock();
    await using server = await startGitlabServer({ clock });
    const back = server.restart(1000);
    await asleep(clock);
    await expect(raw(server.url, 'GET')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await clock.advance(1000);
    await back;
    expect((await raw(server.url, 'GET')).status).toBe(404);
  });
});

describe('a plan of faults', () => {
  const ask = (jobId: number, nth: number): FaultQuestion => ({
    method: 'PUT',
    route: 'update-job',
    path: '',
    jobId,
    nth,
  });
  const faults: readonly Fault[] = [{ kind: 'drop-before' }, { kind: 'drop-after' }];
  const run = (seed: string, jobs: readonly number[]) => {
    const decide = planFaults({ seed, rate: 0.5, faults });
    return jobs.map((job, at) => decide(ask(job, jobs.slice(0, at).filter((other) => other === job).length))?.kind);
  };

  it('depends on the seed, and for one job not on the others', () => {
    const alone = run(
      'a',
      Array.from({ length: 30 }, () => 1),
    );
    expect(
      run(
        'a',
        Array.from({ length: 30 }, () => 1),
      ),
    ).toEqual(alone);
    expect(
      run(
        'b',
        Array.from({ length: 30 }, () => 1),
      ),
    ).not.toEqual(alone);
    const mixed = run(
      'a',
      Array.from({ length: 60 }, (_, at) => (at % 2 === 0 ? 1 : 2)),
    );
    expect(mixed.filter((_, at) => at % 2 === 0)).toEqual(alone);
  });

  it('lets a request through after so many faults in a row', () => {
    const decide = planFaults({ seed: 'a', rate: 1, faults, inARow: 2 });
    const kinds = [0, 1, 2, 3, 4, 5].map((nth) => decide(ask(1, nth)) !== undefined);
    expect(kinds).toEqual([true, true, false, true, true, false]);
  });

  it('leaves other routes alone', () => {
    const decide = planFaults({ seed: 'a', rate: 1, faults, routes: ['git'] });
    expect(decide(ask(1, 0))).toBeUndefined();
  });
});
