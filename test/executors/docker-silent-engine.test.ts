import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDockerExecutor } from '../../src/executors/docker/docker-executor.ts';
import type { Executor, Session } from '../../src/executors/executor.ts';
import { removeTree } from '../../src/util/files/remove-tree.ts';
import { collect, jobSpec, never, run } from './contract.ts';
import { labelled, testEngine } from './support/engine.ts';
import { type GatedProxy, gatedProxy } from './support/gated-proxy.ts';

const engine = await testEngine();
const socket = engine?.isLocal ? engine.text.replace('unix://', '') : undefined;
const place = mkdtempSync(join(tmpdir(), 'ci-silent-'));
const span = { file: '.ci.yml', start: 0, end: 0 };

describe.skipIf(socket === undefined)('an engine that swallows an answer while a job has to end', () => {
  let proxy: GatedProxy;
  let executor: Executor;
  let count = 0;
  let isLeft: boolean;
  let job: ReturnType<typeof jobSpec>;

  beforeEach(async () => {
    isLeft = false;
    proxy = await gatedProxy(join(place, `${++count}.sock`), socket!);
    const location = { home: place, host: proxy.host };
    job = jobSpec({
      runId: `silent-${process.pid}-${count}`,
      executor: 'docker',
      image: { name: 'ci-test/debian', span },
    });
    executor = createDockerExecutor({
      ...{ engine: location, pull: 'never', graceMs: 200, closeTimeoutMs: 5000 },
      onLeft: () => {
        isLeft = true;
      },
    });
  });

  afterEach(async () => {
    await executor.close();
    await proxy[Symbol.asyncDispose]();
    expect(await labelled(engine!.api, job.runId)).toEqual([]);
  });

  afterAll(() => removeTree(place));

  /** Begins something, cancels it when it waits for an answer that never comes, and waits for its end. */
  async function cancelAt(call: RegExp, begin: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
    const gate = proxy.gate(call, 'answer');
    const cancel = new AbortController();
    const ended = begin(cancel.signal).then(
      (exit) => exit,
      (error: unknown) => error,
    );
    await gate.reached;
    cancel.abort();
    return ended;
  }

  const command = (session: Session, background: boolean) => (signal: AbortSignal) =>
    session.run({ script: 'sleep 1000', env: {}, stdout: collect(), stderr: collect(), background }, signal);

  it.each([
    ['joining input and output', /^POST \/containers\/[^/]+\/attach/],
    ['the wait for the end', /^POST \/containers\/[^/]+\/wait/],
    ['the start', /^POST \/containers\/[^/]+\/start/],
  ])('of a command: %s', async (_, call) => {
    await using session = await executor.open(job, collect(), never);
    const error = await cancelAt(call, command(session, false));
    expect(String(error)).toContain(`${proxy.host}: no answer within 0.2 s, and the job has to end`);
    // Like after_script: the engine is not asked once more.
    await expect(run(session, 'echo no')).rejects.toBe(error);
    await session[Symbol.asyncDispose]();
    await executor.close();
    // It may do it later.
    expect(isLeft).toBe(true);
  });

  it.each([
    ['the events', /^GET \/events/],
    ['the start', /^POST \/containers\/[^/]+\/start/],
    ['the making', /^POST \/containers\/[^/]+\/exec/],
    ['joining input and output', /^POST \/exec\/[^/]+\/start/],
  ])('of a command in the background: %s', async (_, call) => {
    await using session = await executor.open(job, collect(), never);
    expect(String(await cancelAt(call, command(session, true)))).toContain('the job has to end');
  });

  it.each([
    ['the making', /^POST \/containers\/[^/]+\/exec/],
    ['joining input and output', /^POST \/exec\/[^/]+\/start/],
  ])('of a visit: %s', async (_, call) => {
    await using session = await executor.open(job, collect(), never);
    const by = { kind: 'streams', input: () => new PassThrough(), stdout: collect(), stderr: collect() } as const;
    const visit = (signal: AbortSignal) => session.enter!({ command: 'sleep 1000', env: {}, by }, signal);
    expect(String(await cancelAt(call, visit))).toContain('the job has to end');
  });

  it('of a preparation', async () => {
    const open = (signal: AbortSignal) => executor.open(job, collect(), signal);
    expect(await cancelAt(/^POST \/containers\/create/, open)).toMatchObject({ name: 'AbortError' });
    await executor.close();
    expect(isLeft).toBe(true);
    // Here nobody but us is left to remove what was made.
    for (const name of await labelled(engine!.api, job.runId))
      await engine!.api.getContainer(name.replace('container /', '')).remove({ force: true });
  });

  it('and answers late: what it has made is removed', async () => {
    const gate = proxy.gate(/^POST \/containers\/create/, 'answer');
    const cancel = new AbortController();
    const opening = executor.open(job, collect(), cancel.signal);
    await gate.reached;
    cancel.abort();
    await expect(opening).rejects.toMatchObject({ name: 'AbortError' });
    await gate.open();
    await expect.poll(() => labelled(engine!.api, job.runId), { timeout: 10_000 }).toEqual([]);
  });
});
