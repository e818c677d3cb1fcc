import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDockerExecutor } from '../../src/executors/docker/docker-executor.ts';
import { removeObject } from '../../src/executors/docker/removal.ts';
import type { Executor, Session } from '../../src/executors/executor.ts';
import { SystemError } from '../../src/model/outcome.ts';
import { removeTree } from '../../src/util/files/remove-tree.ts';
import { collect, jobSpec, never, run } from './contract.ts';
import { labelled, testEngine } from './support/engine.ts';
import { type EngineProxy, engineProxy } from './support/engine-proxy.ts';

const engine = await testEngine();
const socket = engine?.isLocal ? engine.text.replace('unix://', '') : undefined;
const runId = `dying-${process.pid}`;
const place = mkdtempSync(join(tmpdir(), 'ci-dying-'));
const job = jobSpec({
  runId,
  executor: 'docker',
  image: { name: 'ci-test/debian', span: { file: '.ci.yml', start: 0, end: 0 } },
});

describe.skipIf(socket === undefined)('an engine that ends in the middle', () => {
  let proxy: EngineProxy;
  let executor: Executor;
  let count = 0;
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => {
    unhandled.push(reason);
  };

  beforeEach(async () => {
    proxy = await engineProxy(join(place, `${++count}.sock`), socket!);
    const location = { home: place, host: `unix://${proxy.path}` };
    executor = createDockerExecutor({ engine: location, pull: 'never', graceMs: 200, closeTimeoutMs: 5000 });
    process.on('unhandledRejection', note);
  });

  afterEach(async () => {
    await executor.close();
    proxy.cut();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
    for (const name of await labelled(engine!.api, runId))
      await removeObject(engine!, 'container', name.replace('container /', ''));
  });

  afterAll(() => removeTree(place));

  async function expectFailure(doing: Promise<unknown>): Promise<void> {
    const error = await doing.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(SystemError);
    expect((error as SystemError).reason).toBe('runner_system_failure');
    expect((error as SystemError).message).toContain(proxy.path);
  }

  it('while a command runs', async () => {
    const session = await executor.open(job, collect(), never);
    const stdout = collect();
    const running = session.run({ script: 'echo ready; sleep 100', env: {}, stdout, stderr: collect() }, never);
    await stdout.says('ready');
    proxy.cut();
    await expectFailure(running);
    await session[Symbol.asyncDispose]();
  });

  it('while a command runs beside one in the background', async () => {
    const session = await executor.open(job, collect(), never);
    const stdout = collect();
    const io = { env: {}, stdout, stderr: collect() };
    await session.run({ script: 'sleep 1000', ...io, background: true }, never);
    const running = session.run({ script: 'echo ready; sleep 100', ...io }, never);
    await stdout.says('ready');
    proxy.cut();
    await expectFailure(running);
    await session[Symbol.asyncDispose]();
  });

  it('while a command is ended', async () => {
    const session = await executor.open(job, collect(), never);
    const stdout = collect();
    const cancel = new AbortController();
    const script = "(trap '' TERM; echo ready; sleep 100)";
    const running = session.run({ script, env: {}, stdout, stderr: collect() }, cancel.signal);
    await stdout.says('ready');
    cancel.abort();
    proxy.cut();
    await expectFailure(running);
    await session[Symbol.asyncDispose]();
  });

  it('before a command, a file and another job', async () => {
    const session: Session = await executor.open(job, collect(), never);
    proxy.cut();
    await expectFailure(run(session, 'echo no'));
    await expectFailure(session.files.write('file', Buffer.from('x'), 0o644));
    await expectFailure(session.files.read('file', 10));
    const into = mkdtempSync(join(place, 'into-'));
    await expectFailure(session.files.get({ paths: ['a'], exclude: [], untracked: false }, into, never));
    await expectFailure(executor.open(job, collect(), never));
    await session[Symbol.asyncDispose]();
  });

  it('while files are put', async () => {
    const session = await executor.open(job, collect(), never);
    const tree = mkdtempSync(join(place, 'tree-'));
    for (let index = 0; index < 20; index++) writeFileSync(join(tree, `file${index}`), Buffer.alloc(4 << 20));
    const putting = session.files.put({ root: tree, immutable: true }, '.', never);
    setTimeout(() => proxy.cut(), 10);
    await expectFailure(putting);
    await session[Symbol.asyncDispose]();
  });
});
