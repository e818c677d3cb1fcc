import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkContainers } from '../../../src/cli/runner/runner-file.ts';
import { changeRunners } from '../../../src/runner/config/change-runners.ts';
import {
  ConfigFileError,
  configStamp,
  editConfigFile,
  makeConfigDirectory,
  prepareConfigFile,
  readConfigFile,
} from '../../../src/runner/config/config-file.ts';

/** As GitLab Runner 17 writes it after two registrations, with notes of its owner. */
const written = `# the build machine
concurrent = 4 # one a core
check_interval = 0
connection_max_age = "15m0s"
shutdown_timeout = 0

[session_server]
  session_timeout = 1800

# for containers
[[runners]]
  name = "first" # in the rack
  url = "https://gitlab.example.com"
  id = 7
  token = "glrt-first#token"
  token_obtained_at = 2025-01-02T03:04:05Z
  token_expires_at = 0001-01-01T00:00:00Z
  executor = "docker"
  [runners.custom_build_dir]
  [runners.feature_flags]
    FF_NETWORK_PER_BUILD = true
  [runners.cache]
    MaxUploadedArchiveSize = 0
    [runners.cache.s3]
    [runners.cache.gcs]
    [runners.cache.azure]
  [runners.docker]
    tls_verify = false
    image = "ruby:3.3"
    privileged = false
    disable_entrypoint_overwrite = false
    oom_kill_disable = false
    disable_cache = false
    volumes = ["/cache"]
    pull_policy = ["if-not-present", "always"]
    shm_size = 0
    network_mtu = 0
    [[runners.docker.services]]
      name = "postgres:16"
      alias = "db"

# without containers
[[runners]]
  name = "second"
  url = "$SERVER/gitlab"
  token = "\${TOKEN}"
  executor = "shell"
  limit = 2
  output_limit = 100
  unhealthy_interval = "1h30m"
`;

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ci-runner-config-'));
  path = join(directory, 'runner.toml');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function fileOf(text: string): string {
  writeFileSync(path, text);
  return path;
}

describe('[session_server]', () => {
  const read = (table: string) => readConfigFile(fileOf(`[session_server]\n${table}\n`), {});

  it('is told to the server under the name that it is given, for half an hour', () => {
    const { config, warnings } = read('listen_address = ":8093"\nadvertise_address = "runner.example.com:443"');
    expect(config.sessionServer).toEqual({
      listenAddress: ':8093',
      advertiseAddress: 'runner.example.com:443',
      sessionTimeoutMs: 1_800_000,
    });
    expect(warnings).toEqual([]);
  });

  it('takes its own address where no other is given', () => {
    const { config } = read('listen_address = "[::1]:8093"\nsession_timeout = 60');
    expect(config.sessionServer).toMatchObject({ advertiseAddress: '[::1]:8093', sessionTimeoutMs: 60_000 });
  });

  it('warns of an address that nobody can connect to', () => {
    expect(read('listen_address = "0.0.0.0:8093"').warnings.join()).toContain('set `advertise_address`');
  });

  it.each([
    ['listen_address = "8093"', 'listen_address'],
    ['listen_address = ":99999"\nadvertise_address = "a"', 'listen_address'],
    ['listen_address = ":8093"', 'listen_address'],
    ['listen_address = ":8093"\nadvertise_address = "https://a:8093"', 'advertise_address'],
    ['listen_address = ":8093"\nadvertise_address = "a:8093/path"', 'advertise_address'],
    ['listen_address = 8093', 'listen_address'],
    ['listen_address = ":8093"\nadvertise_address = "a"\nsession_timeout = "x"', 'session_timeout'],
  ])('refuses %s', (table, key) => expect(() => read(table)).toThrow(`session_server.${key}`));
});

