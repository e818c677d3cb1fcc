import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { dockerKeys, readDockerTable } from '../../src/cli/docker-settings.ts';
import { type ContainerOptions, unusualOptions } from '../../src/executors/docker/container-options.ts';
import { tomlLine } from '../../src/util/toml-line.ts';

const user = (table: Record<string, unknown>) => readDockerTable(table, 'user', {});

/** What one key of the user's file comes to. */
function value(key: string, given: unknown): unknown {
  const { options, errors } = user({ [key]: given });
  return errors.length > 0 ? 'error' : Object.values(options)[0];
}

describe('[docker] of the settings', () => {
  it.each([
    ['memory', '512m', 512 << 20],
    ['memory', '1.5g', 1536 << 20],
    ['memory', '64MiB', 64 << 20],
    ['memory', 8388608, 8 << 20],
    ['memory', '1m', 'error'],
    ['memory', 'much', 'error'],
    ['memory', -1, 'error'],
    ['memory', true, 'error'],
    ['memory_swap', -1, -1],
    ['cpus', '1.5', 1.5],
    ['cpus', 2, 2],
    ['cpus', 0, 'error'],
    ['cpus', 0.001, 'error'],
    ['cpus', 'two', 'error'],
    ['pids_limit', 100, 100],
    ['pids_limit', 1.5, 'error'],
    ['cpuset_cpus', '0-2,5', '0-2,5'],
    ['cpuset_cpus', 'all', 'error'],
    ['privileged', 'yes', 'error'],
    ['mount_socket', true, true],
    ['mount_socket', '/run/d.sock', '/run/d.sock'],
    ['mount_socket', 'd.sock', 'error'],
    ['cap_add', ['CAP_NET_ADMIN', 'sys_ptrace'], ['NET_ADMIN', 'SYS_PTRACE']],
    ['cap_add', 'NET_ADMIN', 'error'],
    ['extra_hosts', ['a:10.0.0.1', 'b:::1'], ['a:10.0.0.1', 'b:::1']],
    ['extra_hosts', ['10.0.0.1'], 'error'],
    [
      'ulimit',
      { nofile: '1:2', nproc: 3 },
      [
        { name: 'nofile', soft: 1, hard: 2 },
        { name: 'nproc', soft: 3, hard: 3 },
      ],
    ],
    ['pull_policy', 'always', ['always']],
    ['pull_policy', ['always', 'if-not-present', 'always'], ['always', 'if-not-present']],
    ['pull_policy', 'sometimes', 'error'],
    ['pull_policy', [], 'error'],
    ['allowed_pull_policies', ['never'], ['never']],
    ['ulimit', { nofile: 'many' }, 'error'],
    ['ulimit', { nosuch: 1 }, 'error'],
    ['ulimit', { nofile: '2:1' }, 'error'],
    ['ulimit', { nofile: '-1:1' }, 'error'],
    ['ulimit', { core: -1 }, [{ name: 'core', soft: -1, hard: -1 }]],
    [
      'devices',
      ['/dev/kvm', '/dev/a:/dev/b', '/dev/c:r', '/dev/d:/dev/e:rw'],
      [
        { onHost: '/dev/kvm', inContainer: '/dev/kvm', permissions: 'rwm' },
        { onHost: '/dev/a', inContainer: '/dev/b', permissions: 'rwm' },
        { onHost: '/dev/c', inContainer: '/dev/c', permissions: 'r' },
        { onHost: '/dev/d', inContainer: '/dev/e', permissions: 'rw' },
      ],
    ],
    ['devices', ['kvm'], 'error'],
    ['gpus', 'all', { count: -1, capabilities: ['gpu'] }],
    ['gpus', 2, { count: 2, capabilities: ['gpu'] }],
    ['gpus', '"device=0,1"', { count: -1, ids: ['0', '1'], capabilities: ['gpu'] }],
    [
      'gpus',
      'driver=nvidia,count=1,capabilities=utility',
      { count: 1, driver: 'nvidia', capabilities: ['gpu', 'utility'] },
    ],
    ['gpus', 'some', 'error'],
    ['gpus', 0, 'error'],
    [
      'volumes',
      ['/cache', 'npm:/root/.npm', '/a b:/c:ro'],
      [
        { kind: 'own', target: '/cache' },
        { kind: 'named', source: 'npm', target: '/root/.npm' },
        { kind: 'host', source: '/a b', target: '/c', mode: 'ro' },
      ],
    ],
    ['volumes', ['./here:/there'], 'error'],
    ['volumes', ['a:b'], 'error'],
    ['tmpfs', { '/run': 'size=1m' }, { '/run': 'size=1m' }],
    ['tmpfs', { run: '' }, 'error'],
    ['wait_for_services_timeout', -1, 0],
    ['wait_for_services_timeout', 5, 5000],
    ['services_privileged', true, { privileged: true }],
    ['service_memory', '1g', { memoryBytes: 1 << 30 }],
  ])('%s = %j', (key, given, expected) => {
    expect(value(key, given)).toEqual(expected);
  });

  it('collects all that does not fit, and what there is not', () => {
    const { options, errors, warnings } = user({ memory: 'x', cpus: 'y', privilegd: true, dns: ['1.1.1.1'] });
    expect(options).toEqual({ dns: ['1.1.1.1'] });
    expect(errors.map(({ key }) => key)).toEqual(['memory', 'cpus']);
    expect(errors[0]?.text).toBe('must be a size of 6m or more like "512m" or "2g", not "x"');
    expect(warnings).toEqual([{ key: 'privilegd', text: 'is no setting, did you mean `privileged`?' }]);
  });

  it('lets a repository ask for less only', () => {
    const own: ContainerOptions = {
      memoryBytes: 100e6,
      cpus: 1,
      capDrop: ['A'],
      hardened: true,
      services: { cpus: 2 },
    };
    // What containers get where nothing is said.
    const moreThanUsual = { shm_size: '8g', cpu_shares: 2000, service_cpu_shares: 2000 };
    const more = {
      memory: 200e6,
      cpus: 3,
      hardened: false,
      service_cpus: 3,
      pids_limit: 5,
      cap_drop: ['b'],
      ...moreThanUsual,
    };
    expect(readDockerTable(more, 'repository', own)).toEqual({
      options: { ...own, pidsLimit: 5, capDrop: ['A', 'B'] },
      errors: [],
      warnings: [],
    });
    const less = { memory: 50e6, cpus: 0.5, read_only: true, service_cpus: 1, service_memory: 7e6, shm_size: '1m' };
    expect(readDockerTable(less, 'repository', own).options).toEqual({
      ...own,
      memoryBytes: 50e6,
      cpus: 0.5,
      readOnly: true,
      shmBytes: 1 << 20,
      services: { cpus: 1, memoryBytes: 7e6 },
    });
  });

  it('takes nothing from a repository that reaches beyond containers', () => {
    const harmless =
      /^(allowed_pull_policies|cap_drop|cpu_shares|cpus|hardened|memory|memory_reservation|pids_limit|pull_policy|read_only|shm_size|service_(?!memory_swap).*)$/;
    const given: Record<string, unknown> = {
      privileged: true,
      mount_socket: true,
      memory_swap: -1,
      service_memory_swap: '8g',
      network_mode: 'host',
      volumes: ['/:/host'],
      volumes_from: ['x'],
      devices: ['/dev/sda'],
      device_cgroup_rules: ['a *:* rwm'],
      gpus: 'all',
      cap_add: ['SYS_ADMIN'],
      security_opt: ['seccomp=unconfined'],
      services_privileged: true,
      services_security_opt: ['seccomp=unconfined'],
      services_tmpfs: { '/x': '' },
      service_gpus: 'all',
      service_cpuset_cpus: '0',
      sysctls: { a: 'b' },
      userns_mode: 'host',
      runtime: 'runc',
      user: '0',
      group_add: ['docker'],
      extra_hosts: ['a:1.2.3.4'],
      dns: ['1.2.3.4'],
      dns_search: ['a'],
      tmpfs: { '/x': '' },
      ulimit: { nofile: 1 },
      cpuset_cpus: '0',
      wait_for_services_timeout: 1,
      allowed_privileged_images: ['a'],
      allowed_privileged_services: ['a'],
      cgroup_parent: 'a',
      service_cgroup_parent: 'a',
      container_labels: { a: 'b' },
      cpuset_mems: '0',
      enable_ipv6: true,
      hostname: 'a',
      ipcmode: 'host',
      links: ['a:b'],
      log_options: { env: 'A' },
      mac_address: '92:d0:c6:0a:29:33',
      network_mtu: 1400,
      oom_kill_disable: true,
      oom_score_adjust: -10,
      pid_mode: 'host',
      services_devices: { '*': ['/dev/kvm'] },
    };
    expect(dockerKeys.filter((key) => !harmless.test(key) && !(key in given))).toEqual([]);
    const { options, warnings } = readDockerTable(given, 'repository', {});
    expect(options).toEqual({});
    expect(warnings.map(({ key }) => key)).toEqual(Object.keys(given));
    expect(warnings[0]?.text).toContain("can't turn safety off");
  });

  it('lets a repository say when images are pulled, of what the user allows', () => {
    const own = readDockerTable({ allowed_pull_policies: ['never', 'always'], pull_policy: 'never' }, 'user', {});
    const table = { allowed_pull_policies: ['always', 'if-not-present'], pull_policy: 'always' };
    const { options, warnings } = readDockerTable(table, 'repository', own.options);
    expect([options, warnings]).toEqual([{ allowedPulls: ['always'], pulls: ['always'] }, []]);
  });

  it('knows what is out of the ordinary', () => {
    const { options } = user({
      privileged: true,
      mount_socket: true,
      network_mode: 'host',
      volumes: ['/cache', '/home:/host:ro'],
      devices: ['/dev/kvm'],
      memory: '1g',
    });
    expect(unusualOptions(options)).toEqual([
      'privileged',
      "the engine's socket",
      'network host',
      'volumes /home:/host:ro',
      'devices /dev/kvm',
    ]);
    expect(unusualOptions({ memoryBytes: 1, hardened: true, network: 'bridge' })).toEqual([]);
  });

  it('is described with all of its keys', () => {
    const page = readFileSync(fileURLToPath(new URL('../../docs/docker.md', import.meta.url)), 'utf8');
    expect(dockerKeys.filter((key) => !page.includes(`\`${key}\``))).toEqual([]);
  });

  it('finds the line of a key', () => {
    const text =
      'a = 1\n[docker] # here\n memory = "1g"\n"cap_add" = []\n[docker.tmpfs]\n"/run" = ""\n[other]\nmemory = 1\n';
    expect(tomlLine(text, ['a'])).toBe(1);
    expect(tomlLine(text, ['docker', 'memory'])).toBe(3);
    expect(tomlLine(text, ['docker', 'cap_add'])).toBe(4);
    expect(tomlLine(text, ['docker', 'tmpfs'])).toBe(5);
    expect(tomlLine('x = 1\ndocker.memory = 2', ['docker', 'memory'])).toBe(2);
    expect(tomlLine(text, ['memory'])).toBeUndefined();
  });
});
