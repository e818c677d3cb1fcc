import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { downloadArtifact, uploadArtifact } from '../../../src/runner/network/artifact-tries.ts';
import type { GitlabClient, JobRequestOutcome } from '../../../src/runner/network/gitlab-client.ts';
import type { JobPayload } from '../../../src/runner/network/payload.ts';
import { openJobTrace } from '../../../src/runner/trace/job-trace.ts';
import { type GitlabServer, startGitlabServer } from '../../gitlab-server/gitlab-server.ts';
import { clientOf, info, jumpingClock, networkGiven } from '../support/network.ts';
import { hurryingClock } from '../support/trace-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'runner-contract-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const systemId = 's_0123456789ab';
const never = new AbortController().signal;

async function take(client: GitlabClient): Promise<JobPayload> {
  const outcome: JobRequestOutcome = await client.requestJob({ info, systemId, signal: never });
  if (outcome.kind !== 'job') throw new Error(`no job: ${JSON.stringify(outcome)}`);
  return outcome.job;
}

async function traceOf(server: GitlabServer, client: GitlabClient, job: JobPayload, clock = hurryingClock()) {
  const { log } = networkGiven();
  const place = { directory, server: { url: server.url }, job, systemId, debugTrace: 'off' as const };
  return openJobTrace({ client, info, clock, log, ...place, limits: { patchBytes: 1000 } });
}

describe('against the strict server', () => {
  it('registers, verifies, renews and goes', async () => {
    await using server = await startGitlabServer({ relativeUrl: '/gitlab' });
    const { client } = clientOf({ url: server.url, token: 'GR1348941registration' });
    const made = await client.register({
      description: 'mine',
      tags: ['a', 'b'],
      runUntagged: true,
      locked: false,
      accessLevel: 'not_protected',
      maximumTimeoutSeconds: 900,
      paused: false,
      info,
    });
    if (made.kind !== 'ok') throw new Error(made.why);
    const own = clientOf({ url: `${server.url}/`, token: made.value.token }).client;
    expect(await own.verify({ info, systemId })).toMatchObject({ kind: 'valid', runner: { id: made.value.id } });
    const renewed = await own.resetToken();
    if (renewed.kind !== 'ok') throw new Error(renewed.why);
    expect((await own.verify({ info, systemId })).kind).toBe('removed');
    const next = clientOf({ url: server.url, token: renewed.value.token }).client;
    const again = await next.resetTokenOf(made.value.id, 'glpat-administrator');
    if (again.kind !== 'ok') throw new Error(again.why);
    const last = clientOf({ url: server.url, token: again.value.token }).client;
    expect(await last.unregister()).toBe(true);
    expect((await last.verify({ info, systemId })).kind).toBe('removed');
    expect(server.violations.filter(({ code }) => !code.startsWith('refused-403'))).toEqual([]);
  });

  it('removes a machine of a runner that stays', async () => {
    await using server = await startGitlabServer();
    const { token } = server.addRunner();
    const { client } = clientOf({ url: server.url, token });
    expect((await client.verify({ info, systemId })).kind).toBe('valid');
    expect(await client.unregisterManager(systemId)).toBe(true);
    expect(await client.unregisterManager(systemId)).toBe(false);
    expect((await client.verify({ info })).kind).toBe('valid');
  });

  it('runs a job to its end: two phases, log in pieces, result, checksum', async () => {
    await using server = await startGitlabServer({ liveTrace: { persistMs: 0 }, badChecksum: 'reject' });
    const { client } = clientOf({ url: server.url, token: server.addRunner().token });
    expect((await client.requestJob({ info, systemId, signal: never })).kind).toBe('nothing');
    expect(client.lastUpdate).not.toBe('');
    server.addPipeline({ jobs: [{ name: 'one', variables: { A: { value: 'b', masked: true } } }] });
    const job = await take(client);
    expect(job.variables).toContainEqual(expect.objectContaining({ key: 'A', value: 'b', masked: true }));
    expect((await client.updateJob(job, { state: 'running', info })).state).toBe('succeeded');
    const trace = await traceOf(server, client, job);
    trace.start();
    const text = Array.from({ length: 200 }, (_, line) => `line ${line} äöü\n`).join('');
    await trace.sink.write(Buffer.from(text));
    expect(await trace.finish({ state: 'failed', failureReason: 'script_failure', exitCode: 3 })).toEqual({
      kind: 'reported',
    });
    const kept = server.job('one');
    expect(Buffer.concat(kept.trace).toString()).toBe(text);
    expect(kept).toMatchObject({ status: 'failed', failureReason: 'script_failure', exitCode: 3 });
    expect(kept.checksums.at(-1)).toMatchObject({ valid: true });
    expect(server.violations).toEqual([]);
  });

  it('hears of canceling, then of the end', async () => {
    await using server = await startGitlabServer();
    const { client } = clientOf({ url: server.url, token: server.addRunner().token });
    server.addPipeline({ jobs: [{ name: 'one' }] });
    const job = await take(client);
    await client.updateJob(job, { state: 'running', info });
    const trace = await traceOf(server, client, job);
    const heard = (signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    const canceled = heard(trace.cancel);
    const over = heard(trace.abort);
    trace.start();
    server.cancel(server.job('one'), 'gracefully');
    await canceled;
    expect(trace.abort.aborted).toBe(false);
    server.cancel(server.job('one'), 'force');
    await over;
    await trace.finish({ state: 'failed', failureReason: 'job_canceled', exitCode: 0 });
    expect(server.job('one').status).toBe('canceled');
  });

  it.each(['storage', 'server'] as const)('passes artifacts on by the %s, and no token to the storage', async (by) => {
    await using server = await startGitlabServer({ objectStorage: by === 'storage' });
    const { client } = clientOf({ url: server.url, token: server.addRunner().token });
    const artifacts = { paths: ['a.txt'], expireIn: '1 week' };
    server.addPipeline({
      stages: ['build', 'test'],
      jobs: [
        { name: 'one', stage: 'build', artifacts },
        { name: 'two', stage: 'test' },
      ],
    });
    const first = await take(client);
    await client.updateJob(first, { state: 'running', info });
    const content = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(300_000, 'x')]);
    const tries = { client, clock: jumpingClock(), log: networkGiven().log };
    const [wanted] = first.artifacts;
    const uploaded = await uploadArtifact(tries, first, {
      filename: 'artifacts.zip',
      open: async () => Readable.from([content.subarray(0, 1000), content.subarray(1000)]),
      type: wanted!.type,
      format: wanted!.format,
      expireIn: wanted!.expireIn,
    });
    expect(uploaded).toMatchObject({ state: 'succeeded' });
    await client.updateJob(first, { state: 'success', info });
    const second = await take(client);
    const [dependency] = second.dependencies;
    expect(dependency).toMatchObject({ id: first.id, artifactsFile: { size: content.length } });
    await client.updateJob(second, { state: 'running', info });
    const sum = createHash('sha256');
    const downloaded = await downloadArtifact(tries, dependency!, {
      directDownload: 'on',
      take: async (body) => {
        for await (const chunk of body) sum.update(chunk as Buffer);
      },
    });
    expect(downloaded.state).toBe('succeeded');
    expect(sum.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
    const atStorage = server.requests.filter(({ route }) => route === 'storage');
    expect(atStorage).toHaveLength(by === 'storage' ? 1 : 0);
    for (const { headers } of atStorage) expect(headers).not.toHaveProperty('job-token');
    expect(server.violations).toEqual([]);
  });
});

