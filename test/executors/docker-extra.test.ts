import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { jobContainerOptions } from '../../src/executors/docker/container-config.ts';
import { createDockerExecutor, type DockerExecutorOptions } from '../../src/executors/docker/docker-executor.ts';
import { labelPrefix, labelsFor } from '../../src/executors/docker/labels.ts';
import { listLeftovers, sweepLeftovers } from '../../src/executors/docker/leftovers.ts';
import { serviceAliases } from '../../src/executors/docker/service-names.ts';
import type { Executor } from '../../src/executors/executor.ts';
import type { JobSpec } from '../../src/model/job-spec.ts';
import { SystemError } from '../../src/model/outcome.ts';
import type { Service } from '../../src/model/pipeline.ts';
import { removeTree } from '../../src/util/files/remove-tree.ts';
import { runCommand } from '../../src/util/process-command.ts';
import { collect, jobSpec, never, run } from './contract.ts';
import { engineLocation, labelled, testEngine } from './support/engine.ts';

const engine = await testEngine();
const runId = `extra-${process.pid}`;
const span = { file: '.ci.yml', start: 0, end: 0 };
const image = { name: 'ci-test/debian', span };
const place = mkdtempSync(join(tmpdir(), 'ci-docker-'));
const executors: Executor[] = [];

function make(over: Partial<DockerExecutorOptions> = {}): Executor {
  const executor = createDockerExecutor({ engine: engineLocation, pull: 'never', graceMs: 500, ...over });
  executors.push(executor);
  return executor;
}

const job = (over: Partial<JobSpec> = {}): JobSpec => jobSpec({ runId, executor: 'docker', image, ...over });

function service(over: Partial<Service>): Service {
  return { name: 'ci-test/busybox', span, aliases: [], variables: [], ...over };
}

async function failure(opening: Promise<unknown>): Promise<SystemError> {
  const error = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SystemError);
  return error as SystemError;
}

afterAll(() => removeTree(place));

