import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labelled, testEngine } from '../executors/support/engine.ts';
import { registryProgram, registryUser, removeImagesOf, startRegistry } from '../executors/support/registry.ts';
import { smallRepository } from '../support/runner-process.ts';
import { runnerRoom } from '../support/runner-room.ts';

const engine = await testEngine();
const image = 'ci-test/busybox:latest';

const room = runnerRoom();
const { addJobs, addJobsWithoutSources, ends, job, logOf, says } = room;

/** @param docker of `[runners.docker]`; local images may be used unless it says otherwise. */
const start = (docker = 'pull_policy = ["if-not-present"]') => {
  const table = `[runners.docker]\nimage = "${image}"\n${docker}`;
  return room.start({ global: 'concurrent = 4', executor: 'docker', table });
};

const status = (name: string): string => `${job(name).status}: ${logOf(name)}`;

describe.skipIf(engine === undefined)('ci runner run with containers', { timeout: 60_000 }, () => {
  it('lets the git of any user of the image log in', async () => {
    const repository = smallRepository(join(room.home, 'project'));
    const script = [
      'test "$PWD" = /builds/elsewhere/app',
      'id -u',
      'conf=$(sed -n \'s/.*path = "\\(.*ext.conf\\)"/\\1/p\' .git/config)',
      'grep -c insteadOf "$conf"',
      'ls -l "$conf" | cut -c1-10',
    ];
    const executorOpts = (user: string) => ({ docker: { user } });
    room.server.addPipeline(
      {
        variables: { GIT_CLONE_PATH: '$CI_BUILDS_DIR/elsewhere/app' },
        jobs: [
          { name: 'root', image: { name: image }, script },
          { name: 'other', image: { name: image, executorOpts: executorOpts('1234:1234') }, script },
        ],
      },
      room.server.addProject({ repository }),
    );
    start();
    await ends('root', 'other');
    for (const [name, user] of [
      ['root', '0'],
      ['other', '1234'],
    ] as const) {
      expect(job(name).status, logOf(name)).toBe('success');
      expect(logOf(name).match(/Using Docker executor with image/g)).toHaveLength(1);
      expect(logOf(name)).toMatch(new RegExp(`\n${user}\n[^]*\n1\n[^]*\n-rw-------\n`));
    }
  });

  it('runs jobs with sources, services, caches, and hands artifacts and dotenv on', async () => {
    addJobs(
      {
        name: 'build',
        stage: 'build',
        script: [
          'cat hello.txt',
          'mkdir out deps',
          'echo built > out/file',
          'echo "ADDRESS=there" > build.env',
          'echo kept > deps/x',
        ],
        artifacts: { paths: ['out'], reports: { dotenv: ['build.env'] } },
        cache: [{ key: 'deps', paths: ['deps'] }],
      },
      {
        name: 'test',
        stage: 'test',
        script: [
          'cat out/file deps/x',
          'echo "address $ADDRESS of $CI_CONCURRENT_PROJECT_ID"',
          'wget -qO- http://web/',
        ],
        services: [
          {
            name: image,
            alias: 'web',
            entrypoint: ['sh', '-c'],
            command: ['mkdir /w; echo served > /w/index.html; httpd -f -p 80 -h /w'],
          },
        ],
        cache: [{ key: 'deps', paths: ['deps'] }],
      },
    );
    start();
    await ends('build', 'test');
    expect(status('build')).toMatch(/^success: /);
    expect(status('test')).toMatch(/^success: /);
    expect(logOf('build')).toContain('hello\n');
    for (const text of ['built', 'kept', 'address there of 0', 'served']) expect(logOf('test')).toContain(text);
    expect(room.server.violations).toEqual([]);
  });

  it('lets jobs have the images and policies that the file allows', async () => {
    addJobsWithoutSources(
      { name: 'fine', image },
      { name: 'other image', image: 'registry.example.com/not/allowed:1' },
      { name: 'other service', services: ['registry.example.com/not/allowed:2'] },
      { name: 'own policy', image: { name: image, pullPolicy: ['if-not-present'] } },
      { name: 'other policy', image: { name: image, pullPolicy: ['always'] } },
    );
    start(`pull_policy = ["never", "if-not-present"]
allowed_images = ["ci-test/*:*"]
allowed_services = ["ci-test/*:*"]`);
    await ends('fine', 'other image', 'other service', 'own policy', 'other policy');
    expect(status('fine')).toMatch(/^success: /);
    expect(status('own policy')).toMatch(/^success: /);
    expect(logOf('other image')).toContain(
      'ERROR: The "registry.example.com/not/allowed:1" image is not present on list of allowed images:\n- ci-test/*:*\n',
    );
    expect(logOf('other image')).toContain('disallowed image');
    expect(logOf('other service')).toContain(
      'The "registry.example.com/not/allowed:2" image is not present on list of allowed services:\n- ci-test/*:*\n',
    );
    expect(job('other image')).toMatchObject({ status: 'failed', failureReason: 'runner_system_failure' });
    expect(status('other policy')).toMatch(/^failed: .*pull_policy.*always.*allowed/s);
  });

  const withUser = (user: string) => ({ name: image, executor_opts: { docker: { user } } });

  it('does not let variables past the lists', async () => {
    const variables = [{ key: 'WHICH', value: 'registry.example.com/evil:1' }];
    addJobsWithoutSources(
      { name: 'image', image: '$WHICH', response: { variables } },
      { name: 'user', image, response: { image: withUser('root') } },
      { name: 'allowed user', image, script: ['id -u'], response: { image: withUser('1000') } },
    );
    start('pull_policy = "if-not-present"\nallowed_images = ["ci-test/*:*"]\nallowed_users = ["1000"]');
    await ends('image', 'user', 'allowed user');
    expect(logOf('image')).toContain(
      'The "registry.example.com/evil:1" image is not present on list of allowed images:',
    );
    expect(logOf('user')).toContain('user "root" is not an allowed user: [1000]');
    for (const name of ['image', 'user']) {
      expect(job(name)).toMatchObject({ status: 'failed', failureReason: 'runner_system_failure' });
    }
    expect(status('allowed user')).toMatch(/^success: .*\n1000\n/s);
  });

  // A container that is privileged has all capabilities in its bounding set.
  const capabilities = 'grep CapBnd /proc/self/status; grep CapBnd /proc/1/status';
  const serviceCapabilities = {
    name: image,
    alias: 'web',
    entrypoint: ['sh', '-c'],
    command: ['mkdir /w; grep CapBnd /proc/self/status > /w/index.html; httpd -f -p 80 -h /w'],
  };
  const script = [capabilities, 'echo "service: $(wget -qO- http://web/)"'];
  const usual = '00000000a80425fb';

  it('makes containers privileged only where the file says so', async () => {
    addJobsWithoutSources({ name: 'usual', script, services: [serviceCapabilities] });
    start();
    await ends('usual');
    expect(status('usual')).toMatch(/^success: /);
    expect(logOf('usual')).toContain(`CapBnd:\t${usual}`);
    expect(logOf('usual')).toContain(`service: CapBnd:\t${usual}`);
  });

  it('makes no images privileged but those that may be', async () => {
    addJobsWithoutSources({ name: 'job', script, services: [serviceCapabilities] });
    start(`pull_policy = "if-not-present"
privileged = true
allowed_privileged_images = ["ci-test/other:*"]
allowed_privileged_services = ["ci-test/other:*"]`);
    await ends('job');
    expect(status('job')).toMatch(/^success: /);
    expect(logOf('job')).toMatch(new RegExp(`\nCapBnd:\t${usual}\n`));
    expect(logOf('job')).toContain(`service: CapBnd:\t${usual}`);
  });

  it('makes containers as the other keys say', async () => {
    addJobsWithoutSources({
      name: 'job',
      script: [
        'hostname; grep spoken /etc/hosts; grep nameserver /etc/resolv.conf',
        'ulimit -n; df -k /dev/shm | tail -1; mount | grep /scratch; cat /proc/sys/net/ipv4/ip_unprivileged_port_start',
        'cat /proc/self/oom_score_adj; echo "$(cat /kept/* 2>/dev/null || echo nothing) there"',
      ],
    });
    start(`pull_policy = "if-not-present"
hostname = "called"
extra_hosts = ["spoken:10.9.8.7"]
dns = ["10.9.8.6"]
shm_size = 8388608
oom_score_adjust = 321
[runners.docker.ulimit]
nofile = "321:400"
[runners.docker.tmpfs]
"/scratch" = "rw"
[runners.docker.sysctls]
"net.ipv4.ip_unprivileged_port_start" = "123"
[runners.docker.container_labels]
"com.example" = "x"
"dev.pipewright.managed" = "false"`);
    await ends('job');
    expect(status('job')).toMatch(/^success: /);
    for (const text of [
      'called\n',
      '10.9.8.7',
      '10.9.8.6',
      '321\n',
      '8192 ',
      '/scratch type tmpfs',
      '123\n',
      'nothing there',
    ]) {
      expect(logOf('job')).toContain(text);
    }
  });

  it('stops containers of jobs that are canceled or take too long, and tells of memory that ran out', async () => {
    addJobsWithoutSources(
      { name: 'long', script: ['echo started', 'sleep 60'], afterScript: ['echo "after $CI_JOB_STATUS"'] },
      { name: 'slow', script: ['sleep 60'], timeout: 3 },
      { name: 'bad', script: ['exit 3'] },
      { name: 'greedy', script: ['awk \'BEGIN { s = "0123456789abcdef"; while (1) s = s s }\''] },
    );
    const { child, ended } = start('pull_policy = ["if-not-present"]\nmemory = "32m"\nmemory_swap = "32m"');
    await says('long', 'started');
    room.server.cancel(job('long'), 'gracefully');
    await ends('long', 'slow', 'bad', 'greedy');
    expect(status('long')).toMatch(/^canceled: .*after canceled/s);
    expect(job('slow')).toMatchObject({ status: 'failed', failureReason: 'job_execution_timeout' });
    expect(job('greedy')).toMatchObject({ status: 'failed', failureReason: 'script_failure', exitCode: 137 });
    expect(logOf('bad')).toContain('ERROR: Job failed: exit code 3');
    expect(logOf('greedy')).toMatch(/memory/);
    child.kill('SIGQUIT');
    await ended;
    expect(await labelled(engine!.api, { pid: child.pid! })).toEqual([]);
  });

  it.skipIf(registryProgram === undefined || engine?.isLocal !== true)(
    'pulls from a registry with what the server sends along',
    async () => {
      await using registry = await startRegistry('login');
      const host = `localhost:${registry.port}`;
      await registry.put('app', 'latest');
      const login = { type: 'registry', url: host, username: registryUser.name, password: registryUser.password };
      addJobsWithoutSources(
        { name: 'without', image: `${host}/app`, response: { credentials: [] } },
        { name: 'with', image: `${host}/app`, response: { credentials: [login] } },
        { name: 'leaky', script: [`echo ${registryUser.password}`], image, response: { credentials: [login] } },
      );
      start('pull_policy = ["always", "if-not-present"]');
      await ends('without', 'with', 'leaky');
      await removeImagesOf(engine!, host);
      expect(logOf('without')).toMatch(/Failed to pull image/);
      expect(logOf('without')).not.toContain('Authenticating');
      expect(logOf('with')).toContain("Authenticating with credentials from the job's credentials");
      expect(logOf('with')).toContain(`Using docker image sha256:`);
      expect(logOf('with')).not.toContain('Failed to pull');
      expect(logOf('leaky')).not.toContain(registryUser.password);
    },
  );
});
