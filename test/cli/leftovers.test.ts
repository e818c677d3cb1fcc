import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeTree } from '../../src/util/files/remove-tree.ts';
import { labelled, testEngine } from '../executors/support/engine.ts';
import { type GatedProxy, gatedProxy } from '../executors/support/gated-proxy.ts';
import { killWithReaper } from '../support/reaper.ts';
import { runCi } from '../support/run-ci.ts';
import { type Output, outputOf, startCi, workspacesOf } from '../support/running-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();
const socket = engine?.isLocal ? engine.text.replace('unix://', '') : undefined;
const place = mkdtempSync(join(tmpdir(), 'ci-left-'));
/** Says that it listens on a port, and never does. */
const neverReady = `ci-test/never-ready-${process.pid}`;

/** How long after the end of a run something of it may still be there, milliseconds. */
const afterSignalMs = 5000;
const afterKillMs = 10_000;

/** What a run is busy with when it is ended. */
type Phase = 'pull' | 'create' | 'services' | 'script' | 'artifact copy';
const phases: readonly Phase[] = ['pull', 'create', 'services', 'script', 'artifact copy'];
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const isLong = process.env['CI_TEST_LONG'] === '1';
const sleeping = ['echo now-sleeping', 'sleep 1000'];

afterAll(() => removeTree(place));

describe.skipIf(socket === undefined)('what a run leaves that ends early', { timeout: 120_000 }, () => {
  let other: LiveRun;

  beforeAll(async () => {
    const made = await engine!.api.createContainer({ Image: 'ci-test/busybox', Cmd: ['sleep', '1000'] });
    await made.commit({ repo: neverReady, tag: 'latest', changes: 'EXPOSE 81/tcp' });
    await made.remove();
    other = await livingRun();
  });

  afterAll(async () => {
    await other.expectUntouched();
    await other.end();
    await engine!.api.getImage(neverReady).remove({ force: true });
  });

  const short = phases.map((phase, index) => [signals[index % 3]!, phase] as const);
  const all = phases.flatMap((phase) => signals.map((signal) => [signal, phase] as const));
  it.concurrent.each(isLong ? all : short)('%s while it is busy with: %s', async (signal, phase) => {
    await using run = await runTo(phase);
    const ended = once(run.child, 'exit');
    run.child.kill(signal);
    await run.goOn();
    const [exitCode] = await ended;
    expect(exitCode, run.output.text()).toBe(128 + constants.signals[signal]);
    await expectNothing(run, afterSignalMs);
  });

  it.concurrent.each(phases)('kill -9 while it is busy with: %s', async (phase) => {
    await using run = await runTo(phase);
    const ended = once(run.child, 'exit');
    run.child.kill('SIGKILL');
    await ended;
    await run.goOn();
    await expectNothing(run, afterKillMs);
  });

  it.concurrent.each(isLong ? phases.slice(1) : (['create', 'services'] as const))(
    'kill -9 of it and of its reaper while it is busy with: %s',
    async (phase) => {
      await using run = await runTo(phase);
      const ended = once(run.child, 'exit');
      killWithReaper(run.child.pid!);
      await ended;
      await run.goOn();
      expect(await labelled(engine!.api, { pid: run.child.pid! })).not.toEqual([]);
      const job = { image: 'ci-test/busybox:latest', script: ['true'] };
      run.project.write('.gitlab-ci.yml', JSON.stringify({ job }));
      const next = await runCi(['run'], { cwd: run.project.root, home: run.project.home });
      expect(next.exitCode, next.stdout + next.stderr).toBe(0);
      await expectNothing(run, 0);
    },
  );

  it.concurrent('kill -9 while the engine takes long to make something', async () => {
    await using run = await runTo('create');
    const ended = once(run.child, 'exit');
    run.child.kill('SIGKILL');
    await ended;
    // So long that the reaper has found nothing several times.
    await new Promise((resolve) => setTimeout(resolve, 5000));
    await run.goOn();
    await expectNothing(run, 15_000);
  });

  it('a second signal ends it at once and leaves the rest to the reaper', async () => {
    await using run = await runTo('script', ['trap "" TERM', 'echo now-sleeping', 'sleep 1000 & wait']);
    const ended = once(run.child, 'exit');
    run.child.kill('SIGINT');
    // What has not begun is canceled as soon as the first one is heard.
    await run.output.says('"job-finished"');
    const startedAt = Date.now();
    run.child.kill('SIGTERM');
    const [exitCode] = await ended;
    expect(exitCode).toBe(128 + constants.signals.SIGTERM);
    // By itself the script would have ten seconds.
    expect(Date.now() - startedAt).toBeLessThan(5000);
    await expectNothing(run, afterKillMs);
  });
});

