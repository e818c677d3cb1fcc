import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { ArtifactDownloaded, ArtifactUploaded, JobUpdated } from '../../../src/runner/network/gitlab-client.ts';
import { clientOf, info, jumpingClock } from '../support/network.ts';
import { inTurn, json, type Scripted, scriptedServer } from '../support/scripted-server.ts';

const { signal } = new AbortController();
const job = { id: 4711, token: 'glcbt-64_secret' };
const status = (value: string) => ({ 'Job-Status': value });

describe('asking for a job, by what the server answers', () => {
  const cases: readonly (Scripted & {
    readonly name: string;
    readonly kind: string;
    readonly healthy: boolean;
    readonly tries?: number;
  })[] = [
    { name: 'nothing', status: 204, kind: 'nothing', healthy: true },
    { name: 'success that is no 201', status: 200, body: '{}', kind: 'failed', healthy: true },
    { name: 'accepted', status: 202, kind: 'failed', healthy: true },
    { name: 'bad request', ...json(400, { error: 'token is missing' }), kind: 'failed', healthy: true },
    { name: 'unauthorized', status: 401, kind: 'failed', healthy: true },
    { name: 'forbidden', ...json(403, { message: '403 Forbidden' }), kind: 'failed', healthy: false },
    { name: 'not found', status: 404, kind: 'failed', healthy: true },
    { name: 'a request that took too long', status: 408, kind: 'failed', healthy: true, tries: 5 },
    { name: 'conflict', ...json(409, { message: '409 Conflict' }), kind: 'failed', healthy: true },
    { name: 'gone', status: 410, kind: 'failed', healthy: true },
    { name: 'orphaned', ...json(422, { message: 'Runner is orphaned' }), kind: 'failed', healthy: true },
    { name: 'an error', status: 500, kind: 'failed', healthy: true, tries: 5 },
    { name: 'not implemented', status: 501, kind: 'failed', healthy: true },
    { name: 'a gateway', status: 502, kind: 'failed', healthy: true, tries: 5 },
    { name: 'a slow gateway', status: 504, kind: 'failed', healthy: true, tries: 5 },
    { name: 'variants', status: 506, kind: 'failed', healthy: true },
    { name: 'a network in front', status: 511, kind: 'failed', healthy: true },
    { name: 'a proxy that is not there', status: 521, kind: 'failed', healthy: true, tries: 5 },
    { name: 'a cut connection', dropped: true, kind: 'failed', healthy: true },
    { name: 'a job as text', status: 201, body: '{"id":1}', kind: 'failed', healthy: true },
    { name: 'a job that is half there', status: 201, ...half(), kind: 'failed', healthy: true },
    { name: 'a job without a number', ...json(201, { token: 'x' }), kind: 'unreadable', healthy: true },
    { name: 'a list', ...json(201, []), kind: 'unreadable', healthy: true },
    {
      name: 'a job of another kind',
      ...json(201, { id: 1, token: 'x', steps: 'no' }),
      kind: 'unreadable',
      healthy: true,
    },
    { name: 'a job of nulls', ...json(201, nulls()), kind: 'job', healthy: true },
    {
      name: 'a job with what nobody knows yet',
      ...json(201, { id: 9, token: 'x', suspend_options: { a: [] }, git_info: { new: 1 } }),
      kind: 'job',
      healthy: true,
    },
  ];

  it.each(cases)('$name: $kind', async ({ kind, healthy, tries = 1, ...answer }) => {
    await using server = await scriptedServer(() => answer);
    const { client, lines } = clientOf({ url: server.url, token: 'glrt-secret' }, { clock: jumpingClock() });
    const outcome = await client.requestJob({ info, systemId: 's_1', signal });
    expect(outcome).toMatchObject({ kind, healthy, retried: tries > 1 });
    expect(server.seen).toHaveLength(tries);
    expect(JSON.stringify(lines)).not.toContain('glrt-secret');
    client.close();
  });

  function half(): Scripted {
    return { headers: { 'Content-Type': 'application/json' }, body: '{"id": 1, "token": "x"' };
  }

  function nulls(): Record<string, unknown> {
    const keys = [
      'job_info',
      'git_info',
      'runner_info',
      'variables',
      'steps',
      'image',
      'services',
      'artifacts',
      'cache',
    ];
    const more = ['credentials', 'dependencies', 'features', 'secrets', 'hooks', 'run', 'inputs', 'policy_options'];
    return { id: 7, token: 'x', ...Object.fromEntries([...keys, ...more].map((key) => [key, null])) };
  }
});

