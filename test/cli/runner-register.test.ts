import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readConfigFile } from '../../src/runner/config/config-file.ts';
import type { RunnerEntry } from '../../src/runner/config/runner-config.ts';
import { plainEnvironment, runCi } from '../support/run-ci.ts';
import { runnerRoom } from '../support/runner-room.ts';

const binary = fileURLToPath(new URL('../../bin/ci.js', import.meta.url));
const registrationToken = 'GR1348941registration';

const room = runnerRoom();

const ci = (args: readonly string[], env: Record<string, string> = {}) =>
  runCi(['runner', ...args], { cwd: room.home, home: room.home, env });

const path = () => join(room.home, 'config', 'runner.toml');

function runners(): readonly RunnerEntry[] {
  return readConfigFile(path(), {}).config.runners;
}

/** Answers questions, one line each. */
async function answering(args: readonly string[], answers: readonly string[]) {
  const child = spawn(process.execPath, [binary, 'runner', ...args], {
    cwd: room.home,
    env: plainEnvironment(room.home),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.end(answers.map((answer) => `${answer}\n`).join(''));
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, stdout, stderr };
}

describe('ci runner register with an authentication token', () => {
  it('verifies it and writes the file, for its owner alone', async () => {
    const { token, id } = room.server.addRunner();
    const args = [
      'register',
      '-n',
      '--url',
      room.server.url,
      '--token',
      token,
      '--executor',
      'shell',
      '--name',
      'mine',
    ];
    const { exitCode, stderr } = await ci(args);
    expect(stderr).toContain('is valid');
    expect(stderr).toContain('Runner registered successfully.');
    expect(exitCode).toBe(0);
    expect(runners()).toMatchObject([{ name: 'mine', url: room.server.url, id, token, executor: 'shell' }]);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(room.home, 'config', '.runner_system_id'), 'utf8')).toMatch(/^[sr]_[0-9a-zA-Z]{12}$/);
    expect(room.server.violations).toEqual([]);
  });

  it('asks in the order of GitLab Runner', async () => {
    const { token } = room.server.addRunner();
    const { exitCode, stdout } = await answering(
      ['register'],
      [room.server.url, token, 'by hand', 'dokcer', 'docker', 'alpine'],
    );
    expect(exitCode).toBe(0);
    const asked = [...stdout.matchAll(/Enter [^:]*(?:: docker[^:\n]*)?:/g)].map(([question]) => question);
    expect(asked).toEqual([
      'Enter the GitLab instance URL (for example, https:',
      'Enter the registration token:',
      'Enter a name for the runner. This is stored only in the local config.toml file:',
      'Enter an executor: docker, shell, ssh:',
      'Enter an executor: docker, shell, ssh:',
      'Enter the default Docker image (for example, ruby:',
    ]);
    expect(stdout).toContain('there is no executor dokcer here');
    expect(runners()).toMatchObject([
      { name: 'by hand', docker: { image: 'alpine', containers: { volumes: ['/cache'] } } },
    ]);
  });

  it('takes flags and variables for what is not asked', async () => {
    const { token } = room.server.addRunner();
    const env = {
      CI_SERVER_URL: room.server.url,
      CI_SERVER_TOKEN: token,
      RUNNER_EXECUTOR: 'docker',
      DOCKER_IMAGE: 'ruby:3.3',
      REGISTER_NON_INTERACTIVE: 'true',
      CACHE_S3_SECRET_KEY: 'key',
    };
    const args = ['--docker-privileged', '--docker-volumes', '/a:/a', '--docker-volumes', '/b', '--limit', '3'];
    const { exitCode, stderr } = await ci(['register', ...args, '--docker-tmpfs', '/tmp=rw', '--env', 'A=1'], env);
    expect(stderr).toContain('successfully');
    expect(exitCode).toBe(0);
    expect(runners()).toMatchObject([
      {
        limit: 3,
        environment: ['A=1'],
        cache: { s3: { secretKey: 'key' } },
        docker: {
          image: 'ruby:3.3',
          containers: { privileged: true, volumes: ['/a:/a', '/b', '/cache'], tmpfs: { '/tmp': 'rw' } },
        },
      },
    ]);
  });

  it('refuses a token that the server does not know, and writes nothing', async () => {
    const { exitCode, stderr } = await ci([
      'register',
      '-n',
      '-u',
      room.server.url,
      '-t',
      'glrt-wrong',
      '--executor',
      'shell',
    ]);
    expect(exitCode).toBe(4);
    expect(stderr).toContain('does not know this token');
    expect(stderr).not.toContain('glrt-wrong');
    expect(() => statSync(path())).toThrow();
  });

  it('refuses settings that such a runner has on the server', async () => {
    const { token } = room.server.addRunner();
    const { exitCode, stderr } = await ci([
      ...['register', '-n', '-u', room.server.url, '-t', token, '--executor', 'shell'],
      ...['--tag-list', 'a,b', '--locked=false'],
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--locked, --tag-list');
    const warned = await ci([
      ...['register', '-n', '-u', room.server.url, '-r', token, '--executor', 'shell', '--tag-list', 'a'],
    ]);
    expect(warned.exitCode).toBe(0);
    expect(warned.stderr).toContain('WARNING: --tag-list');
  });

  it('takes the machine off the server again when something fails later', async () => {
    const { token } = room.server.addRunner();
    const { exitCode } = await ci(['register', '-n', '-u', room.server.url, '-t', token, '--executor', 'nothing']);
    expect(exitCode).toBe(2);
    expect(room.server.requests.map(({ method, path: asked }) => `${method} ${asked}`)).toEqual([
      expect.stringContaining('/runners/verify'),
      expect.stringMatching(/^DELETE .*\/runners\/managers/),
    ]);
  });

  it('fills gaps from a template', async () => {
    const { token } = room.server.addRunner();
    const template = join(room.home, 'template.toml');
    writeFileSync(template, '[[runners]]\nexecutor = "docker"\n[runners.docker]\nimage = "busybox"\nmemory = "1g"\n');
    const args = ['register', '-n', '-u', room.server.url, '-t', token, '--template-config', template];
    expect((await ci([...args, '--docker-image', 'alpine'])).exitCode).toBe(0);
    expect(runners()).toMatchObject([
      { executor: 'docker', docker: { image: 'alpine', containers: { memory: '1g' } } },
    ]);
    const own = 'name = "x"\nurl = "http://127.0.0.1:9"\ntoken = "y"\ntoken_obtained_at = 2001-01-01T00:00:00Z\n';
    const tables = '[runners.kubernetes]\nnamespace = "n"\n[runners.docker]\nimage = "busybox"\n';
    writeFileSync(template, `[[runners]]\n${own}limit = 7\nexecutor = "shell"\n${tables}`);
    expect((await ci([...args, '--name', 'z'], { DOCKER_HOST: 'tcp://10.0.0.1:2375' })).exitCode).toBe(0);
    const last = readFileSync(path(), 'utf8').split('[[runners]]')[2]!;
    expect(last).toMatch(/^\nname = "z"\nurl = "http:.*\nid = \d+\ntoken = "glrt-.*\ntoken_obtained_at = (?!2001)/);
    expect(last).toMatch(/\nexecutor = "shell"\nlimit = 7\n$/);
    expect(runners()[1]).toMatchObject({ url: room.server.url, token });
    const [, , , , ...without] = args;
    writeFileSync(template, `[[runners]]\nurl = "${room.server.url}"\nexecutor = "shell"\n`);
    expect((await ci(['register', '-n', ...without])).exitCode).toBe(0);
    writeFileSync(template, '');
    const wrong = await ci(args);
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain('must have exactly one [[runners]]');
  });

  it('shows its flags as people write them', async () => {
    const { stdout } = await ci(['register', '--help']);
    expect(stdout).toMatch(
      /--locked \[bool\] +the same: only for its project \(default: true\) \(env: REGISTER_LOCKED\)/,
    );
    expect(stdout).not.toContain('preset');
  });

  it('says which value is missing, and that nobody is there to answer', async () => {
    expect((await ci(['register', '-n'])).stderr).toContain(
      'The GitLab instance URL needs to be entered: --url or CI_SERVER_URL',
    );
    const { exitCode, stderr } = await answering(['register'], [room.server.url]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--non-interactive');
  });
});

describe('ci runner register, by its flags', () => {
  const base = (token: string) => ['register', '-n', '-u', room.server.url, '-t', token, '--executor', 'shell'];

  it.each([
    [['--locked'], 0],
    [['--locked=true', '--run-untagged=false', '--paused=false', '--maximum-timeout', '0', '--tag-list', ''], 0],
    [['--locked=false'], 2],
    [['--run-untagged'], 2],
    [['--paused'], 2],
    [['--access-level', 'ref_protected'], 2],
    [['--maximum-timeout', '600'], 2],
    [['--maintenance-note', 'x'], 2],
  ])('%j beside an authentication token ends by %i', async (flags, exitCode) => {
    const { token } = room.server.addRunner();
    const { exitCode: ended } = await ci([...base(token), ...flags]);
    expect(ended).toBe(exitCode);
    // Nobody was asked when the flags make no sense.
    expect(room.server.requests).toHaveLength(exitCode === 0 ? 1 : 0);
  });

  it('writes keys of containers that GitLab Runner has flags for', async () => {
    const { token } = room.server.addRunner();
    const flags = [
      ...[
        '--docker-image',
        'a',
        '--docker-userns',
        'host',
        '--docker-services_privileged=false',
        '--docker-cpu-shares',
        '7',
      ],
      ...[
        '--docker-sysctls',
        'net.a=1',
        '--docker-ulimit',
        'nofile:1:2',
        '--docker-links',
        'x:y',
        '--docker-ipcmode',
        'host',
      ],
      ...[
        '--docker-services-limit',
        '2',
        '--docker-enable-ipv6',
        '--unhealthy-interval',
        '5m',
        '--unhealthy-requests-limit',
        '9',
      ],
      ...['--feature-flags', 'FF_A:true', '--feature-flags', 'FF_B=false', '--feature-flags', 'FF_C'],
      ...['--cache-type', 's3', '--cache-s3-path-style', '--cache-max_uploaded_archive_size', '5'],
      ...['--cache-s3-authentication_type', 'access-key', '--cache-s3-server-side-encryption', 'S3'],
      ...['--custom_build_dir-enabled', '--docker-network-mtu', '1400', '--debug-trace-disabled'],
    ];
    const args = ['register', '-n', '-u', room.server.url, '-t', token, '--executor', 'docker', ...flags];
    expect((await ci(args)).exitCode).toBe(0);
    expect(runners()).toMatchObject([
      {
        ...{ unhealthyIntervalMs: 300_000, unhealthyRequestsLimit: 9, debugTraceDisabled: true },
        featureFlags: { FF_A: true, FF_B: false, FF_C: true },
        docker: {
          servicesLimit: 2,
          containers: {
            userns_mode: 'host',
            cpu_shares: 7,
            sysctls: { 'net.a': '1' },
            ulimit: { nofile: '1:2' },
            links: ['x:y'],
            network_mtu: 1400,
          },
        },
      },
    ]);
    expect(readFileSync(path(), 'utf8')).toContain('[runners.custom_build_dir]\nenabled = true\n');
  });

  it('shows what is taken without an answer, and nothing where there is nothing', async () => {
    const { token } = room.server.addRunner();
    const { stdout, exitCode } = await answering(
      ['register', '-u', room.server.url, '--name', 'mine'],
      ['', token, '', 'shell'],
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`(for example, https://gitlab.com/):\n[${room.server.url}]: `);
    expect(stdout).toContain('Enter the registration token:\nEnter a name');
    expect(stdout).toContain('config.toml file:\n[mine]: ');
    expect(runners()[0]).toMatchObject({ name: 'mine', url: room.server.url });
  });

  it('asks for no token that it was given', async () => {
    const { token } = room.server.addRunner();
    const { stdout, exitCode } = await answering(['register', '-t', token], [room.server.url, 'by hand', 'shell']);
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('registration token');
    expect(stdout).not.toContain(token);
    expect(runners()).toMatchObject([{ name: 'by hand', token, executor: 'shell' }]);
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const { token, managers } = room.server.addRunner();
    const args = ['runner', 'register', '-u', room.server.url, '-t', token, '--name', 'x'];
    const child = spawn(process.execPath, [binary, ...args], { cwd: room.home, env: plainEnvironment(room.home) });
    child.stdin.write('\n\n\n');
    for await (const text of child.stdout.setEncoding('utf8')) {
      if (String(text).includes('Enter an executor')) child.kill('SIGINT');
    }
    const [exitCode] = child.exitCode === null ? ((await once(child, 'close')) as [number]) : [child.exitCode];
    expect(exitCode).toBe(130);
    expect([...managers]).toEqual([]);
    expect(() => statSync(path())).toThrow();
  });

  it('keeps each byte of a file that is there, and adds below it', async () => {
    const before =
      '# mine\r\nconcurrent = 3   # three\n\n[[runners]] # first\n  name = "a"\n  mystery = 1 # kept\n# the end';
    mkdirSync(join(room.home, 'config'), { recursive: true });
    writeFileSync(path(), before);
    const { token } = room.server.addRunner();
    expect((await ci([...base(token), '--name', 'b'])).exitCode).toBe(0);
    const after = readFileSync(path(), 'utf8');
    expect(after.startsWith(`${before}\n\n[[runners]]\nname = "b"\n`)).toBe(true);
    expect((await ci(['unregister', '--name', 'b'])).exitCode).toBe(0);
    expect(readFileSync(path(), 'utf8')).toBe(`${before}\n`);
  });
});

describe('a file that can not take a runner', () => {
  it.each([
    ['is no TOML', 'concurrent =', "can't be|expected|invalid|TOML"],
    ['is a directory', undefined, "can't be read: it is a directory"],
    ['lies in a file', '', "place can't be made: something else is there"],
    ['lies below a file', '', "x can't be made: a part of the path is no directory"],
    // Node's own way of making directories never ends there.
    ['lies where nothing can be made', '', "/proc/nothing can't be made: no such file or directory"],
  ])('%s: nobody is asked to make one', async (name, text, said) => {
    const base = join(room.home, 'place');
    const below = {
      'lies in a file': base,
      'lies below a file': join(base, 'x'),
      'lies where nothing can be made': '/proc/nothing',
    }[name];
    const file = below === undefined ? base : join(below, 'runner.toml');
    if (text === undefined) mkdirSync(base);
    else writeFileSync(base, text);
    const { token } = room.server.addRunner();
    const args = ['register', '-n', '-c', file, '-u', room.server.url, '-t', token, '--executor', 'shell'];
    const { exitCode, stderr } = await ci(args);
    expect(stderr).toMatch(new RegExp(said, 'i'));
    expect(exitCode).toBe(2);
    expect(room.server.requests).toEqual([]);
  });
});

describe('ci runner register with a registration token', () => {
  it('takes jobs without tags where it has no tags', async () => {
    const args = ['register', '-n', '-u', room.server.url, '-r', registrationToken, '--executor', 'shell'];
    expect((await ci([...args, '--run-untagged=false', '--tag-list', ' , '])).exitCode).toBe(0);
    expect((await ci([...args, '--tag-list', 'a, b', '--access-level', 'ref_protected', '--paused'])).exitCode).toBe(0);
    expect([...room.server.store.runners.values()]).toMatchObject([
      { runUntagged: true, tags: [] },
      { runUntagged: false, tags: ['a', 'b'], accessLevel: 'ref_protected', paused: true },
    ]);
    expect(room.server.violations).toEqual([]);
  });

  it.each([
    ['GR1348941wrong', 'check used token'],
    ['', 'registration token needs to be entered: a runner authentication token (glrt-…) as CI_SERVER_TOKEN'],
  ])('says what is wrong with the token "%s"', async (token, said) => {
    const { exitCode, stderr } = await ci([
      'register',
      '-n',
      '-u',
      room.server.url,
      '-r',
      token,
      '--executor',
      'shell',
    ]);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(said);
    expect(() => statSync(path())).toThrow();
  });

  it('makes a runner on the server, which has its tags', async () => {
    const { exitCode, stdout } = await answering(
      ['register', '--executor', 'shell'],
      [room.server.url, registrationToken, 'old way', 'linux, fast', 'in the rack', ''],
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Enter tags for the runner (comma-separated):');
    expect(stdout).toContain('Enter optional maintenance note for the runner:');
    const [made] = runners();
    expect(made).toMatchObject({ name: 'old way', executor: 'shell' });
    expect(made?.token).not.toBe(registrationToken);
    expect([...room.server.store.runners]).toHaveLength(1);
    expect(room.server.violations).toEqual([]);
  });

  it('only verifies a runner that was made so before, by its own token', async () => {
    await ci(['register', '-n', '-u', room.server.url, '-r', registrationToken, '--executor', 'shell']);
    const [made] = runners();
    const { exitCode } = await answering(
      ['register', '-t', made!.token, '--name', 'again'],
      [room.server.url, 'shell'],
    );
    expect(exitCode).toBe(0);
    expect(runners()[1]).toMatchObject({ id: made!.id, name: 'again', token: made!.token, executor: 'shell' });
    expect([...room.server.store.runners]).toHaveLength(1);
  });

  it('removes it from the server when something fails later, unless told to leave it', async () => {
    const args = ['register', '-n', '-u', room.server.url, '-r', registrationToken, '--executor', 'nothing'];
    expect((await ci(args)).exitCode).toBe(2);
    expect([...room.server.store.runners]).toHaveLength(0);
    expect((await ci([...args, '--leave-runner'])).exitCode).toBe(2);
    expect([...room.server.store.runners]).toHaveLength(1);
  });
});

describe('the runners of the file', () => {
  async function registered(name: string): Promise<string> {
    const { token } = room.server.addRunner();
    await ci(['register', '-n', '-u', room.server.url, '-t', token, '--executor', 'shell', '--name', name]);
    return token;
  }

  it('are listed without their whole tokens', async () => {
    const token = await registered('a');
    writeFileSync(path(), readFileSync(path(), 'utf8').replace('http://', 'http://me:opensesame@'));
    const { stdout, stderr } = await ci(['list']);
    expect(stdout + stderr).not.toContain('opensesame');
    expect(stdout).toMatch(/^a {2}Executor=shell Token=.+… URL=http/);
    expect(stdout + stderr).not.toContain(token);
  });

  it('are verified, and with --delete those that the server does not know go', async () => {
    await registered('a');
    await registered('b');
    expect((await ci(['verify'])).exitCode).toBe(0);
    const text = readFileSync(path(), 'utf8');
    writeFileSync(path(), text.replace(/token = "glrt-[^"]*"/, 'token = "glrt-gone"'));
    const failed = await ci(['verify']);
    expect(failed.exitCode).toBe(4);
    expect(failed.stderr).toContain('Failed to verify runners');
    expect((await ci(['verify', '-n', 'b'])).exitCode).toBe(0);
    expect((await ci(['verify', '-n', 'nobody'])).stderr).toContain('there are: a, b');
    expect((await ci(['verify', '--delete'])).exitCode).toBe(0);
    expect(runners().map(({ name }) => name)).toEqual(['b']);
  });

  it('stay when the server can not be reached', async () => {
    await registered('a');
    writeFileSync(path(), readFileSync(path(), 'utf8').replace(room.server.url, 'http://127.0.0.1:9'));
    const { exitCode, stderr } = await ci(['verify', '--delete']);
    expect(stderr).toContain("can't be verified");
    expect(exitCode).toBe(0);
    expect(runners()).toHaveLength(1);
  });

  it('are taken off the server and the file', async () => {
    const [first, second] = [await registered('a'), await registered('a')];
    await registered('b');
    expect((await ci(['unregister'])).stderr).toContain('--all-runners');
    const one = await ci(['unregister', '--name', 'a']);
    expect(one.exitCode).toBe(0);
    expect(one.stderr).toContain('Only the first one that fits: a');
    expect(runners().map(({ token }) => token)).not.toContain(first);
    // Twice in the file, once on the server.
    await ci(['register', '-n', '-u', room.server.url, '-t', second, '--executor', 'shell', '--name', 'c']);
    expect((await ci(['unregister', '--token', second])).exitCode).toBe(0);
    expect(runners().map(({ name }) => name)).toEqual(['b']);
    expect((await ci(['unregister', '--all-runners'])).exitCode).toBe(0);
    expect(runners()).toEqual([]);
  });

  it('get a new token by their number on the server, and tell the features that they have', async () => {
    await registered('a');
    const token = await registered('b');
    const [, second] = runners();
    expect((await ci(['reset-token', '--id', String(second!.id), '--url', room.server.url])).exitCode).toBe(0);
    expect(runners()[1]?.token).not.toBe(token);
    expect((await ci(['reset-token', '--id', '987654'])).exitCode).toBe(2);
    await ci(['verify', '-n', 'b']);
    const { info } = JSON.parse(room.server.requests.at(-1)!.body.toString()) as { info: Record<string, unknown> };
    expect(info).toMatchObject({
      executor: 'shell',
      features: { cancel_gracefully: true, refspecs: true, shared: true, job_inputs: true },
    });
  });

  it('get new tokens', async () => {
    const token = await registered('a');
    expect((await ci(['reset-token', '--name', 'a'])).exitCode).toBe(0);
    expect(runners()[0]?.token).not.toBe(token);
    expect((await ci(['verify'])).exitCode).toBe(0);
    const byPerson = await ci(['reset-token', '--all-runners'], { PERSONAL_ACCESS_TOKEN: 'glpat-administrator' });
    expect(byPerson.exitCode).toBe(0);
    expect((await ci(['verify'])).exitCode).toBe(0);
  });
});
