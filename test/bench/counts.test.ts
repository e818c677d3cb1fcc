import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../scripts/bundle.mjs';
import { engineLocation, testEngine } from '../executors/support/engine.ts';
import { type CiOptions, readEvents, runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';
import { countEngineCalls } from './engine-counter.ts';
import { flat, graphFiles } from './graph.ts';
import { whyNoOverlays } from './room.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const hook = new URL('count.mjs', import.meta.url).href;
const engine = await testEngine();
const image = 'ci-test/busybox:latest';

/** A copy of `ci` whose bundle names its modules. */
const named = mkdtempSync(join(tmpdir(), 'ci-named-'));
/** Every module of the bundle with its bytes; true: it is evaluated only when it is wanted. */
const modules = new Map<string, { readonly bytes: number; readonly lazy: boolean }>();

beforeAll(async () => {
  cpSync(join(root, 'bin'), join(named, 'bin'), { recursive: true });
  cpSync(join(root, 'package.json'), join(named, 'package.json'));
  for (const name of ['schemas', 'node_modules']) symlinkSync(join(root, name), join(named, name));
  const bundled = await bundle(join(named, 'dist'), { names: 'kept' });
  const text = readFileSync(join(named, 'dist/ci.js'), 'utf8');
  for (const { module, bytes } of bundled) modules.set(module, { bytes, lazy: text.includes(`({"${module}"(`) });
});
afterAll(() => rmSync(named, { recursive: true, force: true }));

/** Runs `ci` and returns the lines that the hook wrote. */
async function counted(
  project: TemporaryProject,
  args: readonly string[],
  what: 'COUNT_LOADS' | 'COUNT_PROMISES' | 'COUNT_SPAWNS',
  env: CiOptions['env'] = {},
): Promise<readonly string[]> {
  const file = join(dirname(project.home), `${what}-${args.join('-').replaceAll('/', '-')}.txt`);
  const options = { cwd: project.root, home: project.home, program: join(named, 'bin/ci.js') };
  const result = await runCi(args, { ...options, env: { ...env, NODE_OPTIONS: `--import ${hook}`, [what]: file } });
  expect(result.exitCode, result.stdout + result.stderr).toBe(0);
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

/** The modules that a command evaluates. */
async function evaluated(project: TemporaryProject, args: readonly string[]): Promise<readonly string[]> {
  const ran = new Set(await counted(project, args, 'COUNT_LOADS'));
  expect([...ran]).toContain(join(named, 'bin/bundle.js'));
  return [...modules].filter(([module, { lazy }]) => !lazy || ran.has(module)).map(([module]) => module);
}

/** The npm packages that these modules are of. */
function packagesOf(paths: readonly string[]): readonly string[] {
  return [...new Set(paths.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []))];
}

function bytesOf(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + modules.get(path)!.bytes, 0);
}

/** Makes a folder of `bash`, `sh` and `git` for the head of PATH that note their name in a file at each start. */
function noteStarts(folder: string, log: string): string {
  mkdirSync(folder);
  for (const name of ['bash', 'sh', 'git']) {
    const real = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    writeFileSync(join(folder, name), `#!/bin/sh\necho ${name} >>'${log}'\nexec '${real}' "$@"\n`, { mode: 0o755 });
  }
  return folder;
}

/** How often a command starts each program. */
async function programsStarted(project: TemporaryProject, args: readonly string[]): Promise<Record<string, number>> {
  const base = dirname(project.home);
  const log = join(base, 'started.txt');
  const PATH = `${noteStarts(join(base, 'programs'), log)}${delimiter}${process.env['PATH']}`;
  const others = await counted(project, args, 'COUNT_SPAWNS', { PATH });
  const counts: Record<string, number> = {};
  const started = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  for (const name of started) counts[name] = (counts[name] ?? 0) + 1;
  for (const path of others.filter((each) => !each.startsWith(base) && each !== 'git')) {
    counts[path] = (counts[path] ?? 0) + 1;
  }
  return counts;
}

