import { afterAll, describe, expect, it } from 'vitest';
import type { ContainerOptions } from '../../src/executors/docker/container-options.ts';
import { createDockerExecutor } from '../../src/executors/docker/docker-executor.ts';
import type { EngineLocation } from '../../src/executors/docker/engine-address.ts';
import { isEngineImage } from '../../src/executors/docker/service-names.ts';
import type { Executor, Session } from '../../src/executors/executor.ts';
import type { JobSpec } from '../../src/model/job-spec.ts';
import type { Service } from '../../src/model/pipeline.ts';
import { type Collected, collect, jobSpec, never, run } from './contract.ts';
import { derivedImage } from './support/derived-image.ts';
import { engineLocation, labelled, testEngine } from './support/engine.ts';
import { remoteEngine } from './support/engine-proxy.ts';

const engine = await testEngine();
const runId = `services-${process.pid}`;
const span = { file: '.ci.yml', start: 0, end: 0 };
const image = { name: 'ci-test/busybox', span };
const executors: Executor[] = [];

interface Opened extends AsyncDisposable {
  readonly session: Session;
  readonly log: Collected;
  /** Of which streams the log was asked for. */
  readonly asked: readonly string[];
}

async function open(
  services: readonly Service[],
  over: Partial<JobSpec> = {},
  containers: ContainerOptions = {},
  location: EngineLocation = engineLocation,
): Promise<Opened> {
  const executor = createDockerExecutor({ engine: location, pull: 'never', graceMs: 500, containers });
  executors.push(executor);
  const log = collect();
  const asked: string[] = [];
  const of = (stream: string) => {
    asked.push(stream);
    return log;
  };
  const job = jobSpec({ runId, executor: 'docker', image, services, ...over });
  const session = await executor.open(job, { ...log, of }, never);
  return { session, log, asked, [Symbol.asyncDispose]: () => session[Symbol.asyncDispose]() };
}

function service(command: string | undefined, over: Partial<Service> = {}): Service {
  return {
    ...{ name: 'ci-test/busybox', span, aliases: [], variables: [] },
    ...(command === undefined ? {} : { command: ['sh', '-c', command] }),
    ...over,
  };
}

/** Answers on a port with a text. */
const answer = (text: string, port: number): string =>
  `mkdir -p /w; echo ${text} > /w/index.html; exec httpd -f -p ${port} -h /w`;

const output = async ({ session }: Opened, script: string): Promise<string> =>
  (await run(session, script)).stdout.toString();

