import { describe, expect, it } from 'vitest';
import { fakeClock } from '../support/fake-clock.ts';
import { startGitlabServer } from './gitlab-server.ts';
import { api, askForJob, asleep, patch, put } from './raw.ts';

describe('long polling', () => {
  const held = async (longPollMs = 50_000) => {
    const clock = fakeClock();
    const server = await startGitlabServer({ clock, longPollMs });
    const runner = server.addRunner();
    const first = await askForJob(server, runner.token);
    const state = String(first.headers['x-gitlab-last-update']);
    const ask = async () => {
      const answer = askForJob(server, runner.token, { last_update: state });
      // The request is there once the server sleeps on it.
      await asleep(clock);
      return { answer };
    };
    return { clock, server, runner, ask, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  };

  it('holds a request until a job comes, and answers by a bare 204', async () => {
    await using given = await held();
    const { answer } = await given.ask();
    given.server.addPipeline({ jobs: [{ name: 'one' }] });
    const { status, headers } = await answer;
    expect([status, headers['x-gitlab-last-update']]).toEqual([204, undefined]);
    expect((await askForJob(given.server, given.runner.token)).status).toBe(201);
  });

  it('holds it for its time', async () => {
    await using given = await held();
    const { answer } = await given.ask();
    await given.clock.advance(49_999);
    expect(given.server.requests.at(-1)?.status).toBeUndefined();
    await given.clock.advance(1);
    expect((await answer).status).toBe(204);
  });

  it('answers at once where the runner knows an older state, or none', async () => {
    await using given = await held();
    expect((await askForJob(given.server, given.runner.token, { last_update: 'older' })).status).toBe(204);
    expect((await askForJob(given.server, given.runner.token)).status).toBe(204);
    expect(given.clock.sleepers).toBe(0);
  });

  it('lets go when somebody pauses the runner', async () => {
    await using given = await held();
    const { answer } = await given.ask();
    given.server.pause(given.runner, true);
    expect((await answer).status).toBe(204);
  });
});

describe('rate limits', () => {
  const rateLimits = { jobsRequest: 2, jobs: 2, patchTrace: 2 };

  it('count for each token and each minute', async () => {
    const clock = fakeClock(30_000);
    await using server = await startGitlabServer({ clock, rateLimits });
    const [a, b] = [server.addRunner(), server.addRunner()];
    const ask = async (token: string) => (await askForJob(server, token)).status;
    expect([await ask(a.token), await ask(a.token), await ask(b.token)]).toEqual([204, 204, 204]);
    const refused = await askForJob(server, a.token);
    expect([refused.status, refused.headers['retry-after'], refused.headers['ratelimit-resettime']]).toEqual([
      429,
      '30',
      undefined,
    ]);
    expect(refused.json).toEqual({
      message: { error: 'This endpoint has been requested too many times. Try again later.' },
    });
    await clock.advance(30_000);
    expect(await ask(a.token)).toBe(204);
  });

  it('count updates and pieces of a log for each job', async () => {
    await using server = await startGitlabServer({ clock: fakeClock(0), rateLimits });
    server.addPipeline({ jobs: [{ name: 'one' }] });
    await askForJob(server, server.addRunner().token);
    const job = server.job('one');
    const pieces = [
      await patch(server, job, 0, 'a'),
      await patch(server, job, 1, 'b'),
      await patch(server, job, 2, 'c'),
    ];
    expect(pieces.map(({ status }) => status)).toEqual([202, 202, 429]);
    const updates = [0, 1, 2].map(() => put(server, job, { state: 'running' }));
    expect((await Promise.all(updates)).map(({ status }) => status).toSorted()).toEqual([200, 200, 429]);
  });

  it('are told with a date by Rack::Attack', async () => {
    const options = { clock: fakeClock(30_000), rateLimits, throttledBy: 'rack-attack' } as const;
    await using server = await startGitlabServer(options);
    const { token } = server.addRunner();
    for (let turn = 0; turn < 2; turn++) await askForJob(server, token);
    const { headers } = await askForJob(server, token);
    expect(headers['ratelimit-resettime']).toBe('Thu, 01 Jan 1970 00:01:00 GMT');
  });

  it('can be switched off', async () => {
    await using server = await startGitlabServer({ rateLimits: 'off' });
    const answers = Array.from({ length: 300 }, () => api(server, 'PUT', 'jobs/1', { json: { token: 'x' } }));
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([403]));
  });
});
