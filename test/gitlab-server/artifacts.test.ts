import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fakeClock } from '../support/fake-clock.ts';
import { type GitlabServer, startGitlabServer } from './gitlab-server.ts';
import type { GitlabServerOptions } from './options.ts';
import { api, askForJob, emptyZip, put, raw, upload } from './raw.ts';
import type { Job } from './state/model.ts';

interface Running extends AsyncDisposable {
  readonly server: GitlabServer;
  readonly job: Job;
  /** Ends the job and takes the one after it. */
  next(): Promise<Job>;
}

async function running(options: GitlabServerOptions = {}): Promise<Running> {
  const server = await startGitlabServer(options);
  const { token } = server.addRunner();
  server.addPipeline({ jobs: [{ name: 'one' }, { name: 'two', needs: ['one'], script: ['cat file'] }] });
  await askForJob(server, token);
  return {
    server,
    job: server.job('one'),
    next: async () => {
      await put(server, server.job('one'), { state: 'success' });
      await askForJob(server, token);
      return server.job('two');
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const type = (name: string, format: string): string => `?artifact_type=${name}&artifact_format=${format}`;

describe('POST /jobs/:id/artifacts', () => {
  it('takes an archive by query parameters or form fields', async () => {
    await using run = await running({ clock: fakeClock(0) });
    const answer = await upload(run.server, run.job, { query: '?expire_in=1+week', fileName: 'a.zip' });
    expect([answer.status, answer.text]).toEqual([201, '201']);
    expect(run.job.artifacts.get('archive')).toMatchObject({
      fileName: 'a.zip',
      format: 'zip',
      expireIn: '1 week',
      expiresAtMs: 604_800_000,
      content: emptyZip,
    });
    const fields = { artifact_type: 'junit', artifact_format: 'gzip', accessibility: 'private' };
    expect((await upload(run.server, run.job, { fields, content: gzipSync('<a/>') })).status).toBe(201);
    expect(run.job.artifacts.get('junit')?.accessibility).toBe('private');
    expect(run.server.violations).toEqual([]);
  });

  it.each([
    ['an unknown type', { query: type('thing', 'zip') }, 400, { error: 'artifact_type does not have a valid value' }],
    [
      'an unknown format',
      { query: type('archive', 'rar') },
      400,
      { error: 'artifact_format does not have a valid value' },
    ],
    [
      'a format of another type',
      { query: type('junit', 'zip') },
      400,
      { message: 'Validation failed: Invalid file format with specified file type' },
    ],
    [
      'a report in the archive’s default format',
      { query: '?artifact_type=dotenv', content: gzipSync('A=b') },
      400,
      undefined,
    ],
    ['another part than "file"', { partName: 'archive' }, 400, { error: 'file is missing' }],
    ['a wrong token', { headers: { 'job-token': 'x' } }, 403, { message: '403 Forbidden' }],
    ['a body without boundary', { headers: { 'content-type': 'multipart/form-data' } }, 400, undefined],
    [
      'a file that is too large',
      { content: Buffer.alloc(2000) },
      413,
      { message: 'file size has reached maximum size limit' },
    ],
  ])('refuses %s', async (_, given, status, body) => {
    await using run = await running({ artifactLimit: 1000 });
    const answer = await upload(run.server, run.job, given);
    expect(answer.status).toBe(status);
    if (body) expect(answer.json).toEqual(body);
    expect(run.job.artifacts.size).toBe(0);
  });

  it('takes the same file twice, and no other of the same type', async () => {
    await using run = await running();
    const file = { query: type('junit', 'gzip'), content: gzipSync('<a/>') };
    expect((await upload(run.server, run.job, file)).status).toBe(201);
    expect((await upload(run.server, run.job, file)).status).toBe(201);
    const other = await upload(run.server, run.job, { ...file, content: gzipSync('<b/>') });
    expect([other.status, other.json]).toEqual([400, { message: 'another artifact of the same type already exists' }]);
  });

  it('refuses files of a job that is over', async () => {
    await using run = await running();
    await put(run.server, run.job, { state: 'success' });
    const answer = await upload(run.server, run.job);
    expect([answer.status, answer.headers['job-status']]).toEqual([403, 'success']);
  });

  it('is 405 where artifacts are switched off', async () => {
    await using run = await running({ artifactsEnabled: false });
    expect((await upload(run.server, run.job)).status).toBe(405);
  });

  it('lets Workhorse alone authorize', async () => {
    await using run = await running();
    const headers = { 'job-token': run.job.token };
    expect((await api(run.server, 'POST', `jobs/${run.job.id}/artifacts/authorize`, { headers })).status).toBe(403);
  });

  it('notes content that is not of its format', async () => {
    await using run = await running();
    await upload(run.server, run.job, { content: Buffer.from('text') });
    expect(run.server.violations.map(({ code }) => code)).toEqual(['artifact-content']);
  });
});

describe('dotenv reports', () => {
  const send = (run: Running, text: string) =>
    upload(run.server, run.job, { query: type('dotenv', 'gzip'), content: gzipSync(text) });

  it('become variables of later jobs', async () => {
    await using run = await running();
    expect((await send(run, 'A=1\nB = two words \r\nA=3\n')).status).toBe(201);
    await put(run.server, run.job, { state: 'success' });
    const { json } = await askForJob(run.server, run.job.runner!.token);
    const found = json.variables.filter(({ key }: { key: string }) => key === 'A' || key === 'B');
    expect(found.map(({ key, value }: { key: string; value: string }) => [key, value])).toEqual([
      ['A', '3'],
      ['B', 'two words'],
    ]);
  });

  it.each([
    ['a line without an equals sign', 'A=1\nB\n', 'Invalid Format'],
    ['an empty line', 'A=1\n\nB=2\n', 'Invalid Format'],
    ['a name with a dash', 'A-B=1', "Validation failed: Key can contain only letters, digits and '_'."],
    [
      'too many',
      Array.from({ length: 21 }, (_, at) => `A${at}=1`).join('\n'),
      'Dotenv files cannot have more than 20 variables',
    ],
  ])('are refused: %s', async (_, text, message) => {
    await using run = await running();
    const answer = await send(run, text);
    expect([answer.status, answer.json]).toEqual([400, { message }]);
    expect(run.job.dotenv.size).toBe(0);
  });
});

describe('GET /jobs/:id/artifacts', () => {
  const get = (run: Running, token: string, query = '') =>
    api(run.server, 'GET', `jobs/${run.job.id}/artifacts${query}`, { headers: { 'job-token': token } });

  it('gives a later job of the project the archive, by its own token', async () => {
    await using run = await running();
    await upload(run.server, run.job);
    const { token } = await run.next();
    const answer = await get(run, token);
    expect([answer.status, answer.body.equals(emptyZip)]).toEqual([200, true]);
    expect((await get(run, run.job.token)).status).toBe(401);
    expect((await get(run, 'x')).status).toBe(401);
    expect((await get(run, '')).status).toBe(401);
  });

  it('is 404 where there is none, or it has expired, and 403 where there is no such job', async () => {
    const clock = fakeClock();
    await using run = await running({ clock });
    await upload(run.server, run.job, { query: '?expire_in=60' });
    const { token } = await run.next();
    const headers = { 'job-token': token };
    expect((await api(run.server, 'GET', `jobs/${run.server.job('two').id}/artifacts`, { headers })).status).toBe(404);
    expect((await api(run.server, 'GET', 'jobs/999999/artifacts', { headers })).status).toBe(403);
    await clock.advance(60_000);
    expect((await get(run, token)).status).toBe(404);
  });

  it('sends direct downloads to another origin, which takes no token', async () => {
    await using run = await running({ objectStorage: true });
    await upload(run.server, run.job);
    const { token } = await run.next();
    expect((await get(run, token)).status).toBe(200);
    const answer = await get(run, token, '?direct_download=true');
    const location = String(answer.headers.location);
    expect([answer.status, new URL(location).origin]).toEqual([302, run.server.storageUrl]);
    expect((await raw(location, 'GET')).body.equals(emptyZip)).toBe(true);
    const part = await raw(location, 'GET', { headers: { range: 'bytes=2-5' } });
    expect([part.status, part.headers['content-range'], part.body.length]).toEqual([206, 'bytes 2-5/22', 4]);
    const leaked = await raw(location, 'GET', { headers: { 'job-token': token } });
    expect([leaked.status, leaked.text]).toEqual([400, expect.stringContaining('<Code>InvalidArgument</Code>')]);
    expect((await raw(location.replace(/Signature=../, 'Signature=zz'), 'GET')).text).toContain('AccessDenied');
    expect(run.server.violations.map(({ code }) => code)).toEqual(['token-to-storage']);
  });

  it('tells dependencies with their files and the token of the running job', async () => {
    await using run = await running();
    await upload(run.server, run.job, { fileName: 'a.zip' });
    await put(run.server, run.job, { state: 'success' });
    const { json } = await askForJob(run.server, run.job.runner!.token);
    expect(json.dependencies).toEqual([
      { id: run.job.id, name: 'one', token: json.token, artifacts_file: { filename: 'a.zip', size: 22 } },
    ]);
  });
});