describe('updating a job, by what the server answers', () => {
  const cases: readonly (Scripted & {
    readonly is: JobUpdated['state'];
    readonly cancel?: boolean;
    readonly tries?: number;
  })[] = [
    { status: 200, headers: status('running'), is: 'succeeded' },
    { status: 200, headers: status('success'), is: 'succeeded' },
    { status: 200, headers: status('canceled'), is: 'abort' },
    { status: 200, headers: status('failed'), is: 'abort' },
    { status: 202, headers: status('running'), is: 'accepted' },
    { status: 202, headers: status('canceling'), is: 'accepted', cancel: true },
    { status: 202, headers: status('failed'), is: 'abort' },
    { status: 412, headers: status('running'), is: 'trace-rejected' },
    { status: 412, headers: status('canceled'), is: 'abort' },
    { status: 403, headers: status('running'), is: 'abort' },
    { status: 403, headers: status('canceling'), is: 'abort', cancel: true },
    { status: 401, is: 'failed' },
    { status: 404, headers: status('running'), is: 'abort' },
    { status: 409, is: 'failed' },
    { status: 410, is: 'failed' },
    { status: 416, is: 'failed' },
    { status: 422, headers: status('canceling'), is: 'failed', cancel: true },
    { status: 429, headers: status('canceled'), is: 'abort', tries: 5 },
    { status: 503, is: 'failed', tries: 5 },
    { status: 204, is: 'failed' },
    { dropped: true, is: 'failed' },
  ];

  it.each(cases)('$status $headers: $is', async ({ is, cancel = false, tries = 1, ...answer }) => {
    await using server = await scriptedServer(() => answer);
    const { client } = clientOf({ url: server.url, token: 'runner' }, { clock: jumpingClock() });
    const updated = await client.updateJob(job, { state: 'running', info });
    expect(updated).toEqual({ state: is, cancelRequested: cancel, updateIntervalSeconds: 0 });
    expect(server.seen).toHaveLength(tries);
    client.close();
  });

  it.each([
    { header: '7', seconds: 7 },
    { header: '+5', seconds: 5 },
    { header: ' 12 ', seconds: 12 },
    { header: '-1', seconds: -1 },
    { header: '910', seconds: 910 },
    { header: '', seconds: 0 },
    { header: '2.5', seconds: 0, warns: true },
    { header: '3s', seconds: 0, warns: true },
    { header: '99999999999999999999', seconds: 0, warns: true },
  ])('takes the interval "$header" as $seconds s', async ({ header, seconds, warns = false }) => {
    const headers = { 'X-GitLab-Trace-Update-Interval': header };
    await using server = await scriptedServer(() => ({ status: 500, headers }));
    const { client, lines } = clientOf({ url: server.url, token: 'runner' }, { clock: jumpingClock() });
    const { updateIntervalSeconds } = await client.updateJob(job, { state: 'success', info });
    expect(updateIntervalSeconds).toBe(seconds);
    expect(lines.some(({ message }) => message.startsWith('Failed to parse'))).toBe(warns);
    client.close();
  });

  it.each([
    { exitCode: 1, sent: 1 },
    { exitCode: -1, sent: -1 },
    { exitCode: 255, sent: 255 },
    { exitCode: 0, sent: undefined },
  ])('sends the exit code $exitCode as $sent', async ({ exitCode, sent }) => {
    await using server = await scriptedServer(() => ({ status: 200, body: '200' }));
    const { client } = clientOf({ url: server.url, token: 'runner' });
    const update = {
      state: 'failed',
      failureReason: 'script_failure',
      exitCode,
      bytesize: 0,
      checksum: 'crc32:00000000',
    };
    await client.updateJob(job, { ...update, state: 'failed', info });
    const body = server.seen[0]!.json();
    expect(body['exit_code']).toBe(sent);
    expect(body).toMatchObject({
      token: job.token,
      failure_reason: 'script_failure',
      checksum: 'crc32:00000000',
      output: { checksum: 'crc32:00000000', bytesize: 0 },
    });
    client.close();
  });
});