describe('reading', () => {
  it('reads what GitLab Runner wrote, with defaults for the rest, and finds nothing to warn of', () => {
    const { config, warnings } = readConfigFile(fileOf(written), {
      SERVER: 'https://other.example.com',
      TOKEN: 'secret',
    });

    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      concurrent: 4,
      checkIntervalMs: 3000,
      connectionMaxAgeMs: 900_000,
      shutdownTimeoutMs: 30_000,
      logFormat: 'runner',
    });
    expect(config).not.toHaveProperty('sessionServer');
    const [first, second] = config.runners;
    expect(first).toMatchObject({
      index: 0,
      name: 'first',
      id: 7,
      token: 'glrt-first#token',
      tokenObtainedAt: new Date('2025-01-02T03:04:05Z'),
      executor: 'docker',
      featureFlags: { FF_NETWORK_PER_BUILD: true },
      outputLimitBytes: 4_194_304,
      unhealthyIntervalMs: 3_600_000,
      docker: {
        image: 'ruby:3.3',
        pullPolicy: ['if-not-present', 'always'],
        services: [{ name: 'postgres:16', alias: 'db' }],
        containers: { volumes: ['/cache'] },
      },
    });
    expect(first).not.toHaveProperty('tokenExpiresAt');
    expect(second).toMatchObject({
      url: 'https://other.example.com/gitlab',
      token: 'secret',
      limit: 2,
      outputLimitBytes: 102_400,
      unhealthyIntervalMs: 5_400_000,
    });
  });

  it.each([
    ['', /must have a `BucketName`: caches stay on this machine/],
    ['BucketName = "b"\nAccessKey = "a"', /can't be used without `AccessKey` and `SecretKey` here/],
    ['BucketName = "b"\nAccessKey = "a"\nSecretKey = "s"\nAuthenticationType = "iam"', /`AuthenticationType` iam/],
    ['BucketName = "b"\nAccessKey = "a"\nSecretKey = "s"\nServerAddress = "a b"', /`ServerAddress` like "host:port"/],
  ])('tells why caches stay on this machine: %j', (s3, message) => {
    const head = '[[runners]]\nname = "a"\nurl = "https://example.com"\ntoken = "t"\nexecutor = "shell"\n';
    writeFileSync(path, `${head}[runners.cache]\nType = "s3"\n[runners.cache.s3]\n${s3}\n`);
    const { config, warnings } = readConfigFile(path, {});
    expect(warnings).toEqual([expect.stringMatching(message)]);
    expect(config.runners[0]?.cache.s3).toBeUndefined();
  });

  it.each([0, -1])('has its own values where the file says %i', (number) => {
    const keys = ['unhealthy_requests_limit', 'job_status_final_update_retry_limit', 'output_limit', 'limit'];
    const times = ['unhealthy_interval', 'artifact.upload_timeout', 'artifact.response_header_timeout'];
    const lines = [...keys, ...times].map((key) => `${key} = ${times.includes(key) ? `"${number}s"` : number}`);
    const head = `connection_max_age = "${number}s"\nshutdown_timeout = ${number}\ncheck_interval = ${number}\n`;
    const { config } = readConfigFile(fileOf(`${head}[[runners]]\n${lines.join('\n')}\n`), {});
    const plain = readConfigFile(fileOf('[[runners]]\n'), {}).config;
    expect(config).toEqual({ ...plain, runners: [{ ...plain.runners[0]!, limit: number }] });
  });

  it('takes a missing file for an empty one', () => {
    const { config, stamp } = readConfigFile(path, {});
    expect(config).toMatchObject({ concurrent: 1, runners: [] });
    expect(stamp).toBe('');
  });

  it.each([
    ['concurrent = 0', /runner\.toml:1: `concurrent` must be at least 1/],
    ['concurrent = "4"', /`concurrent` must be a whole number/],
    [
      '[[runners]]\nname = "a"\n[[runners]]\nlimit = "x"',
      /runner\.toml:4: `runners\[1\]\.limit` must be a whole number/,
    ],
    [
      '[[runners]]\n[runners.docker]\npull_policy = "sometimes"',
      /:3: `runners\[0\]\.docker\.pull_policy` must be always/,
    ],
    ['[[runners]]\n[runners.ssh]\nport = "x"', /`runners\[0\]\.ssh\.port` must be a port/],
    ['runners = 3', /`runners` must be a list of tables/],
    ['log_format = "xml"', /`log_format` must be runner, text or json/],
    ['[[runners]]\nunhealthy_interval = "soon"', /must be a time like/],
  ])('refuses %j', (text, message) => {
    expect(() => readConfigFile(fileOf(text), {})).toThrow(message);
  });

  it('shows no line of a file that is no TOML', () => {
    expect(() => readConfigFile(fileOf('[[runners]]\ntoken = "glrt-secret'), {})).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('glrt-secret') as string }) as Error,
    );
    expect(() => readConfigFile(path, {})).toThrow(/runner\.toml:2:\d+ is no valid TOML/);
    expect(() => readConfigFile(path, {})).toThrow(ConfigFileError);
  });

  it('warns of keys that do nothing, each with its line', () => {
    const text =
      '[[runners]]\nexecutor = "docker"\nlimt = 3\n[runners.docker]\nhelper_image = "x"\n[runners.kubernetes]\nhost = "x"\n';
    expect(readConfigFile(fileOf(text), {}).warnings).toEqual([
      `${path}:6: \`runners[0].kubernetes\` does nothing: the executor of this runner is docker`,
      `${path}:5: \`runners[0].docker.helper_image\` does nothing: no helper container is needed`,
      `${path}:3: \`runners[0].limt\` is not known and does nothing`,
    ]);
  });
});

