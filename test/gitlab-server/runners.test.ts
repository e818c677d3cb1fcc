import { describe, expect, it } from 'vitest';
import { fakeClock } from '../support/fake-clock.ts';
import { startGitlabServer } from './gitlab-server.ts';
import { api, askForJob } from './raw.ts';

const token = 'GR1348941registration';

describe('POST /runners', () => {
  it('makes a runner: 201 with id and token', async () => {
    await using server = await startGitlabServer();
    const json = {
      token,
      description: 'mine',
      tag_list: 'a, b,,c',
      run_untagged: false,
      locked: true,
      access_level: 'ref_protected',
      maximum_timeout: 600,
      paused: true,
      maintenance_note: 'note',
      info: { name: 'x' },
    };
    const answer = await api(server, 'POST', 'runners', { json });
    expect([answer.status, answer.json]).toEqual([201, { id: 101, token: expect.any(String), token_expires_at: null }]);
    expect(server.store.runners.get(101)).toMatchObject({
      kind: 'registered',
      description: 'mine',
      tags: ['a', 'b', 'c'],
      runUntagged: false,
      locked: true,
      accessLevel: 'ref_protected',
      maximumTimeout: 600,
      paused: true,
      maintenanceNote: 'note',
    });
    expect(answer.json.token).not.toMatch(/^glrt-/);
  });

  it('takes the older words', async () => {
    await using server = await startGitlabServer();
    await api(server, 'POST', 'runners', { json: { token, active: false, maintainer_note: 'old' } });
    expect(server.store.runners.get(101)).toMatchObject({ paused: true, maintenanceNote: 'old', runUntagged: true });
  });

  it.each([
    ['no token', { token: undefined }, 400, { error: 'token is missing' }],
    ['a wrong token', { token: 'x' }, 403, { message: '403 Forbidden - invalid token supplied' }],
    ['active with paused', { active: true, paused: true }, 400, { error: 'active, paused are mutually exclusive' }],
    [
      'both words for a note',
      { maintenance_note: 'a', maintainer_note: 'b' },
      400,
      { error: 'maintainer_note, maintenance_note are mutually exclusive' },
    ],
    ['an unknown access level', { access_level: 'x' }, 400, { error: 'access_level does not have a valid value' }],
    ['a truth that is none', { paused: 'perhaps' }, 400, { error: 'paused is invalid' }],
    ['a timeout that is no number', { maximum_timeout: '1h' }, 400, { error: 'maximum_timeout is invalid' }],
    [
      'a short timeout',
      { maximum_timeout: 599 },
      400,
      { message: { maximum_timeout: ['needs to be at least 10 minutes'] } },
    ],
    [
      'no tags and no untagged jobs',
      { run_untagged: false },
      400,
      { message: { tags_list: ['can not be empty when runner is not allowed to pick untagged jobs'] } },
    ],
  ])('refuses %s', async (_, more, status, body) => {
    await using server = await startGitlabServer();
    const answer = await api(server, 'POST', 'runners', { json: { token, ...more } });
    expect([answer.status, answer.json, server.store.runners.size]).toEqual([status, body, 0]);
  });

  it('refuses one runner too many, by field', async () => {
    await using server = await startGitlabServer({ runnerLimit: 1 });
    await api(server, 'POST', 'runners', { json: { token } });
    const answer = await api(server, 'POST', 'runners', { json: { token } });
    expect([answer.status, Object.keys(answer.json.message)]).toEqual([400, ['runner_namespaces.base']]);
  });

  it('is gone where registration tokens are disallowed', async () => {
    await using server = await startGitlabServer({ registrationToken: 'disallowed' });
    expect((await api(server, 'POST', 'runners', { json: { token } })).status).toBe(410);
  });
});