describe('a piece of a log, by what the server answers', () => {
  const start = 40;
  const cases: readonly (Scripted & { readonly is: string; readonly next: number; readonly cancel?: boolean })[] = [
    { status: 202, headers: { ...status('running'), Range: '0-99' }, is: 'succeeded', next: 50 },
    { status: 202, headers: { ...status('canceling'), Range: '0-50' }, is: 'succeeded', next: 50, cancel: true },
    { status: 202, headers: status('canceled'), is: 'abort', next: 40 },
    { status: 202, headers: status('success'), is: 'succeeded', next: 50 },
    { status: 403, headers: status('running'), is: 'abort', next: 40 },
    { status: 404, is: 'not-found', next: 40 },
    { status: 404, headers: status('failed'), is: 'abort', next: 40 },
    { status: 416, headers: { Range: '0-0' }, is: 'range-mismatch', next: 0 },
    { status: 416, headers: { Range: '0-7' }, is: 'range-mismatch', next: 7 },
    { status: 416, headers: { Range: '0-50' }, is: 'range-mismatch', next: 50 },
    { status: 416, headers: { Range: '0-' }, is: 'range-mismatch', next: 0 },
    { status: 416, headers: { Range: 'bytes' }, is: 'range-mismatch', next: 0 },
    { status: 416, headers: { Range: '0-3-5' }, is: 'range-mismatch', next: 0 },
    { status: 416, headers: { Range: '0-x' }, is: 'range-mismatch', next: 0 },
    { status: 416, headers: { Range: '0-7', ...status('failed') }, is: 'abort', next: 40 },
    { status: 400, is: 'failed', next: 40 },
    { status: 413, is: 'failed', next: 40 },
    { status: 429, is: 'failed', next: 40 },
    { status: 500, headers: status('canceling'), is: 'failed', next: 40, cancel: true },
    { status: 200, is: 'failed', next: 40 },
    { dropped: true, is: 'failed', next: 40 },
  ];

  it.each(cases)('$status $headers: $is, goes on at $next', async ({ is, next, cancel = false, ...answer }) => {
    await using server = await scriptedServer(() => answer);
    const { client } = clientOf({ url: server.url, token: 'runner' }, { clock: jumpingClock() });
    const content = Buffer.from('0123456789');
    const patched = await client.patchTrace(job, { content, startOffset: start, debugTrace: 'off' });
    expect(patched).toMatchObject({ state: is, sentOffset: next, cancelRequested: cancel });
    for (const { headers, body } of server.seen) {
      expect(headers).toMatchObject({ 'content-range': '40-49', 'content-length': '10', 'job-token': job.token });
      expect(headers['transfer-encoding']).toBeUndefined();
      expect(body.toString()).toBe('0123456789');
    }
    client.close();
  });

  it('counts bytes, not characters', async () => {
    await using server = await scriptedServer(() => ({ status: 202 }));
    const { client } = clientOf({ url: server.url, token: 'runner' });
    const patch = { content: Buffer.from('äß€😀'), startOffset: 100, debugTrace: 'on' } as const;
    expect((await client.patchTrace(job, patch)).sentOffset).toBe(111);
    expect(server.seen[0]).toMatchObject({
      url: '/api/v4/jobs/4711/trace?debug_trace=true',
      headers: { 'content-range': '100-110', 'content-length': '11' },
    });
    client.close();
  });
});

