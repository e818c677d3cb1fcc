import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { engineLocation, testEngine } from '../executors/support/engine.ts';
import { type CiOptions, readEvents, runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';
import { countEngineCalls } from './engine-counter.ts';
import { flat, graphFiles } from './graph.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const hook = new URL('count-loads.mjs', import.meta.url).href;
const engine = await testEngine();

/** Runs `ci` and returns the lines that the hook wrote. */
async function counted(
  project: TemporaryProject,
  args: readonly string[],
  what: 'COUNT_LOADS' | 'COUNT_SPAWNS',
  env: CiOptions['env'] = {},
): Promise<readonly string[]> {
  const file = join(dirname(project.home), `${what}-${args.join('-').replaceAll('/', '-')}.txt`);
  const options = { cwd: project.root, home: project.home };
  const result = await runCi(args, { ...options, env: { ...env, NODE_OPTIONS: `--import ${hook}`, [what]: file } });
  expect(result.exitCode, result.stdout + result.stderr).toBe(0);
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

/** The npm packages whose code is in a file of dist/, by its source map. */
function packagesIn(file: string): readonly string[] {
  return sourcesIn(file).flatMap((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []);
}

function sourcesIn(file: string): readonly string[] {
  return (JSON.parse(readFileSync(`${file}.map`, 'utf8')) as { sources: string[] }).sources;
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

const ownFiles = (urls: readonly string[]): readonly string[] =>
  urls.filter((url) => url.startsWith('file:') && url !== hook).map((url) => fileURLToPath(url));

describe('counts that do not depend on time', () => {
  it('loads nothing but its entry for --version', async () => {
    using project = temporaryProject({});
    const files = ownFiles(await counted(project, ['--version'], 'COUNT_LOADS'));
    expect(files.map((file) => relative(root, file))).toEqual(['bin/ci.js']);
  });

  it.each(['list', 'lint'])('loads no engine, terminal or archive library for %s', async (command) => {
    using project = temporaryProject(graphFiles(flat(2)));
    const files = ownFiles(await counted(project, [command], 'COUNT_LOADS'));
    const bundled = files.filter((file) => relative(root, file).startsWith('dist/'));
    expect(files.filter((file) => file.includes('node_modules'))).toEqual([]);
    expect(bundled.length).toBeGreaterThan(1);
    expect(bundled.length).toBeLessThanOrEqual(40);
    const packages = new Set(bundled.flatMap(packagesIn));
    for (const name of ['dockerode', 'docker-modem', 'listr2', 'tar-stream', 'execa', 'protobufjs', 'ssh2']) {
      expect([...packages]).not.toContain(name);
    }
    const bytes = bundled.reduce((sum, file) => sum + statSync(file).size, 0);
    expect(bytes).toBeLessThan(1_500_000);
  });

  it('loads no engine library for a run in the shell', async () => {
    using project = temporaryProject(graphFiles(flat(1)));
    const files = ownFiles(await counted(project, ['run', '--reporter', 'plain'], 'COUNT_LOADS'));
    const bundled = files.filter((file) => relative(root, file).startsWith('dist/'));
    const packages = new Set(bundled.flatMap(packagesIn));
    for (const name of ['dockerode', 'docker-modem', 'listr2']) expect([...packages]).not.toContain(name);
  });

  it.skipIf(engine === undefined)(
    'loads nothing for ssh, BuildKit or building images for a run in containers',
    async () => {
      using project = temporaryProject({ '.ci.yml': 'a:\n  image: ci-test/busybox:latest\n  script: ["true"]\n' });
      const files = ownFiles(await counted(project, ['run', '--pull', 'never'], 'COUNT_LOADS'));
      expect(files.filter((file) => file.includes('node_modules'))).toEqual([]);
      const bundled = files.filter((file) => relative(root, file).startsWith('dist/'));
      const packages = new Set(bundled.flatMap(packagesIn));
      expect([...packages]).toContain('docker-modem');
    },
  );

  it('has no schema compiler in the bundle', () => {
    const chunks = readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js'))
      .map((name) => join(root, 'dist', name));
    expect(chunks.length).toBeGreaterThan(1);
    const sources = new Set(chunks.flatMap(sourcesIn));
    expect([...sources].some((source) => source.endsWith('validators.js'))).toBe(true);
    const compiler = [...sources].filter((source) => /node_modules\/ajv\/(?!dist\/runtime\/)/.test(source));
    expect(compiler).toEqual([]);
  });

  it('starts one process for each job that does nothing, and as many for itself however many there are', async () => {
    const spawns = async (jobs: number): Promise<Record<string, number>> => {
      using project = temporaryProject(graphFiles(flat(jobs)));
      const base = dirname(project.home);
      const log = join(base, 'started.txt');
      const PATH = `${noteStarts(join(base, 'programs'), log)}${delimiter}${process.env['PATH']}`;
      const others = await counted(project, ['run'], 'COUNT_SPAWNS', { PATH });
      const counts: Record<string, number> = {};
      for (const name of readFileSync(log, 'utf8').trim().split('\n')) counts[name] = (counts[name] ?? 0) + 1;
      for (const path of others.filter((each) => !each.startsWith(base) && each !== 'git')) {
        counts[path] = (counts[path] ?? 0) + 1;
      }
      return counts;
    };
    const [one, ten] = [await spawns(1), await spawns(10)];
    expect(one['bash']).toBe(1);
    expect(ten['bash']).toBe(10);
    expect({ ...ten, bash: 0 }).toEqual({ ...one, bash: 0 });
    expect(Object.keys(one).sort()).toEqual(['bash', 'git']);
  });

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

  it.skipIf(engine === undefined)('makes one container and no network for a job without services', async () => {
    const job = (name: string) => `${name}:\n  image: ci-test/busybox:latest\n  script: ["true"]\n`;
    using project = temporaryProject({ '.ci.yml': ['a', 'b', 'c'].map(job).join('') });
    const socket = engineLocation.host?.replace('unix://', '') ?? '/var/run/docker.sock';
    const path = join(project.home, 'engine.sock');
    await using counter = await countEngineCalls(path, socket);
    const env = { DOCKER_HOST: `unix://${path}` };
    const args = ['run', '-e', 'docker', '--pull', 'never'];
    const result = await runCi(args, { cwd: project.root, home: project.home, env });
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    const count = (call: string): number => counter.calls.filter((each) => each === call).length;
    expect(count('POST /containers/create')).toBe(3);
    expect(count('POST /containers/ID/start')).toBe(3);
    expect(count('DELETE /containers/ID')).toBe(3);
    expect(count('POST /networks/create')).toBe(0);
    expect(counter.calls.filter((call) => call.includes('exec'))).toEqual([]);
  });
});