describe('POST /runners/verify', () => {
  it('tells id and expiry, and makes the runner manager', async () => {
    await using server = await startGitlabServer({ clock: fakeClock(0) });
    const runner = server.addRunner({ tokenExpiresIn: 60 });
    expect(runner.token).toMatch(/^glrt-/);
    const json = { token: runner.token, system_id: 's_abc', info: { version: '1', features: { refspecs: true } } };
    const answer = await api(server, 'POST', 'runners/verify', { json });
    expect([answer.status, answer.json]).toEqual([
      200,
      { id: runner.id, token: runner.token, token_expires_at: '1970-01-01T00:01:00.000Z' },
    ]);
    expect(runner.managers.get('s_abc')?.info).toMatchObject({ version: '1' });
  });

  it('puts a runner without system id under a name of its own', async () => {
    await using server = await startGitlabServer();
    const runner = server.addRunner();
    await api(server, 'POST', 'runners/verify', { json: { token: runner.token } });
    expect([...runner.managers.keys()]).toEqual(['<legacy>']);
  });

  it.each([
    ['no token', {}, 400],
    ['a wrong token', { token: 'x' }, 403],
  ])('refuses %s', async (_, json, status) => {
    await using server = await startGitlabServer();
    expect((await api(server, 'POST', 'runners/verify', { json })).status).toBe(status);
  });

  it('answers 422 to an orphaned runner', async () => {
    await using server = await startGitlabServer();
    const runner = server.addRunner();
    runner.orphaned = true;
    expect((await api(server, 'POST', 'runners/verify', { json: { token: runner.token } })).status).toBe(422);
  });
});

describe('DELETE', () => {
  it('/runners takes the runner away', async () => {
    await using server = await startGitlabServer();
    const runner = server.addRunner();
    const answer = await api(server, 'DELETE', 'runners', { json: { token: runner.token } });
    expect([answer.status, answer.text, server.store.runners.size]).toEqual([204, '', 0]);
    expect((await api(server, 'DELETE', 'runners', { json: { token: runner.token } })).status).toBe(403);
    expect((await api(server, 'DELETE', 'runners')).status).toBe(400);
  });

  it('/runners/managers takes one machine away', async () => {
    await using server = await startGitlabServer();
    const runner = server.addRunner();
    await askForJob(server, runner.token, { system_id: 's_1' });
    const remove = (json: object) => api(server, 'DELETE', 'runners/managers', { json });
    expect((await remove({ token: runner.token, system_id: 's_2' })).status).toBe(404);
    expect((await remove({ token: 'x', system_id: 's_1' })).status).toBe(403);
    const missing = await remove({ token: runner.token });
    expect([missing.status, missing.json]).toEqual([400, { error: 'system_id is missing' }]);
    expect((await remove({ token: runner.token, system_id: 's_1' })).status).toBe(204);
    expect([runner.managers.size, server.store.runners.size]).toEqual([0, 1]);
  });
});

describe('POST …/reset_authentication_token', () => {
  it('by the own token: the old one is worth nothing then', async () => {
    const clock = fakeClock(0);
    await using server = await startGitlabServer({ clock });
    const runner = server.addRunner({ tokenExpiresIn: 3600 });
    const old = runner.token;
    await clock.advance(1_800_000);
    const answer = await api(server, 'POST', 'runners/reset_authentication_token', { json: { token: old } });
    const expected = { token: runner.token, token_expires_at: '1970-01-01T01:30:00.000Z' };
    expect([answer.status, answer.json]).toEqual([201, expected]);
    expect([runner.token === old, runner.token.startsWith('glrt-')]).toEqual([false, true]);
    expect((await api(server, 'POST', 'runners/verify', { json: { token: old } })).status).toBe(403);
  });

  it('by a person’s token', async () => {
    await using server = await startGitlabServer();
    const runner = server.addRunner();
    const path = (id: number): string => `runners/${id}/reset_authentication_token`;
    const headers = { 'private-token': 'glpat-administrator' };
    expect((await api(server, 'POST', path(runner.id))).status).toBe(401);
    expect((await api(server, 'POST', path(999), { headers })).status).toBe(404);
    const answer = await api(server, 'POST', path(runner.id), { headers });
    expect([answer.status, answer.json]).toEqual([201, { token: runner.token, token_expires_at: null }]);
  });
});

it('has no job router, and says so to its runners alone', async () => {
  await using server = await startGitlabServer();
  const headers = { 'runner-token': server.addRunner().token };
  expect((await api(server, 'GET', 'runners/router/discovery', { headers })).status).toBe(501);
  expect((await api(server, 'GET', 'runners/router/discovery')).status).toBe(403);
});

it.each([
  ['GET', 'jobs/request/x', 404],
  ['GET', 'jobs/request', 405],
  ['PATCH', 'runners', 405],
  ['GET', 'projects', 404],
])('%s /%s is %i', async (method, path, status) => {
  await using server = await startGitlabServer();
  expect((await api(server, method, path)).status).toBe(status);
  expect(server.violations.map(({ code }) => code)).toEqual([`refused-${status}`]);
});