describe('uploads, by what the server answers', () => {
  const cases: readonly (Scripted & {
    readonly is: ArtifactUploaded['state'];
    readonly why: string | RegExp;
    readonly tries?: number;
  })[] = [
    { status: 201, is: 'succeeded', why: '201 Created' },
    { status: 200, is: 'failed', why: '200 OK' },
    { status: 400, is: 'failed', why: '400 Bad Request' },
    {
      ...json(400, { message: { file: ['is too odd', 'is old'] } }),
      is: 'failed',
      why: /^POST .*\(file: is too odd; is old\)$/,
    },
    { ...json(400, { message: '400 Bad Request' }), is: 'failed', why: '400 Bad Request' },
    { status: 401, is: 'failed', why: '401 Unauthorized' },
    { status: 403, is: 'forbidden', why: '403 Forbidden' },
    { ...json(403, { message: '403 Forbidden - Job has been erased!' }), is: 'forbidden', why: /erased!\)$/ },
    { status: 405, is: 'failed', why: '405 Method Not Allowed' },
    { status: 413, reason: 'Request Entity Too Large', is: 'too-large', why: '413 Request Entity Too Large' },
    { status: 502, is: 'failed', why: '502 Bad Gateway', tries: 5 },
    { status: 503, is: 'unavailable', why: '503 Service Unavailable', tries: 5 },
    { status: 307, is: 'failed', why: '307 Temporary Redirect' },
    { dropped: true, is: 'failed', why: /hang up|ECONNRESET/ },
  ];

  it.each(cases)('$status: $is', async ({ is, why, tries = 1, ...answer }) => {
    await using server = await scriptedServer(() => answer);
    const { client } = clientOf({ url: server.url, token: 'runner' }, { clock: jumpingClock() });
    const open = async () => Readable.from([Buffer.from('content')]);
    const upload = { filename: 'a/b/junit.xml.gz', open, type: 'junit', format: 'gzip', expireIn: '1 week 2 days' };
    const uploaded = await client.uploadArtifacts(job, upload);
    expect(uploaded.state).toBe(is);
    if (typeof why === 'string') expect(uploaded.why).toBe(why);
    else expect(uploaded.why).toMatch(why);
    expect(server.seen).toHaveLength(tries);
    for (const { url, body } of server.seen) {
      expect(url).toBe('/api/v4/jobs/4711/artifacts?artifact_format=gzip&artifact_type=junit&expire_in=1+week+2+days');
      expect(body.toString()).toContain('filename="junit.xml.gz"');
    }
    client.close();
  });
});

describe('downloads, by what the server answers', () => {
  const cases: readonly (Scripted & { readonly is: ArtifactDownloaded['state']; readonly tries?: number })[] = [
    { status: 200, body: 'zip', is: 'succeeded' },
    { status: 401, is: 'unauthorized' },
    { status: 403, is: 'forbidden' },
    { status: 404, is: 'not-found' },
    { status: 204, is: 'failed' },
    { status: 400, is: 'failed' },
    { status: 500, is: 'failed', tries: 5 },
    { status: 302, is: 'failed' },
    { dropped: true, is: 'failed' },
    { status: 200, headers: { 'Content-Length': '100' }, body: 'half', is: 'failed' },
  ];

  it.each(cases)('$status: $is', async ({ is, tries = 1, ...answer }) => {
    await using server = await scriptedServer(inTurn(answer));
    const { client } = clientOf({ url: server.url, token: 'runner' }, { clock: jumpingClock() });
    let got = '';
    const take = async (body: Readable): Promise<void> => {
      // A server that promises more than it sends lets go of the connection.
      if (answer.body === 'half') server.server.closeAllConnections();
      for await (const chunk of body) got += String(chunk);
    };
    const downloaded = await client.downloadArtifacts(job, { direct: 'omitted', take });
    expect(downloaded.state).toBe(is);
    if (is === 'succeeded') expect(got).toBe('zip');
    expect(server.seen).toHaveLength(tries);
    expect(server.seen[0]!.url).toBe('/api/v4/jobs/4711/artifacts');
    client.close();
  });
});