interface RunningCi extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly project: TemporaryProject;
  readonly output: Output;
  /** Lets go on what is held; resolves when the engine has done it. */
  goOn(): Promise<void>;
}

/** A run that has come to a phase and stays in it. */
async function runTo(phase: Phase, script = sleeping): Promise<RunningCi> {
  const registry = await stallingRegistry();
  const proxy = await gatedProxy(join(mkdtempSync(join(place, 'p-')), 's'), socket!);
  const reach = reaching(phase, proxy, registry);
  const project = temporaryProject({ '.gitlab-ci.yml': pipelineFor(phase, registry.host, script) });
  const child = startCi(project, ['--isolation', 'copy'], { DOCKER_HOST: proxy.host });
  const output = outputOf(child);
  const goOn = await reach(output);
  return {
    child,
    project,
    output,
    goOn,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await proxy[Symbol.asyncDispose]();
      registry.close();
      project[Symbol.dispose]();
    },
  };
}

function pipelineFor(phase: Phase, registry: string, script: readonly string[]): string {
  const serviceImage = phase === 'services' ? `${neverReady}:latest` : 'ci-test/busybox:latest';
  const job = {
    image: phase === 'pull' ? `${registry}/stall/image:1` : 'ci-test/busybox:latest',
    services: [{ name: serviceImage, alias: 's', command: ['sleep', '1000'] }],
    script: phase === 'artifact copy' ? ['mkdir big; echo x > big/file'] : script,
    artifacts: { paths: ['big/'] },
  };
  return JSON.stringify({ job, later: { ...job, needs: ['job'] } });
}

/** @returns waits until the phase is reached, and gives what lets it go on. */
function reaching(phase: Phase, proxy: GatedProxy, registry: StallingRegistry) {
  const calls: Readonly<Record<string, readonly [RegExp, 'request' | 'answer']>> = {
    create: [/^POST \/containers\/create/, 'request'],
    // It is looked at again and again until it takes connections.
    services: [/^GET \/containers\/[^/]+\/json/, 'answer'],
    'artifact copy': [/^GET \/containers\/[^/]+\/archive\?.*big/, 'answer'],
  };
  const gate = calls[phase] && proxy.gate(...calls[phase]);
  return async (output: Output): Promise<() => Promise<void>> => {
    const failed = output.ended.then(() => Promise.reject(new Error(`it ended too early:\n${output.text()}`)));
    if (phase === 'pull') await Promise.race([registry.asked, failed]);
    if (phase === 'script') await output.says('now-sleeping\\n');
    if (gate !== undefined) await Promise.race([gate.reached, failed]);
    failed.catch(() => {});
    // A copy stays where it is: it has to be given up.
    return phase === 'create' || phase === 'services' ? gate!.open : async () => {};
  };
}

/** Waits until nothing at the engine and no job directory is left of a run. */
async function expectNothing({ child, project }: RunningCi, withinMs: number): Promise<void> {
  const until = Date.now() + withinMs;
  for (;;) {
    const left = [...(await labelled(engine!.api, { pid: child.pid! })), ...workspacesOf(project)];
    if (left.length === 0) return;
    if (Date.now() > until) expect(left).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface LiveRun {
  expectUntouched(): Promise<void>;
  end(): Promise<void>;
}

/** Another process with a job of its own, which all that is tested here has to leave alone. */
async function livingRun(): Promise<LiveRun> {
  const services = [{ name: 'ci-test/busybox:latest', alias: 's', command: ['sleep', '1000'] }];
  const job = { image: 'ci-test/busybox:latest', services, script: sleeping };
  const project = temporaryProject({ '.gitlab-ci.yml': JSON.stringify({ job }) });
  const child = startCi(project, [], {});
  await outputOf(child).says('now-sleeping\\n');
  const before = await labelled(engine!.api, { pid: child.pid! });
  return {
    expectUntouched: async () => {
      expect(before.length).toBeGreaterThanOrEqual(3);
      expect(await labelled(engine!.api, { pid: child.pid! })).toEqual(before);
      expect(child.exitCode).toBeNull();
    },
    end: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      await ended;
      expect(await labelled(engine!.api, { pid: child.pid! })).toEqual([]);
      project[Symbol.dispose]();
    },
  };
}

interface StallingRegistry {
  readonly host: string;
  /** Resolves when somebody has asked for something. */
  readonly asked: Promise<void>;
  close(): void;
}

/** A registry that takes every question and never answers. */
async function stallingRegistry(): Promise<StallingRegistry> {
  const server = createServer();
  const asked = once(server, 'request').then(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