it('loses no byte and no result in a storm of faults', async () => {
  const { planFaults } = await import('../../gitlab-server/faults/fault-plan.ts');
  const faults = [
    { kind: 'drop-before' },
    { kind: 'drop-after' },
    { kind: 'status', status: 503 },
    { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    { kind: 'half-response' },
    { kind: 'half-upload' },
    { kind: 'late-answer', ms: 5 },
  ] as const;
  await using server = await startGitlabServer({
    rateLimits: 'off',
    badChecksum: 'reject',
    liveTrace: { persistMs: 0 },
    decideFault: planFaults({ seed: 'storm', rate: 0.3, faults, routes: ['patch-trace', 'update-job'] }),
  });
  const { client } = clientOf({ url: server.url, token: server.addRunner().token });
  const names = Array.from({ length: 8 }, (_, index) => `job ${index}`);
  server.addPipeline({ jobs: names.map((name) => ({ name })) });
  const run = async (): Promise<void> => {
    const job = await take(client);
    const { name } = job.jobInfo;
    for (let tries = 0; tries < 5; tries++) {
      if ((await client.updateJob(job, { state: 'running', info })).state === 'succeeded') break;
    }
    const trace = await traceOf(server, client, job);
    trace.start();
    for (let line = 0; line < 500; line++) await trace.sink.write(Buffer.from(`${name}: line ${line}\n`));
    expect(await trace.finish({ state: 'success' })).toEqual({ kind: 'reported' });
  };
  await Promise.all(names.map(run));
  for (const name of names) {
    const job = server.job(name);
    const wanted = Array.from({ length: 500 }, (_, line) => `${name}: line ${line}\n`).join('');
    expect(Buffer.concat(job.trace).toString()).toBe(wanted);
    expect(job).toMatchObject({ status: 'success', handedOut: 1 });
  }
});
