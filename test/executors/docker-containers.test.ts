import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ContainerOptions } from '../../src/executors/docker/container-options.ts';
import { createDockerExecutor } from '../../src/executors/docker/docker-executor.ts';
import { greetingFilter } from '../../src/executors/docker/greeting.ts';
import type { Executor, Session } from '../../src/executors/executor.ts';
import type { JobSpec } from '../../src/model/job-spec.ts';
import { SystemError } from '../../src/model/outcome.ts';
import { removeTree } from '../../src/util/files/remove-tree.ts';
import { collect, jobSpec, never, run } from './contract.ts';
import { derivedImage } from './support/derived-image.ts';
import { engineLocation, labelled, testEngine } from './support/engine.ts';

const engine = await testEngine();
const runId = `containers-${process.pid}`;
const span = { file: '.ci.yml', start: 0, end: 0 };
const image = { name: 'ci-test/busybox', span };
const place = mkdtempSync(join(tmpdir(), 'ci-containers-'));
const executors: Executor[] = [];

/** Opens a job; files go by way of the engine unless a directory for layers is given. */
function open(containers: ContainerOptions, over: Partial<JobSpec> = {}, layersDirectory?: string): Promise<Session> {
  const executor = createDockerExecutor({
    engine: engineLocation,
    pull: 'never',
    graceMs: 500,
    containers,
    ...(layersDirectory === undefined ? {} : { layersDirectory }),
  });
  executors.push(executor);
  return executor.open(jobSpec({ runId, executor: 'docker', image, ...over }), collect(), never);
}

async function output(session: Session, script: string, env: Record<string, string> = {}): Promise<string> {
  const { exit, stdout, stderr } = await run(session, script, { env });
  expect({ exit, stderr: stderr.toString() }).toEqual({ exit: { kind: 'code', code: 0 }, stderr: '' });
  return stdout.toString();
}

async function failure(doing: Promise<unknown>): Promise<SystemError> {
  const error = await doing.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SystemError);
  return error as SystemError;
}

afterAll(() => removeTree(place));

