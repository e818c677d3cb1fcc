import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labelPrefix } from '../../src/executors/docker/labels.ts';
import { labelled, testEngine } from '../executors/support/engine.ts';
import { type OwnEngine, ownEngine, whyNoOwnEngine } from '../executors/support/own-engine.ts';
import { killWithReaper } from '../support/reaper.ts';
import { runCi } from '../support/run-ci.ts';
import { outputOf, startCi, workspacesOf } from '../support/running-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();
const why = engine === undefined ? 'there is no engine with images' : whyNoOwnEngine();
if (why !== undefined) console.error(`!!! TESTS OF CI CLEAN WITH CONTAINERS ARE SKIPPED: ${why}`);
const image = 'ci-test/busybox:latest';

interface Listed {
  readonly kind: string;
  readonly name: string;
  readonly bytes?: number;
  readonly why?: string;
}

describe.skipIf(why !== undefined)('ci clean', { timeout: 60_000 }, () => {
  let own: OwnEngine;

  beforeAll(async () => {
    // Addresses for one network and no more.
    own = await ownEngine(engine!.api, [image], ['--default-address-pool', 'base=10.213.0.0/29,size=29']);
  });
  afterAll(() => own[Symbol.asyncDispose]());

  it('names and removes what a killed run has left, with its size', async () => {
    const services = [{ name: image, alias: 's', command: ['sleep', '1000'] }];
    using project = temporaryProject({
      '.gitlab-ci.yml': JSON.stringify({
        contained: {
          image,
          services,
          script: ['head -c 3000000 /dev/zero > /tmp/x', 'echo now-contained', 'sleep 1000'],
        },
        plain: { script: ['echo now-plain', 'exec sleep 1000'] },
      }),
    });
    const child = startCi(project, ['--isolation', 'overlay', '-j', '2'], { DOCKER_HOST: own.host });
    const output = outputOf(child);
    await Promise.all([output.says('now-contained\\n'), output.says('now-plain\\n')]);
    const ended = once(child, 'exit');
    killWithReaper(child.pid!);
    await ended;
    const given = { cwd: project.root, home: project.home, env: { DOCKER_HOST: own.host } };

    const dry = await runCi(['clean', '--dry-run', '--format', 'json'], given);
    const { items } = JSON.parse(dry.stdout) as { readonly items: readonly Listed[] };
    const ofKind = (kind: string): readonly Listed[] => items.filter((item) => item.kind === kind);
    expect(ofKind('container')).toHaveLength(2);
    expect(Math.max(...ofKind('container').map(({ bytes = 0 }) => bytes))).toBeGreaterThanOrEqual(3_000_000);
    expect(ofKind('network')).toHaveLength(1);
    expect(ofKind('volume').length).toBeGreaterThanOrEqual(1);
    expect(ofKind('process').map((item) => item)).toMatchObject([{ about: 'sleep 1000' }]);
    expect(ofKind('mount')).toHaveLength(1);
    expect(ofKind('directory').map(({ name }) => name)).toEqual(workspacesOf(project));
    expect(await labelled(own.api, { pid: child.pid! })).not.toEqual([]);

    const text = await runCi(['clean'], given);
    expect(text.exitCode, text.stderr).toBe(0);
    for (const { kind, name } of items) expect(text.stdout).toContain(`removed ${kind} ${name}`);
    expect(await labelled(own.api, { pid: child.pid! })).toEqual([]);
    expect(workspacesOf(project)).toEqual([]);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(project.home);
    expect((await runCi(['clean'], given)).stderr).toContain('nothing to remove');
  });

  it('says what it can not remove and why, and ends with 4', async () => {
    using project = temporaryProject({});
    const labels = { managed: 'true', host: 'x', machine: 'y', boot: 'z', namespace: '', pid: '1', started: '1' };
    const dead = await deadLabels(own, project);
    const all = { ...labels, ...dead };
    const Labels = Object.fromEntries(Object.entries(all).map(([name, value]) => [labelPrefix + name, value]));
    const network = await own.api.createNetwork({ Name: 'in-use', Labels });
    const guest = await own.api.createContainer({
      Image: image,
      Cmd: ['sleep', '1000'],
      HostConfig: { NetworkMode: 'in-use' },
    });
    await guest.start();
    const given = { cwd: project.root, home: project.home, env: { DOCKER_HOST: own.host } };
    const result = await runCi(['clean'], given);
    expect(result.exitCode).toBe(4);
    expect(result.stderr).toMatch(/could not remove network in-use .*: .*active endpoints/);
    await guest.remove({ force: true });
    expect((await runCi(['clean'], given)).stdout).toContain('removed network in-use');
    expect(await network.inspect().catch(() => 'gone')).toBe('gone');
  });

  it('is what helps when there are no addresses left for networks', async () => {
    const services = [{ name: image, alias: 's', command: ['sleep', '1000'] }];
    using project = temporaryProject({
      '.gitlab-ci.yml': JSON.stringify({ job: { image, services, script: ['true'] } }),
    });
    const other = await own.api.createNetwork({ Name: 'takes-all' });
    const given = { cwd: project.root, home: project.home, env: { DOCKER_HOST: own.host } };
    const result = await runCi(['run'], given);
    await other.remove();
    expect(result.exitCode, result.stdout).toBe(4);
    expect(result.stdout).toContain("has no addresses left for the job's network");
    expect(result.stdout).toContain('`docker network prune`');
  });
});

describe('ci clean and an engine that can not be asked', () => {
  it('says so where one is named, or there', async () => {
    using project = temporaryProject({});
    const given = { cwd: project.root, home: project.home };
    const host = `unix://${join(project.home, 'none.sock')}`;
    const named = await runCi(['clean'], { ...given, env: { DOCKER_HOST: host } });
    expect(named.exitCode).toBe(4);
    expect(named.stderr).toContain(`containers of killed runs could not be looked for: no container engine answers`);
    expect(named.stderr).toContain(host);
    const socket = join(project.home, '.docker/run/docker.sock');
    mkdirSync(join(socket, '..'), { recursive: true });
    const server = createServer((client) => client.destroy());
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    const there = await runCi(['clean'], { ...given, env: { DOCKER_HOST: `unix://${socket}` } });
    server.close();
    expect(there.exitCode).toBe(4);
    expect(existsSync(join(project.home, 'state/projects'))).toBe(false);
  });
});

/** Labels of a process of this machine that has ended: those of a job that was run and seen at the engine. */
async function deadLabels(
  own: OwnEngine,
  project: { readonly root: string; readonly home: string; write(path: string, text: string): void },
): Promise<Record<string, string>> {
  project.write('.gitlab-ci.yml', JSON.stringify({ job: { image, script: ['true'] } }));
  const events = (await own.api.getEvents({
    filters: { event: ['create'], type: ['container'] },
  } as never)) as unknown as {
    [Symbol.asyncIterator](): AsyncIterator<Buffer>;
    destroy(): void;
  };
  const first = events[Symbol.asyncIterator]().next();
  await runCi(['run'], { ...project, cwd: project.root, env: { DOCKER_HOST: own.host } });
  const event = JSON.parse(String((await first).value)) as { Actor: { Attributes: Record<string, string> } };
  events.destroy();
  const ours = Object.entries(event.Actor.Attributes).filter(([name]) => name.startsWith(labelPrefix));
  return Object.fromEntries(ours.map(([name, value]) => [name.slice(labelPrefix.length), value]));
}