describe.skipIf(engine === undefined)('services', () => {
  afterAll(async () => {
    await Promise.all(executors.map((executor) => executor.close()));
    expect(await labelled(engine!.api, runId)).toEqual([]);
  });

  it('are there by all of their aliases, with their own command, entrypoint and variables', async () => {
    await using made = await derivedImage(engine!, ['EXPOSE 80', 'ENTRYPOINT ["/missing"]']);
    const variables = [{ name: 'WHO', value: 'friend', span }];
    const web = service(undefined, {
      ...{ name: made.name, aliases: ['web', 'www', 'site'], variables },
      ...{ entrypoint: ['sh', '-c'], command: [answer('hello $WHO', 80)] },
    });
    await using opened = await open([web]);
    expect(await output(opened, 'for name in web www site; do wget -qO- http://$name/; done')).toBe(
      'hello friend\n'.repeat(3),
    );
  });

  it('are waited for until one of their ports takes connections', async () => {
    await using made = await derivedImage(engine!, ['EXPOSE 80 81 5000']);
    const slow = service(`sleep 0.7; ${answer('late', 81)}`, { name: made.name, aliases: ['web'] });
    await using opened = await open([slow]);
    expect(await output(opened, 'wget -qO- http://web:81/')).toBe('late\n');
    expect(opened.log.text()).not.toContain('WARNING');
  });

  it('are watched from inside where this machine can not connect to them', async () => {
    await using made = await derivedImage(engine!, ['EXPOSE 80 81']);
    await using remote = await remoteEngine('/var/run/docker.sock');
    const location = { ...engineLocation, host: remote.host };
    const late = service(`sleep 0.7; ${answer('late', 81)}`, { name: made.name, aliases: ['web'] });
    await using opened = await open([late], {}, {}, location);
    expect(await output(opened, 'wget -qO- http://web:81/')).toBe('late\n');
    expect(opened.log.text()).not.toContain('WARNING');
    // Who listens on its own loopback only is not there for others.
    const alone = service('exec httpd -f -p 127.0.0.1:81 -h /', { name: made.name });
    await using second = await open([alone], {}, { serviceTimeoutMs: 1500 }, location);
    expect(second.log.text()).toContain('none of its ports 80, 81 takes connections after 1.5 s');
    await Promise.all([opened, second].map((each) => each[Symbol.asyncDispose]()));
    await Promise.all(executors.map((executor) => executor.close()));
  });

  it('are watched, and are one host with the job, where its image is named by the begin of an id', async () => {
    const { Id } = await engine!.api.getImage(image.name).inspect();
    const named = { image: { ...image, name: Id.replace('sha256:', '').slice(0, 12) } };
    await using made = await derivedImage(engine!, ['EXPOSE 81']);
    await using remote = await remoteEngine('/var/run/docker.sock');
    const location = { ...engineLocation, host: remote.host };
    const late = service(`sleep 0.7; ${answer('late', 81)}`, { name: made.name, aliases: ['web'] });
    await using watched = await open([late], named, {}, location);
    expect(await output(watched, 'wget -qO- http://web:81/')).toBe('late\n');
    expect(watched.log.text()).not.toContain('WARNING');
    await using oneHost = await open([late], { ...named, servicesReachedBy: 'localhost' });
    expect(await output(oneHost, 'wget -qO- http://localhost:81/')).toBe('late\n');
    await Promise.all([watched, oneHost].map((each) => each[Symbol.asyncDispose]()));
    await Promise.all(executors.map((executor) => executor.close()));
  });

  it('are waited for by their health check', async () => {
    const check = 'HEALTHCHECK --interval=30s CMD test -e /healthy';
    await using made = await derivedImage(engine!, [check, 'EXPOSE 80']);
    const slow = service('sleep 0.7; echo up > /healthy; exec sleep 1000', { name: made.name });
    const sick = service('exec sleep 1000', { name: made.name, aliases: ['sick'] });
    const before = performance.now();
    await using opened = await open([slow]);
    expect(opened.log.text()).not.toContain('WARNING');
    // The engine's own check would come after half a minute.
    expect(performance.now() - before).toBeLessThan(25_000);
    await using second = await open([sick], {}, { serviceTimeoutMs: 500 });
    expect(second.log.text()).toContain("probably didn't start properly: its health check has not passed after 0.5 s");
  });

  it('are waited for at the port that HEALTHCHECK_TCP_PORT names, or not at all', async () => {
    const variables = [{ name: 'HEALTHCHECK_TCP_PORT', value: '82', span }];
    await using opened = await open([service('exec sleep 1000', { variables })], {}, { serviceTimeoutMs: 300 });
    expect(opened.log.text()).toContain('port 82 takes no connections after 0.3 s');
    await using hasty = await open([service('exec sleep 1000', { variables })], {}, { serviceTimeoutMs: 0 });
    expect(hasty.log.text()).not.toContain('WARNING');
  });

  it('write into the job’s log when it asks for that', async () => {
    const variables = [{ name: 'CI_DEBUG_SERVICES', value: 'true' }];
    const talks = service('echo one; echo two >&2; printf rest; exec sleep 1000', { aliases: ['db'] });
    await using opened = await open([talks, service('exec sleep 1000', { aliases: ['mute'] })], { variables });
    expect([...opened.asked].sort()).toEqual(['service-0', 'service-1']);
    await opened.log.says('two');
    expect(opened.log.text()).toMatch(/\[service:ci-test__busybox-ci-test-busybox-db\] \d{4}-\d\d-\d\dT\S+Z one\x1b/);
    await opened.session.explainFailure?.();
    expect(opened.log.text()).not.toContain('the end of its log');
    const odd = [{ name: 'CI_DEBUG_SERVICES', value: 'perhaps' }];
    await using second = await open([talks], { variables: odd });
    expect(second.log.text()).toContain('WARNING: CI_DEBUG_SERVICES is neither true nor false');
  });

  it('tell when they run out of memory', async () => {
    const hungry = 'nc -l -p 90 >/dev/null; head -c 256m /dev/zero | tail -c 256m >/dev/null; exit $?';
    const containers = { services: { memoryBytes: 32 << 20 } };
    await using opened = await open([service(hungry, { aliases: ['hungry'] })], {}, containers);
    await run(opened.session, 'while ! echo x | nc hungry 90; do sleep 0.1; done');
    await opened.log.says('ended with exit code 137, out of memory (limit 32 MB) before the job did');
  });

  it('explain a failure of the job, and tell when they fail themselves', async () => {
    const talks = service('echo words; exec sleep 1000', { aliases: ['db'] });
    const dies = service('nc -l -p 90 >/dev/null; echo last words; exit 7', { aliases: ['short'] });
    await using opened = await open([{ ...talks, name: 'ci-test/debian' }, dies]);
    await run(opened.session, 'while ! echo x | nc short 90; do sleep 0.1; done');
    await opened.log.says('ended with exit code 7 before the job did');
    await opened.session.explainFailure?.();
    expect(opened.log.text()).toContain(
      [
        'Service ci-test/debian is running; the end of its log:',
        '[service:ci-test__debian-ci-test-debian-db] words',
        'WARNING: Service ci-test/busybox ended with exit code 7; the end of its log:',
        '[service:ci-test__busybox-ci-test-busybox-short] last words',
      ].join('\n'),
    );
  });

  it('are one host with the job where that is wanted', async () => {
    await using made = await derivedImage(engine!, ['EXPOSE 83']);
    const first = service(answer('one', 83), { name: made.name, aliases: ['first'] });
    const brief = service('exit 0');
    const second = service(answer('two', 84));
    const localhost = { servicesReachedBy: 'localhost' } as const;
    await using opened = await open([first, brief, second], localhost);
    const fetch = (url: string): string => `until wget -qO- http://${url}/ 2>/dev/null; do sleep 0.1; done`;
    const script = [fetch('localhost:83'), fetch('first:83'), fetch('127.0.0.1:84')].join('\n');
    // The container of the job is started anew for each script, after one of the others has ended.
    expect(await output(opened, script)).toBe('one\none\ntwo\n');
    expect(await output(opened, script)).toBe('one\none\ntwo\n');
    expect((await labelled(engine!.api, runId)).filter((name) => name.startsWith('network'))).toEqual([]);
    await using onHost = await open([service('exec sleep 1000', { aliases: ['db'] })], {}, { network: 'host' });
    expect(await output(onHost, "grep db /etc/hosts | tr '\\t' ' '")).toContain('127.0.0.1 db\n');
  });

  it('have a network of their own besides the one that the options name', async () => {
    const network = `ci-test-${process.pid}`;
    const made = await engine!.api.createNetwork({ Name: network });
    try {
      await using made80 = await derivedImage(engine!, ['EXPOSE 80']);
      const web = service(answer('here', 80), { name: made80.name, aliases: ['web'] });
      await using named = await open([web], {}, { network });
      const count = "sed -n 's/^ *\\(eth.*\\):.*/\\1/p' /proc/net/dev | wc -l";
      expect(await output(named, `wget -qO- http://web/; ${count}`)).toBe('here\n2\n');
      await using alone = await open([web], {}, { network: 'none' });
      expect(await output(alone, `wget -qO- http://web/; ${count}`)).toBe('here\n1\n');
      const filters = { label: [`dev.pipewright.run=${runId}`] };
      const networks = await engine!.api.listNetworks({ filters });
      // The engine keeps such a one from the world, by rules of its firewall.
      expect(networks.map(({ Internal }) => Internal)).toContain(true);
    } finally {
      await Promise.all(executors.map((executor) => executor.close()));
      await made.remove();
    }
  });

  it('that are engines need privileges, and share their certificates', async () => {
    expect(['docker:dind', 'docker:27.1-dind-rootless', 'x.test:5000/docker-in-docker:1'].every(isEngineImage)).toBe(
      true,
    );
    expect(['docker:cli', 'dinder:1', 'blinding:2'].some(isEngineImage)).toBe(false);
    const dind = 'ci-test/dind-like:dind';
    await engine!.api.getImage('ci-test/busybox').tag({ repo: 'ci-test/dind-like', tag: 'dind' });
    const command = 'mkdir -p /certs/client; echo secret > /certs/client/key; exec sleep 1000';
    await using opened = await open([service(command, { name: dind })]);
    expect(opened.log.text()).toContain(
      `WARNING: Service ${dind} is a container engine and needs a privileged container`,
    );
    expect(opened.log.text()).toContain('--privileged');
    expect(await output(opened, 'ls /certs 2>/dev/null || echo none')).toBe('none\n');
    // As privileged containers share it; an engine in a container may start none.
    const volumes = [{ kind: 'own', target: '/certs/client' }] as const;
    await using sharing = await open([service(command, { name: dind })], {}, { volumes });
    expect(await output(sharing, 'cat /certs/client/key')).toBe('secret\n');
    await engine!.api.getImage(dind).remove();
  });
});