describe('changing runners that were read before', () => {
  const three =
    '[[runners]]\nname = "a"\nurl = "http://x"\ntoken = "ta"\n\n# of b\n[[runners]]\nname = "b"\nurl = "http://x"\ntoken = "$TB"\n\n[[runners]]\nname = "c"\nurl = "http://x"\ntoken = "tc"\n';
  const env = { TB: 'tb' };

  it('finds them where they are now', async () => {
    const [a, b, c] = readConfigFile(fileOf(three), env).config.runners;
    // Somebody takes the first one off meanwhile.
    writeFileSync(path, three.slice(three.indexOf('# of b')));
    const missing = await changeRunners(path, env, [
      { runner: c!, kind: 'set', values: { token: 'new-c' } },
      { runner: a!, kind: 'set', values: { token: 'new-a' } },
      { runner: b!, kind: 'remove' },
    ]);
    expect(missing).toEqual([a]);
    expect(readFileSync(path, 'utf8')).toBe('[[runners]]\nname = "c"\nurl = "http://x"\ntoken = "new-c"\n');
  });

  it('does not touch the file when there is nothing to change', async () => {
    const [a] = readConfigFile(fileOf(three), env).config.runners;
    writeFileSync(path, 'concurrent = 2');
    const stamp = configStamp(path);
    expect(await changeRunners(path, env, [{ runner: a!, kind: 'remove' }])).toEqual([a]);
    expect(configStamp(path)).toBe(stamp);
  });

  it('keeps two of the same token apart', async () => {
    const twice = `${three}[[runners]]\nname = "a2"\nurl = "http://x"\ntoken = "ta"\n`;
    const runners = readConfigFile(fileOf(twice), env).config.runners;
    await changeRunners(path, env, [{ runner: runners[3]!, kind: 'remove' }]);
    expect(readConfigFile(path, env).config.runners.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });
});

describe('a file that was written elsewhere', () => {
  it('may have the line ends and the mark of Windows', async () => {
    const text = `\uFEFF${written.replaceAll('\n', '\r\n').replace('limit = 2', 'limt = 2')}`;
    const { config, warnings } = readConfigFile(fileOf(text), {});
    expect(config.runners.map(({ name }) => name)).toEqual(['first', 'second']);
    expect(warnings).toEqual([`${path}:48: \`runners[1].limt\` is not known and does nothing`]);
    await editConfigFile(path, [{ kind: 'set', index: 1, values: { token: 'new' } }]);
    expect(readConfigFile(path, {}).config.runners[1]?.token).toBe('new');
    expect(readFileSync(path, 'utf8')).toContain('name = "first" # in the rack\r\n');
  });

  it.each([
    ['in another encoding', Buffer.from([...Buffer.from('concurrent = 1\n# gr'), 0xfc, 0x6e]), /toml:2 is .* UTF-8/],
    ['with a key twice', Buffer.from('concurrent = 1\nlimit = 3\nconcurrent = 2\n'), /toml:3:1 is no valid TOML/],
    ['with a table twice', Buffer.from('[[runners]]\n[runners.docker]\n[runners.docker]\n'), /toml:3:\d+ is no valid/],
    ['of many megabytes', Buffer.alloc(5 << 20, '#'), /toml can't be read: it is larger than 4 MB/],
    ['with huge numbers', Buffer.from('concurrent = 99999999999999999999'), /toml:1/],
    ['with odd numbers', Buffer.from('concurrent = inf'), /toml:1: `concurrent` must be a whole number/],
    ['with zero bytes', Buffer.from('concurrent = 1\n\0'), /toml:2:\d+ is no valid TOML/],
  ])('is refused %s, with its line', (_, bytes, message) => {
    writeFileSync(path, bytes);
    expect(() => readConfigFile(path, {})).toThrow(message);
    expect(() => readConfigFile(path, {})).toThrow(ConfigFileError);
  });

  it('may have its keys in other letters, as Go reads them', async () => {
    const text =
      'Concurrent = 3\n[[runners]]\nname = "a"\nToken = "t" # old\nExecutor = "docker"\n[runners.Docker]\nImage = "x"\n' +
      'Memory = "1g"\n[runners.cache]\ntype = "s3"\n[runners.cache.S3]\nbucketName = "b"\naccesskey = "a"\nSECRETKEY = "s"\n';
    const { config, warnings } = readConfigFile(fileOf(text), {}, checkContainers);
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      concurrent: 3,
      runners: [
        {
          token: 't',
          cache: { type: 's3', s3: { bucketName: 'b', accessKey: 'a', secretKey: 's' } },
          docker: { image: 'x', containers: { memory: '1g' } },
        },
      ],
    });
    await editConfigFile(path, [{ kind: 'set', index: 0, values: { token: 'new' } }]);
    expect(readFileSync(path, 'utf8')).toContain('\ntoken = "new" # old\nExecutor');
    const odd = fileOf('[[Runners]]\nname = "a"\nTOKEN = "t"\n');
    await editConfigFile(odd, [{ kind: 'set', index: 0, values: { token: 'x' } }]);
    expect(readConfigFile(path, {}).config.runners).toMatchObject([{ name: 'a', token: 'x' }]);
  });

  it('is refused when it is no file, in words', () => {
    expect(() => readConfigFile(directory, {})).toThrow(`${directory} can't be read: it is a directory`);
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    // Nobody writes into it: it must not be waited for.
    expect(() => readConfigFile(pipe, {})).toThrow(`${pipe} can't be read: it is a pipe, no file`);
    expect(() => readConfigFile('/dev/zero', {})).toThrow("/dev/zero can't be read: it is a device, no file");
    writeFileSync(path, '');
    expect(() => readConfigFile(join(path, 'x'), {})).toThrow(/x can't be read: a part of the path is no directory$/);
    rmSync(path);
    symlinkSync(path, path);
    expect(() => readConfigFile(path, {})).toThrow(/can't be read: too many symbolic links$/);
    expect(configStamp(path)).toMatch(/^out of reach: ELOOP/);
  });

  it.skipIf(process.getuid?.() === 0)('is refused when it may not be read', () => {
    writeFileSync(path, '', { mode: 0 });
    expect(() => readConfigFile(path, {})).toThrow(/can't be read: permission denied$/);
  });

  it('is refused where no directory can be made for it', () => {
    const below = join(directory, 'deep', 'er', 'runner.toml');
    prepareConfigFile(below);
    expect(statSync(join(directory, 'deep')).mode & 0o777).toBe(0o700);
    writeFileSync(join(directory, 'file'), '');
    const inFile = join(directory, 'file', 'runner.toml');
    expect(() => makeConfigDirectory(inFile)).toThrow(`${inFile} can't be written: ${directory}/file can't be made`);
  });

  it('is refused with values of containers that do not fit', () => {
    const text = '[[runners]]\nexecutor = "docker"\n[runners.docker]\nmemory = "lots"\nmemmory = "1g"\n';
    expect(() => readConfigFile(fileOf(text), {}, checkContainers)).toThrow(
      `${path}:4: \`runners[0].docker.memory\` must be a size of 6m or more like "512m" or "2g", not "lots"`,
    );
    expect(readConfigFile(fileOf(text.replace('lots', '1g')), {}, checkContainers).warnings).toEqual([
      `${path}:5: \`runners[0].docker.memmory\` is no setting, did you mean \`memory\`?, and does nothing`,
    ]);
  });
});

describe('changing', () => {
  it('adds a runner below what is there, and nothing else changes', async () => {
    await editConfigFile(fileOf(written), [
      { kind: 'add', runner: { name: 'third', token: 't', docker: { image: 'alpine', volumes: ['/cache'] } } },
    ]);
    const text = readFileSync(path, 'utf8');
    expect(text.startsWith(written)).toBe(true);
    expect(readConfigFile(path, {}).config.runners.map(({ name }) => name)).toEqual(['first', 'second', 'third']);
    expect(readConfigFile(path, {}).config.runners[2]?.docker?.image).toBe('alpine');
  });

  it('makes the file and its directory for the owner alone', async () => {
    const deep = join(directory, 'new', 'runner.toml');
    await editConfigFile(deep, [{ kind: 'add', runner: { name: 'a' } }]);
    expect(statSync(deep).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'new')).mode & 0o777).toBe(0o700);
    const obtained = new Date('2026-01-01T00:00:00Z');
    await editConfigFile(deep, [{ kind: 'add', runner: { name: 'b = 2026-01-01T00:00:00.000Z', at: obtained } }]);
    expect(readFileSync(deep, 'utf8')).toBe(
      'concurrent = 1 # jobs at once, of all runners together\n\n[[runners]]\nname = "a"\n\n' +
        '[[runners]]\nname = "b = 2026-01-01T00:00:00.000Z"\nat = 2026-01-01T00:00:00Z\n',
    );
  });

  it('sets keys in their lines, adds missing ones, keeps comments', async () => {
    const obtained = new Date('2026-01-01T00:00:00Z');
    await editConfigFile(fileOf(written), [
      { kind: 'set', index: 0, values: { token: 'glrt-new', token_obtained_at: obtained, name: 'renamed' } },
      { kind: 'set', index: 1, values: { token: 'other', id: 9 } },
    ]);
    const changed = readFileSync(path, 'utf8');
    const expected = written
      .replace('"first" #', '"renamed" #')
      .replace('glrt-first#token', 'glrt-new')
      .replace('2025-01-02T03:04:05Z', '2026-01-01T00:00:00Z')
      .replace('"${TOKEN}"', '"other"')
      .replace('"1h30m"\n', '"1h30m"\n  id = 9\n');
    expect(changed).toBe(expected);
  });

  it('removes a runner with its tables and the comment above it', async () => {
    await editConfigFile(fileOf(written), [{ kind: 'remove', index: 0 }]);
    const text = readFileSync(path, 'utf8');
    expect(text).not.toMatch(/first|for containers|postgres/);
    expect(text).toContain('# without containers\n[[runners]]\n  name = "second"');
    expect(text).toContain('concurrent = 4 # one a core');
  });

  it('removes the last one and the only one', async () => {
    await editConfigFile(fileOf(written), [
      { kind: 'remove', index: 1 },
      { kind: 'remove', index: 0 },
    ]);
    expect(readConfigFile(path, {}).config.runners).toEqual([]);
    expect(readFileSync(path, 'utf8')).toContain('[session_server]');
  });

  it('writes a file anew whose runners are inline tables, and loses no value', async () => {
    await editConfigFile(fileOf('concurrent = 2\nrunners = [{ name = "a", mystery = [1] }, { name = "b" }]\n'), [
      { kind: 'set', index: 1, values: { token: 'x' } },
    ]);
    expect(readFileSync(path, 'utf8')).toContain('mystery = [ 1 ]');
    expect(readConfigFile(path, {}).config).toMatchObject({
      concurrent: 2,
      runners: [{ name: 'a' }, { name: 'b', token: 'x' }],
    });
  });

  it('is not led astray by texts of several lines that look like headers', async () => {
    const text =
      '[[runners]]\nname = "a"\npre_build_script = """\n[[runners]]\ntoken = 1\n"""\n[[runners]] # 2\nname = "b"\n';
    await editConfigFile(fileOf(text), [{ kind: 'set', index: 1, values: { token: 'x' } }]);
    expect(readFileSync(path, 'utf8')).toBe(`${text}token = "x"\n`);
    expect(readConfigFile(path, {}).config.runners).toMatchObject([
      { name: 'a', token: '', scripts: { preBuild: '[[runners]]\ntoken = 1\n' } },
      { name: 'b', token: 'x' },
    ]);
  });

  it.each([
    ['"""', '[[ -f a ]]\n# b \\""" [runners]\ntoken = 1\n""""'],
    ["'''", "a '' ]\n[[runners]]\n \\'''"],
    ['[', '\n["a"],\n["]"] # [\n]'],
    ['{ a', ' = "\\"[", b = \'[\' }'],
    ['"""', '"""'],
    ['"""', '\\\\"""'],
  ])('keeps the rest of a file byte for byte that has a text such as %s%s', async (begin, rest) => {
    const first = `[[runners]]\r\nname = "a"\r\nodd = ${begin}${rest.replaceAll('\n', '\r\n')} # odd\r\ntoken = "t" # old\r\n`;
    const second = '\r\n# two\r\n[[runners]]\r\nname = "b"\r\n  [runners.docker]\r\n  image = "c"\r\n';
    await editConfigFile(fileOf(`${first}${second}`), [
      { kind: 'set', index: 0, values: { token: 'new' } },
      { kind: 'set', index: 1, values: { token: 'x' } },
      { kind: 'add', runner: { name: 'c' } },
    ]);
    const changed = `${first}${second}`.replace('"t"', '"new"').replace('"b"', '"b"\r\ntoken = "x"');
    expect(readFileSync(path, 'utf8')).toBe(`${changed}\r\n[[runners]]\r\nname = "c"\r\n`);
    await editConfigFile(path, [{ kind: 'remove', index: 1 }]);
    expect(readFileSync(path, 'utf8')).toBe(`${first.replace('"t"', '"new"')}\r\n[[runners]]\r\nname = "c"\r\n`);
  });

  it('leaves a file alone that is no TOML', async () => {
    await expect(editConfigFile(fileOf('x ='), [{ kind: 'add', runner: { name: 'a' } }])).rejects.toThrow(
      ConfigFileError,
    );
    expect(readFileSync(path, 'utf8')).toBe('x =');
  });

  it('writes through a link', async () => {
    mkdirSync(join(directory, 'real'));
    const real = join(directory, 'real', 'config.toml');
    writeFileSync(real, '');
    symlinkSync(real, path);
    await editConfigFile(path, [{ kind: 'add', runner: { name: 'a' } }]);
    expect(readFileSync(real, 'utf8')).toContain('name = "a"');
    expect(configStamp(path)).not.toBe('');
  });
});