describe.skipIf(engine === undefined)('containers', () => {
  afterAll(async () => {
    await Promise.all(executors.map((executor) => executor.close()));
    expect(await labelled(engine!.api, runId)).toEqual([]);
  });

  it('get what the options say', async () => {
    const shared = join(place, 'shared');
    mkdirSync(shared);
    writeFileSync(join(shared, 'file'), 'of the host');
    const named = `ci-test-${process.pid}`;
    await using session = await open({
      memoryBytes: 64 << 20,
      memoryReservationBytes: 32 << 20,
      cpus: 0.5,
      cpuShares: 512,
      pidsLimit: 50,
      shmBytes: 8 << 20,
      ulimits: [{ name: 'nofile', soft: 100, hard: 200 }],
      devices: [{ onHost: '/dev/null', inContainer: '/dev/nothing', permissions: 'rw' }],
      extraHosts: ['somewhere:10.1.2.3'],
      dns: ['10.9.9.9'],
      dnsSearch: ['example.test'],
      capDrop: ['CHOWN'],
      capAdd: ['SYS_PTRACE'],
      sysctls: { 'net.ipv4.ip_default_ttl': '42' },
      tmpfs: { '/scratch': 'size=1m' },
      volumes: [
        { kind: 'host', source: shared, target: '/shared', mode: 'ro' },
        { kind: 'named', source: named, target: '/named' },
        { kind: 'own', target: '/own' },
      ],
    });
    const script = [
      'ulimit -n; ulimit -Hn',
      "df -m /dev/shm /scratch | awk 'NR > 1 { print $2 }'",
      'grep somewhere /etc/hosts | tr "\\t" " "; grep -e nameserver -e search /etc/resolv.conf',
      'cat /proc/sys/net/ipv4/ip_default_ttl /shared/file; echo',
      'touch /shared/no 2>/dev/null || echo read-only',
      'echo x > /dev/nothing; touch /own/yes /named/yes; ls /own /named',
      'touch f; chown 1:1 f 2>/dev/null || echo no chown',
    ];
    expect((await output(session, script.join('\n'))).split('\n')).toEqual([
      ...['100', '200', '8', '1', '10.1.2.3 somewhere', 'search example.test', 'nameserver 10.9.9.9'],
      ...['42', 'of the host', 'read-only', '/named:', 'yes', '', '/own:', 'yes', 'no chown', ''],
    ]);
    const filters = { label: [`dev.pipewright.run=${runId}`] };
    const [container] = await engine!.api.listContainers({ all: true, filters });
    const { HostConfig } = await engine!.api.getContainer(container!.Id).inspect();
    expect(HostConfig).toMatchObject({
      ...{ Memory: 64 << 20, MemorySwap: 64 << 20, MemoryReservation: 32 << 20, NanoCpus: 5e8, CpuShares: 512 },
      ...{ PidsLimit: 50, Privileged: false, CapAdd: ['SYS_PTRACE'], CapDrop: ['CHOWN'] },
    });
    // A named volume is the user's and stays; what the job had for itself goes.
    await session[Symbol.asyncDispose]();
    await Promise.all(executors.map((executor) => executor.close()));
    expect(await labelled(engine!.api, runId)).toEqual([]);
    await engine!.api.getVolume(named).remove();
  });

  it('can be privileged, hardened, and have the socket of the engine', async () => {
    const status = "grep -e CapEff -e NoNewPrivs /proc/self/status | tr -d '\\t'";
    await using usual = await open({});
    await using socket = await open({ mountSocket: true });
    await using hardened = await open({ hardened: true, capDrop: ['KILL'] });
    expect(await output(usual, `${status}; test -e /var/run/docker.sock || echo no socket`)).toBe(
      'CapEff:00000000a80425fb\nNoNewPrivs:0\nno socket\n',
    );
    expect(await output(socket, 'test -S /var/run/docker.sock && echo socket')).toBe('socket\n');
    // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETGID, SETUID.
    expect(await output(hardened, status)).toBe('CapEff:00000000000000db\nNoNewPrivs:1\n');
    // Only looked at: an engine that runs in a container itself may not start such a one.
    await using _privileged = await open({ privileged: true }, { id: 'privileged' });
    const filters = { label: [`dev.pipewright.run=${runId}`, 'dev.pipewright.job=privileged'] };
    const [container] = await engine!.api.listContainers({ all: true, filters });
    expect((await engine!.api.getContainer(container!.Id).inspect()).HostConfig.Privileged).toBe(true);
  });

  it('have the network that the options name', async () => {
    const interfaces = "sed -n 's/^ *\\([^:]*\\):.*/\\1/p' /proc/net/dev | sort | tr '\\n' ' '";
    await using none = await open({ network: 'none' });
    await using host = await open({ network: 'host' });
    expect(await output(none, interfaces)).toBe('lo ');
    const here = readFileSync('/proc/net/dev', 'utf8').match(/docker0/);
    expect((await output(host, interfaces)).match(/docker0/)?.[0]).toBe(here?.[0]);
  });

  it.each(['root', 'app'])('can be read-only, for %s', async (user) => {
    const tree = join(place, `tree-${user}`);
    mkdirSync(tree);
    writeFileSync(join(tree, 'source'), 'text');
    await using session = await open({ readOnly: true, user }, {}, join(place, `layers-${user}`));
    await session.files.put({ root: tree, immutable: true }, '.', never);
    await session.files.write(`${session.temporaryDirectory}/VARIABLE`, Buffer.from('value'), 0o600);
    const script = [
      'cat source "$VARIABLE"; echo; pwd; echo made > made; echo x > /tmp/x && echo tmp',
      'echo x 2>/dev/null > /etc/x || echo read-only',
    ];
    const env = { VARIABLE: `${session.temporaryDirectory}/VARIABLE` };
    const ran = await run(session, script.join('\n'), { env });
    expect(ran.stdout.toString()).toBe(`textvalue\n${session.directory}\ntmp\nread-only\n`);
    const into = mkdtempSync(join(place, 'into-'));
    await session.files.get({ paths: ['made'], exclude: [], untracked: false }, into, never);
    expect(readFileSync(join(into, 'made'), 'utf8')).toBe('made\n');
    const elsewhere = session.files.write('/etc/file', Buffer.from(''), 0o600);
    expect((await failure(elsewhere)).message).toContain("can't be written to");
  });

  it('run scripts as the image, the file or the settings say', async () => {
    await using made = await derivedImage(engine!, ['USER app', 'WORKDIR /somewhere/else']);
    const own = { image: { ...image, name: made.name } };
    const who = 'id -u; echo $HOME; touch here ~/there; pwd; stat -c %u .';
    await using asImage = await open({}, own);
    await using asFile = await open({}, { image: { ...own.image, user: '0' } });
    await using asSettings = await open({ user: '1234:5' }, { image: { ...own.image, user: '0' } });
    expect(await output(asImage, who)).toBe('1000\n/home/app\n/builds/group/project\n1000\n');
    expect(await output(asFile, who)).toBe('0\n/root\n/builds/group/project\n0\n');
    expect(await output(asSettings, 'id -u; id -g; touch here; stat -c %u:%g .')).toBe('1234\n5\n1234:5\n');
    const into = mkdtempSync(join(place, 'into-'));
    await asImage.files.get({ paths: ['here'], exclude: [], untracked: false }, into, never);
    expect(statSync(join(into, 'here')).uid).toBe(process.getuid?.());
  });

  it('let an entrypoint set things up and say what it likes', async () => {
    const program =
      '#!/bin/sh\nprintf "no line feed"; echo " but then one"; echo error >&2; export SET=up; exec "$@"\n';
    await using made = await derivedImage(engine!, ['ENTRYPOINT ["/entry", "env"]'], { '/entry': program });
    await using session = await open({}, { image: { ...image, name: made.name } });
    for (const round of ['one', 'two']) {
      const ran = await run(session, `echo $SET ${round}`);
      expect([ran.stdout.toString(), ran.stderr.toString()]).toEqual([
        `no line feed but then one\nup ${round}\n`,
        'error\n',
      ]);
    }
    await using background = await open({}, { image: { ...image, name: made.name } });
    await run(background, 'echo beside; exec sleep 100', { background: true });
    expect((await run(background, 'echo in front')).stdout.toString()).toBe('in front\n');
  });

  it.each([
    ['ends at once', 'ENTRYPOINT ["echo", "usage: program"]', 0],
    ['fails', 'ENTRYPOINT ["/bin/sh", "-c", "exit 3"]', 3],
    ['reads the script itself', 'ENTRYPOINT ["/entry"]', 0],
  ])('tell of an entrypoint that %s', async (_, change, code) => {
    await using made = await derivedImage(engine!, [change], { '/entry': '#!/bin/sh\ncat >/dev/null; exec "$@"\n' });
    const named = { ...image, name: made.name };
    await using session = await open({}, { image: named });
    const error = await failure(run(session, 'echo no'));
    expect([error.reason, error.message]).toEqual([
      'runner_configuration_error',
      `the entrypoint of image \`${made.name}:latest\` did not run the job's shell: it ended with exit code ${code}`,
    ]);
    expect(error.hint).toContain('entrypoint: [""]');
    for (const entrypoint of [[''], [], ['env']]) {
      await using without = await open({}, { image: { ...named, entrypoint } });
      expect(await output(without, 'echo yes')).toBe('yes\n');
    }
  });

  it('tell of an entrypoint that takes its time, and of one that ends what should stay', async () => {
    await using slow = await derivedImage(engine!, ['ENTRYPOINT ["/entry"]'], {
      '/entry': '#!/bin/sh\nsleep 0.5; exec "$@"\n',
    });
    const executor = createDockerExecutor({
      ...{ engine: engineLocation, pull: 'never', graceMs: 500, entrypointPatienceMs: 50 },
    });
    executors.push(executor);
    const log = collect();
    const job = jobSpec({ runId, executor: 'docker', image: { ...image, name: slow.name } });
    await using session = await executor.open(job, log, never);
    expect(await output(session, 'echo in the end')).toBe('in the end\n');
    expect(log.text()).toContain(
      `the entrypoint of image ${slow.name}:latest has not started the job's shell after 0.05 s`,
    );
    await using ends = await derivedImage(engine!, ['ENTRYPOINT ["true"]']);
    await using second = await open({}, { image: { ...image, name: ends.name } });
    const error = await failure(run(second, 'sleep 100', { background: true }).then(() => run(second, 'echo no')));
    expect(error.message).toContain("did not run the job's shell: it ended with exit code 0");
  });

  it('tell of an entrypoint that is not there, and of an image without a shell', async () => {
    await using made = await derivedImage(engine!, ['ENTRYPOINT ["/missing"]']);
    await using session = await open({}, { image: { ...image, name: made.name } });
    const missing = await failure(run(session, 'echo no'));
    expect(missing.message).toBe(`image \`${made.name}:latest\` can't start its entrypoint \`/missing\``);
    await using bare = await derivedImage(engine!, ['ENV PATH=/nothing']);
    await using second = await open({}, { image: { ...image, name: bare.name } });
    const noShell = await failure(run(second, 'echo no'));
    expect([noShell.reason, noShell.message]).toEqual([
      'runner_configuration_error',
      `image \`${bare.name}:latest\` has no \`sh\`: jobs need a shell in it`,
    ]);
  });

  it.each<[string, ContainerOptions, string]>([
    ['CPUs', { cpus: 4096 }, 'the engine has no more than '],
    ['a network', { network: 'ci-test-nosuch' }, 'the engine has no network `ci-test-nosuch`'],
    ['a user', { user: 'nosuch' }, 'the image has no user `nosuch`'],
    [
      'a device',
      { devices: [{ onHost: '/dev/nosuch', inContainer: '/dev/x', permissions: 'r' }] },
      "the device `/dev/nosuch` can't be passed on: no such file",
    ],
    ['a limit', { ulimits: [{ name: 'nofile', soft: 2 ** 40, hard: 2 ** 40 }] }, 'may not set a limit'],
    [
      'a directory',
      { volumes: [{ kind: 'host', source: '/proc/nosuch', target: '/y' }] },
      "the directory `/proc/nosuch` can't be mounted",
    ],
    ['a mode', { volumes: [{ kind: 'host', source: '/tmp', target: '/y', mode: 'bad' }] }, "a volume can't be mounted"],
  ])('tell of %s that the engine has not', async (_, options, message) => {
    const error = await failure(
      open(options).then(async (session) => {
        await using opened = session;
        await run(opened, 'echo no');
      }),
    );
    expect([error.reason, error.message]).toEqual(['runner_configuration_error', expect.stringContaining(message)]);
    expect(error.hint).toMatch(/below `\[docker\]`/);
  });

  it('need no /tmp in the image', async () => {
    await using session = await open({});
    await run(session, 'rm -r /tmp');
    expect(await output(session, 'cat <<END\na here document\nEND\nls -d /tmp 2>/dev/null || echo none')).toBe(
      'a here document\nnone\n',
    );
  });
});

describe('the greeting', () => {
  it('is taken out wherever chunks end', async () => {
    const whole = 'noise ci-shell-12ci-shell-1234\nrest\nci-shell-1234\n';
    for (let size = 1; size <= whole.length; size++) {
      const out = collect();
      const filter = greetingFilter('ci-shell-1234', out);
      for (let at = 0; at < whole.length; at += size)
        await filter.stdout.write(Buffer.from(whole.slice(at, at + size)));
      await filter.finish();
      expect([filter.isGreeted(), out.text()]).toEqual([true, 'noise ci-shell-12rest\nci-shell-1234\n']);
    }
  });

  it('is missed, and nothing of the output is', async () => {
    const out = collect();
    const filter = greetingFilter('ci-shell-1234', out);
    await filter.stdout.write(Buffer.from('only noise\nci-shell'));
    expect(out.text()).toBe('only noise\n');
    await filter.finish();
    expect([filter.isGreeted(), out.text()]).toEqual([false, 'only noise\nci-shell']);
  });
});