describe.skipIf(engine === undefined)('docker', () => {
  afterAll(async () => {
    await Promise.all(executors.map((executor) => executor.close()));
    expect(await labelled(engine!.api, runId)).toEqual([]);
  });

  it('shows no variable of a job to whoever inspects its container, and labels it', async () => {
    await using session = await make().open(
      job({ variables: [{ name: 'TOKEN', value: 'canary-5711' }] }),
      collect(),
      never,
    );
    const stdout = collect();
    const cancel = new AbortController();
    const running = session.run(
      { script: 'echo "$TOKEN"; sleep 100', env: { TOKEN: 'canary-5711' }, stdout, stderr: collect() },
      cancel.signal,
    );
    await stdout.says('canary-5711');
    const [name] = (await labelled(engine!.api, runId)).map((text) => text.replace('container /', ''));
    const inspected = await engine!.api.getContainer(name!).inspect();
    expect(JSON.stringify(inspected)).not.toContain('canary-5711');
    expect(inspected.Config.Labels).toMatchObject({
      [`${labelPrefix}managed`]: 'true',
      [`${labelPrefix}run`]: runId,
      [`${labelPrefix}job`]: 'job',
      [`${labelPrefix}pid`]: String(process.pid),
    });
    cancel.abort();
    await running;
  });

  it('starts services on a network of the job, reachable by all their names', async () => {
    const services = [
      service({
        aliases: ['web'],
        command: ['sh', '-c', 'mkdir /www; echo "hello $WHO" > /www/index.html; exec httpd -f -p 80 -h /www'],
        variables: [{ name: 'WHO', value: 'friend', span }],
      }),
    ];
    const log = collect();
    await using session = await make().open(
      job({ services, image: { ...image, name: 'ci-test/busybox' } }),
      log,
      never,
    );
    const names = ['web', 'ci-test-busybox', 'ci-test__busybox'];
    const script = names.map(
      (name) => `for i in 1 2 3 4 5 6 7 8 9; do wget -qO- http://${name}/ && break; sleep 0.2; done`,
    );
    expect((await run(session, script.join('\n'))).stdout.toString()).toBe('hello friend\n'.repeat(3));
    expect((await labelled(engine!.api, runId)).filter((name) => name.startsWith('network'))).toHaveLength(1);
  });

  it('keeps the services of two jobs apart, and gives them no masked variable', async () => {
    const answer = 'exec httpd -f -p 80 -h /www';
    const serve = (text: string): readonly Service[] => [
      service({
        aliases: ['db'],
        command: ['sh', '-c', `mkdir /www; echo "${text} [$OPEN] [$SECRET]" > /www/index.html; ${answer}`],
      }),
    ];
    const variables = [
      { name: 'OPEN', value: 'shown' },
      { name: 'SECRET', value: 'canary-42', masked: true },
    ];
    const executor = make();
    const over = { variables, image: { ...image, name: 'ci-test/busybox' } };
    await using one = await executor.open(job({ ...over, id: 'one', services: serve('one') }), collect(), never);
    await using two = await executor.open(job({ ...over, id: 'two', services: serve('two') }), collect(), never);
    const script = 'for i in 1 2 3 4 5 6 7 8 9; do wget -qO- http://db/ && break; sleep 0.2; done';
    expect((await run(one, script)).stdout.toString()).toBe('one [shown] []\n');
    expect((await run(two, script)).stdout.toString()).toBe('two [shown] []\n');
  });

  it('warns about a service that does not come up, with its log, and goes on', async () => {
    const broken = 'ci-test/with-port:latest';
    const made = await engine!.api.createContainer({ Image: 'ci-test/busybox', Cmd: ['true'] });
    await made.commit({ repo: 'ci-test/with-port', tag: 'latest', changes: 'EXPOSE 81/tcp' });
    await made.remove();
    const log = collect();
    const services = [
      service({ name: broken, command: ['sh', '-c', 'echo can not start >&2; exit 3'] }),
      service({ name: broken, aliases: ['slow'], command: ['sleep', '1000'] }),
    ];
    await using session = await make({ containers: { serviceTimeoutMs: 300 } }).open(job({ services }), log, never);
    expect(log.text()).toContain(`Service ${broken} probably didn't start properly: it ended with exit code 3.`);
    expect(log.text()).toContain('can not start');
    expect(log.text()).toContain('port 81 takes no connections after 0.3 s');
    expect((await run(session, 'echo on')).stdout.toString()).toBe('on\n');
    await engine!.api.getImage(broken).remove({ force: true });
  });

  it('tells killed for lack of memory from killed', async () => {
    const containers = { memoryBytes: 32 << 20 };
    await using session = await make({ containers }).open(job(), collect(), never);
    expect((await run(session, 'head -c 256m /dev/zero | tail >/dev/null; exit $?')).exit).toEqual({
      kind: 'out-of-memory',
      code: 137,
      limitBytes: 32 << 20,
    });
  });

  it('says what an image lacks: a shell', async () => {
    const made = await engine!.api.createContainer({ Image: 'ci-test/busybox', Cmd: ['true'] });
    await made.commit({ repo: 'ci-test/no-path', tag: 'latest', changes: 'ENV PATH=/nothing' });
    await made.remove();
    await using session = await make().open(job({ image: { ...image, name: 'ci-test/no-path' } }), collect(), never);
    const error = await failure(run(session, 'echo no'));
    expect(error.message).toContain('image `ci-test/no-path:latest` has no `sh`');
    await engine!.api.getImage('ci-test/no-path').remove({ force: true });
  });

  it('tells of an image that can not be had, once with each policy', async () => {
    const named = { ...image, name: 'ci-test/no-such-image:1' };
    const error = await failure(make().open(job({ image: named }), collect(), never));
    expect(error.reason).toBe('image_pull_failure');
    expect(error.message).toMatch(/ci-test\/no-such-image:1.*never: the engine does not have it/);
    const log = collect();
    const unreachable = {
      ...image,
      name: 'localhost:1/no-such-image',
      pullPolicy: ['never', 'if-not-present'] as const,
    };
    const pulling = make({ pullRetryDelayMs: 1 }).open(job({ image: unreachable }), log, never);
    expect((await failure(pulling)).message).toMatch(/never: .*; if-not-present: .*connection refused/);
    expect(log.text()).toContain('Pulling docker image localhost:1/no-such-image:latest ...');
  });

  it('removes what it has made when a job is given up while it is opened', async () => {
    const given = new AbortController();
    const log = collect();
    const executor = make();
    const services = [service({ name: 'ci-test/busybox', command: ['sleep', '1000'] })];
    const opening = executor.open(
      job({ services }),
      {
        write: async (bytes) => {
          await log.write(bytes);
          if (log.text().includes('Starting service')) given.abort(new Error('given up'));
        },
      },
      given.signal,
    );
    await expect(opening).rejects.toThrow('given up');
    await executor.close();
    expect(await labelled(engine!.api, runId)).toEqual([]);
  });

  it('lets git in the job read the objects of a repository outside, and not write them', async () => {
    const git = async (directory: string, ...args: string[]): Promise<string> => {
      const env = { PATH: process.env.PATH ?? '', HOME: place, GIT_CONFIG_NOSYSTEM: '1' };
      const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b.c'];
      const { stdout, stderr, code } = await runCommand(['git', ...identity, ...args], { directory, env });
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
      return stdout.trim();
    };
    const outside = join(place, 'outside');
    const tree = join(place, 'tree');
    await git(place, 'init', '-q', '-b', 'main', outside);
    writeFileSync(join(outside, 'file'), 'content');
    await git(outside, 'add', 'file');
    await git(outside, 'commit', '-q', '-m', 'first words');
    await git(place, 'clone', '-q', '--shared', outside, tree);
    const source = { kind: 'snapshot', tree: { root: tree, immutable: true } } as const;
    await using session = await make().open(job({ source }), collect(), never);
    await session.files.put(source.tree, '.', never);
    const ran = await run(
      session,
      `git log --format=%s; git status --short; touch ${outside}/.git/objects/x || echo refused`,
    );
    expect(ran.stdout.toString()).toBe('first words\nrefused\n');
    const into = mkdtempSync(join(place, 'into-'));
    await run(session, 'echo new > new; echo "ignored" > .gitignore; mkdir -p sub; echo i > sub/ignored');
    const taken = await session.files.get({ paths: [], exclude: [], untracked: true }, into, never);
    expect(taken.entries.map(({ path }) => path).sort()).toEqual(['.gitignore', 'new', 'sub/ignored']);
  });

  it('sweeps what runs that died left, and nothing else', async () => {
    const dead = { [`${labelPrefix}started`]: '1', [`${labelPrefix}run`]: `${runId}-dead` };
    const options = (name: string, labels: Record<string, string>) =>
      jobContainerOptions({ name, image, directory: '/builds/a/b', labels, options: {}, network: {} });
    const ours = labelsFor(job(), 'build');
    expect(ours[`${labelPrefix}host`]).toBe(hostname());
    const gone = await engine!.api.createContainer(options(`ci-dead-${process.pid}`, { ...ours, ...dead }));
    const network = await engine!.api.createNetwork({ Name: `ci-dead-${process.pid}`, Labels: { ...ours, ...dead } });
    const alive = await engine!.api.createContainer(options(`ci-alive-${process.pid}`, ours));
    // The machine was called otherwise then; and another one.
    const renamed = { ...ours, ...dead, [`${labelPrefix}host`]: 'another-name' };
    const before = await engine!.api.createContainer(options(`ci-renamed-${process.pid}`, renamed));
    const far = { ...renamed, [`${labelPrefix}machine`]: 'another-machine' };
    const foreign = await engine!.api.createContainer(options(`ci-foreign-${process.pid}`, far));
    try {
      // Other tests at this engine may leave something too.
      const ofDead = ({ run }: { readonly run: string }): boolean => run === `${runId}-dead`;
      const found = (await listLeftovers(engine!)).filter(ofDead);
      expect(found.map(({ id }) => id).sort()).toEqual([gone.id, before.id, network.id].sort());
      expect((await sweepLeftovers(engine!)).removed.filter(ofDead)).toHaveLength(3);
      expect((await listLeftovers(engine!)).filter(ofDead)).toEqual([]);
      expect(await labelled(engine!.api, runId)).toEqual([`container /ci-alive-${process.pid}`]);
    } finally {
      await alive.remove({ force: true });
      await foreign.remove({ force: true });
    }
  });
});