describe('counts that do not depend on time', () => {
  it('loads nothing but its entry for --version', async () => {
    using project = temporaryProject({});
    const files = await counted(project, ['--version'], 'COUNT_LOADS');
    expect(files.map((file) => relative(named, file))).toEqual(['bin/ci.js']);
  });

  it.each([
    ['list', { modules: 320, bytes: 970_000 }],
    ['lint', { modules: 305, bytes: 930_000 }],
  ] as const)('loads no engine, terminal or archive library for %s', async (command, most) => {
    using project = temporaryProject(graphFiles(flat(2)));
    const paths = await evaluated(project, [command]);
    expect(packagesOf(paths)).toEqual(expect.arrayContaining(['commander', 'yaml']));
    for (const name of ['dockerode', 'docker-modem', 'listr2', 'tar-stream', 'execa', 'protobufjs', 'ssh2']) {
      expect(packagesOf(paths)).not.toContain(name);
    }
    expect(packagesOf([...modules.keys()])).toEqual(expect.arrayContaining(['dockerode', 'listr2', 'execa']));
    // RE2's tables are for files that have patterns.
    expect(packagesOf(paths)).not.toContain('re2js');
    // Another language's words are for its files.
    expect(paths.filter((path) => path.includes('dialects/circle'))).toEqual([]);
    expect(paths.length).toBeLessThanOrEqual(most.modules);
    expect(bytesOf(paths)).toBeLessThan(most.bytes);
  });

  it.each([
    ['lint', ['child_process', 'fs/promises', 'crypto']],
    ['list', ['fs/promises', 'crypto']],
    ['run', ['crypto']],
  ])("does not load those of Node's own modules that %s can do without", async (command, spared) => {
    using project = temporaryProject(graphFiles(flat(2)));
    const file = join(dirname(project.home), 'modules.txt');
    const env = {
      NODE_OPTIONS: `--require ${join(import.meta.dirname, 'node-modules.cjs')}`,
      NODE_MODULES_LOADED: file,
    };
    const options = { cwd: project.root, home: project.home, env };
    // The second run has a snapshot to compare with.
    for (let time = 0; time < 2; time++) expect((await runCi([command], options)).exitCode).toBe(0);
    const loaded = readFileSync(file, 'utf8').split('\n');
    expect(loaded).toContain('fs');
    expect(loaded.filter((each) => spared.includes(each))).toEqual([]);
  });

  it('loads RE2 for a file with a pattern', async () => {
    const job = 'a:\n  script: ["true"]\n  rules:\n    - if: $CI_COMMIT_BRANCH =~ /^m/\n';
    using project = temporaryProject({ '.gitlab-ci.yml': job });
    expect(packagesOf(await evaluated(project, ['list']))).toContain('re2js');
  });

  it('asks git three times for a list, by one shell, and never to lint what does not depend on it', async () => {
    using project = temporaryProject(graphFiles(flat(2)));
    expect(await programsStarted(project, ['list'])).toEqual({ '/bin/sh': 1, git: 3 });
    using other = temporaryProject(graphFiles(flat(2)));
    expect(await programsStarted(other, ['lint'])).toEqual({});
    using dependent = temporaryProject({
      '.gitlab-ci.yml': 'include:\n  - local: more.yml\n    rules:\n      - if: $CI_COMMIT_BRANCH == "main"\n',
      'more.yml': 'a:\n  script: ["true"]\n',
    });
    expect(await programsStarted(dependent, ['lint'])).toEqual({ git: 3 });
  });

  it('loads no engine library for a run in the shell', async () => {
    using project = temporaryProject(graphFiles(flat(1)));
    const packages = packagesOf(await evaluated(project, ['run', '--reporter', 'plain']));
    expect(packages).toContain('yaml');
    for (const name of ['dockerode', 'docker-modem', 'listr2']) expect(packages).not.toContain(name);
  });

  it.skipIf(engine === undefined)(
    'loads nothing for ssh, BuildKit or building images for a run in containers',
    async () => {
      using project = temporaryProject({ '.ci.yml': 'a:\n  image: ci-test/busybox:latest\n  script: ["true"]\n' });
      const lines = await counted(project, ['run', '--pull', 'never'], 'COUNT_LOADS');
      expect(lines.filter((line) => line.startsWith('/') && line.includes('node_modules'))).toEqual([]);
      const ran = [...modules.keys()].filter((module) => lines.includes(module));
      expect(packagesOf(ran)).toContain('docker-modem');
      for (const path of ['docker-modem/lib/ssh.js', 'dockerode/lib/session.js', 'tar-fs/index.js']) {
        expect(modules.get(`node_modules/${path}`)).toMatchObject({ lazy: true });
        expect(ran).not.toContain(`node_modules/${path}`);
      }
    },
  );

  it('has no schema compiler in the bundle', () => {
    const paths = [...modules.keys()];
    expect(paths.some((path) => path.endsWith('validators.js'))).toBe(true);
    expect(paths.filter((path) => /node_modules\/ajv\/(?!dist\/runtime\/)/.test(path))).toEqual([]);
  });

  it('starts one process for each job that does nothing, and as many for itself however many there are', async () => {
    const spawns = async (jobs: number): Promise<Record<string, number>> => {
      using project = temporaryProject(graphFiles(flat(jobs)));
      return await programsStarted(project, ['run']);
    };
    const [one, ten] = [await spawns(1), await spawns(10)];
    expect(one['bash']).toBe(1);
    expect(ten['bash']).toBe(10);
    // Pipes are made a few dozen at a time, two for a job.
    expect(one['mkfifo'] ?? 0).toBeLessThanOrEqual(1);
    expect(ten['mkfifo'] ?? 0).toBeLessThanOrEqual(2);
    expect({ ...ten, bash: 0, mkfifo: 0 }).toEqual({ ...one, bash: 0, mkfifo: 0 });
    // One shell starts the gits whose answers are wanted early, one waits for our end, to remove what a killed run leaves.
    expect(one['/bin/sh']).toBe(2);
    expect(Object.keys({ ...one, mkfifo: 0 }).sort()).toEqual(['/bin/sh', 'bash', 'git', 'mkfifo']);
  });

  it('makes few promises for each job, and as many however many jobs there are', async () => {
    const promises = async (jobs: number): Promise<number> => {
      using project = temporaryProject(graphFiles(flat(jobs)));
      return Number((await counted(project, ['run', '-j', '2'], 'COUNT_PROMISES'))[0]);
    };
    // Few jobs are started by us and many by the helper, which costs us fewer: as many as are started by one of them.
    const [four, ten] = [await promises(4), await promises(10)];
    expect((ten - four) / 6).toBeLessThan(340);
    const [twenty, forty] = [await promises(20), await promises(40)];
    // 271 on a quiet machine; on a busy one output comes in more pieces.
    expect((forty - twenty) / 20).toBeLessThan(300);
  });

  it.skipIf(whyNoOverlays(tmpdir()) !== undefined)(
    'mounts once for each job with a large tree, and unmounts no oftener',
    async () => {
      const files = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`src/${index}.txt`, `${index}\n`]));
      const started = async (jobs: number): Promise<Record<string, number>> => {
        using project = temporaryProject({ ...files, ...graphFiles(flat(jobs)) });
        return await programsStarted(project, ['run', '-j', '2']);
      };
      const [one, eight] = [await started(1), await started(8)];
      expect(one).toMatchObject({ bash: 1, mount: 1, umount: 1 });
      expect(eight).toMatchObject({ bash: 8, mount: 8 });
      expect(eight['umount']).toBeLessThanOrEqual(8);
      const perJob = { bash: 0, mkfifo: 0, mount: 0, umount: 0 };
      expect({ ...eight, ...perJob }).toEqual({ ...one, ...perJob });
    },
  );

  it('copies no file twice for the snapshot of a tree that has not changed', async () => {
    const files = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`src/${index}.txt`, `${index}\n`]));
    using project = temporaryProject({ ...files, '.ci.yml': 'a:\n  script: ["true"]\n' });
    const copies = async (): Promise<readonly number[]> => {
      const args = ['run', '-v', '--reporter', 'json'];
      const { stdout, stderr } = await runCi(args, { cwd: project.root, home: project.home });
      const told = readEvents(stdout).flatMap(({ message }) => /(\d+) files, (\d+) copied/.exec(String(message)) ?? []);
      expect(told, stderr).toHaveLength(3);
      return told.slice(1).map(Number);
    };
    expect(await copies()).toEqual([21, 21]);
    expect(await copies()).toEqual([21, 0]);
    project.write('src/3.txt', 'changed\n');
    project.write('src/new.txt', 'new\n');
    expect(await copies()).toEqual([22, 2]);
    expect(await copies()).toEqual([22, 0]);
  });

  it.skipIf(engine === undefined).each([
    { services: '', containers: 3, networks: 0, what: 'without services: a container each, no network' },
    {
      services: `\n  services:\n    - { name: ${image}, alias: db, command: [sleep, '60'] }`,
      containers: 6,
      networks: 3,
      what: 'with a service: two containers and a network each',
    },
  ])(
    'makes $containers containers and $networks networks for three jobs',
    async ({ services, containers, networks }) => {
      const job = (name: string) => `${name}:\n  image: ${image}\n  script: ["true"]${services}\n`;
      using project = temporaryProject({ '.ci.yml': ['a', 'b', 'c'].map(job).join('') });
      const socket = engineLocation.host?.replace('unix://', '') ?? '/var/run/docker.sock';
      const path = join(project.home, 'engine.sock');
      await using counter = await countEngineCalls(path, socket);
      const env = { DOCKER_HOST: `unix://${path}` };
      const args = ['run', '-e', 'docker', '--pull', 'never'];
      const result = await runCi(args, { cwd: project.root, home: project.home, env });
      expect(result.exitCode, result.stdout + result.stderr).toBe(0);
      const count = (call: string): number => counter.calls.filter((each) => each === call).length;
      expect(count('POST /containers/create')).toBe(containers);
      expect(count('POST /containers/ID/start')).toBe(containers);
      expect(count('DELETE /containers/ID')).toBe(containers);
      expect(count('POST /networks/create')).toBe(networks);
      expect(counter.calls.filter((call) => call.includes('exec'))).toEqual([]);
    },
  );
});