describe('docker without a working engine', () => {
  it('names everything that was tried', async () => {
    const home = join(place, 'nobody');
    const missing = make({ engine: { home, host: `unix://${place}/none.sock` } });
    const error = await failure(missing.open(job(), collect(), never));
    expect(error.message).toContain(`unix://${place}/none.sock (DOCKER_HOST): not there`);
    expect(error.hint).toContain('-e shell');
    const context = make({ engine: { home, context: 'no-such-context' } });
    expect((await failure(context.open(job(), collect(), never))).message).toContain('no-such-context');
    const nonsense = make({ engine: { home, host: 'gopher://x' } });
    expect((await failure(nonsense.open(job(), collect(), never))).message).toContain('gopher');
  });

  it('says so when the engine hangs up', async () => {
    const path = join(place, 'broken.sock');
    const server = createServer((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK'),
    );
    await new Promise<void>((resolve) => server.listen(path, resolve));
    try {
      const error = await failure(
        make({ engine: { home: place, host: `unix://${path}` } }).open(job(), collect(), never),
      );
      expect(error.message).toContain(path);
    } finally {
      server.close();
    }
  });

  it('names services as GitLab does', () => {
    expect(serviceAliases(service({ name: 'postgres:16' }))).toEqual(['postgres']);
    expect(
      serviceAliases(service({ name: 'registry.example.com:5000/group/name:1@sha256:0', aliases: ['db'] })),
    ).toEqual(['registry.example.com__group__name', 'registry.example.com-group-name', 'db']);
  });
});
