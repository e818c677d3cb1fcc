import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { walkTree } from '../../src/util/files/walk-tree.ts';
import { killWithReaper } from '../support/reaper.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const isRoot = process.getuid?.() === 0;
/** No account is needed, only a number that is nobody's. */
const ordinary = { uid: 23_456, gid: 23_456 };

type Namespaces = 'allowed' | 'forbidden';
interface Way {
  readonly user: 'root' | 'ordinary';
  readonly isolation: 'auto' | 'overlay' | 'copy';
  readonly namespaces: Namespaces;
}

/** In a user namespace of its own that allows one more, which the user is himself in again: then none is left. */
const withoutNamespaces = [
  ...['unshare', '--user', '--map-root-user', '--', 'sh', '-c'],
  'echo 1 > /proc/sys/user/max_user_namespaces && exec unshare --user --map-user="$0" --map-group="$0" -- "$@"',
  String(ordinary.uid),
];

function canUnshare(): boolean {
  try {
    const options = { stdio: 'ignore', ...(isRoot ? ordinary : {}) } as const;
    execFileSync(withoutNamespaces[0]!, [...withoutNamespaces.slice(1), 'true'], options);
    return true;
  } catch {
    return false;
  }
}

const mayUnshare = process.platform === 'linux' && isRoot && canUnshare();

const ways: readonly Way[] = [
  { user: 'root', isolation: 'auto', namespaces: 'allowed' },
  { user: 'root', isolation: 'overlay', namespaces: 'allowed' },
  { user: 'root', isolation: 'copy', namespaces: 'allowed' },
  { user: 'ordinary', isolation: 'auto', namespaces: 'allowed' },
  { user: 'ordinary', isolation: 'overlay', namespaces: 'allowed' },
  { user: 'ordinary', isolation: 'auto', namespaces: 'forbidden' },
  { user: 'ordinary', isolation: 'overlay', namespaces: 'forbidden' },
];

/** Two jobs meet halfway, so that each has changed its files when the other one looks. */
const meet = (own: string, other: string) =>
  `touch "$MEET/${own}"; for i in $(seq 600); do [ -e "$MEET/${other}" ] && break; sleep 0.05; done; [ -e "$MEET/${other}" ]`;

const changing = (own: string, other: string): string => `change-${own}:
  stage: change
  cache: { key: deps, paths: [node_modules/] }
  script:
    - test ! -e node_modules/ignored
    - mkdir -p node_modules && echo cached > node_modules/cached
    - echo ${own} >> shared.txt; echo ${own} > made-by-${own}
    - rm files/f1.txt; mv files/f2.txt files/renamed-by-${own}.txt; mv tools moved-by-${own}; chmod 600 files/f3.txt
    - ${meet(own, other)}
    - test ! -e made-by-${other}; test ! -e moved-by-${other}; test ! -e files/renamed-by-${other}.txt
    - cat shared.txt; git status --porcelain | grep -v made-by | head -3
    - ${meet(`${own}-looked`, `${other}-looked`)}
`;

const pipeline = `stages: [change, make, use]
${changing('one', 'two')}
${changing('two', 'one')}
make:
  stage: make
  cache: { key: deps, paths: [node_modules/], policy: pull }
  script:
    - cat node_modules/cached shared.txt
    - mkdir -p out/deep; echo 1 > out/a; ln out/a out/deep/hard; ln -s ../shared.txt out/link; ln -s nowhere out/dangling
    - echo x > out/run.sh; chmod 751 out/run.sh; chmod 640 out/a; touch -d '2001-02-03 04:05:06.789' out/a
    - cp -p tools/tool.sh out/tool; mkdir -m 711 out/closed; touch out/closed/empty
  artifacts: { paths: [out/, files/f4.txt] }
use:
  stage: use
  needs: [make]
  script:
    - test ! -e node_modules; test -e files/f1.txt; test -x tools/tool.sh; test -L tools/link
    - cd out; find . | sort | xargs stat -c '%n %F %a %s'; stat -c '%n %Y' a deep/hard; test a -ef deep/hard && echo one file; readlink link dangling
    - echo more >> a; cat deep/hard; stat -c %Y ../files/f4.txt tool
again:
  stage: use
  needs: [make]
  script:
    - cat out/a out/deep/hard
`;

let base: string;
let program: string;

describe.skipIf(!isRoot || process.platform !== 'linux')('isolation of jobs', () => {
  const results = new Map<string, unknown>();

  beforeAll(() => {
    base = mkdtempSync(join(tmpdir(), 'ci-isolation-'));
    chmodSync(base, 0o755);
    // Where the checkout lies an ordinary user may not be able to look.
    program = join(base, 'program');
    for (const part of ['bin', 'dist', 'package.json']) {
      cpSync(join(repository, part), join(program, part), { recursive: true });
    }
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  it.for(ways)('$user, $isolation, user namespaces $namespaces', async (way, { skip }) => {
    skip(way.user === 'ordinary' && !mayUnshare, 'no user namespaces here');
    const place = makePlace(way);
    const before = await stamps(place.project);
    const { exitCode, text, stderr } = await run(way, place);
    expect({ exitCode, stderr }, text).toMatchObject({ exitCode: 0 });
    expect(await stamps(place.project)).toEqual(before);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(place.home);
    const refused = /no overlay here/.test(stderr + text);
    expect(refused).toBe(way.isolation === 'overlay' && way.namespaces === 'forbidden');
    const [outputs, layers] = outputsOf(place);
    expect(layers).toBe(way.isolation !== 'copy' && !refused && (way.user === 'root' || way.isolation === 'overlay'));
    expect(outputs['change-one']).toContain('base\none\n');
    expect(outputs['change-two']).toContain('base\ntwo\n');
    expect(outputs.make).toContain('cached\nbase\n');
    expect(outputs.use).toContain('./a regular file 640 2\n');
    expect(outputs.use).toContain('./closed directory 711');
    expect(outputs.use).toContain('./run.sh regular file 751 2\n');
    expect(outputs.use).toContain('a 981173106\ndeep/hard 981173106\none file\n../shared.txt\nnowhere\n');
    expect(outputs.use).toContain('1\nmore\n1000000000\n1000000000\n');
    expect(outputs.again).toContain('1\n1\n');
    results.set(JSON.stringify(way), outputs);
    const [first] = results.values();
    expect(outputs).toEqual(first);
  });

  it('leaves out what an ordinary user may not read, and says so', async ({ skip }) => {
    skip(!mayUnshare, 'no user namespaces here');
    const way: Way = { user: 'ordinary', isolation: 'auto', namespaces: 'allowed' };
    const place = makePlace(way);
    writeFileSync(
      join(place.project, '.gitlab-ci.yml'),
      `make:\n  script: ["mkdir out", "echo 1 > out/open", "echo 2 > out/shut", "chmod 000 out/shut"]
  cache: { key: k, paths: [out/] }\n  artifacts: { paths: [out/] }
use:\n  needs: [make]\n  cache: { key: k, paths: [out/], policy: pull }\n  script: ["ls out"]\n`,
    );
    const { exitCode, text, stderr } = await run(way, place);
    expect({ exitCode, stderr }, text).toMatchObject({ exitCode: 0 });
    expect(outputsOf(place)[0].make).toMatch(/out\/shut: cannot be read, left out[\s\S]*out\/shut: cannot be read/);
    expect(outputsOf(place)[0].use).toContain('$ ls out\nopen\n');
  });

  it.each([['clean'], ['clean', '--older', '1s'], ['clean', '--all']])(
    'leaves nothing of a killed run: ci %s %s',
    async (...args) => {
      const way: Way = { user: 'root', isolation: 'overlay', namespaces: 'allowed' };
      const place = makePlace(way);
      // As where /home is a link, and with a job that goes on.
      symlinkSync(place.home, join(place.directory, 'link'));
      const seconds = 1000 + Math.floor(Math.random() * 1e6);
      writeFileSync(join(place.project, '.gitlab-ci.yml'), `job:\n  script: [touch "$MEET/here", sleep ${seconds}]\n`);
      const linked = { ...place, home: join(place.directory, 'link') };
      const killed = run(way, linked, (child) => {
        const timer = setInterval(() => {
          if (!existsSync(join(place.directory, 'meet/here'))) return;
          clearInterval(timer);
          killWithReaper(child.pid!);
        }, 10);
      });
      await killed;
      const mounts = (): string => readFileSync('/proc/self/mountinfo', 'utf8');
      expect(mounts()).toContain(place.home);
      const options = { cwd: place.project, env: { PATH: process.env.PATH, CI_CLI_HOME: join(linked.home, 'ci') } };
      // Old enough for `--older`.
      await new Promise((resolve) => setTimeout(resolve, args.includes('--older') ? 1100 : 0));
      execFileSync(process.execPath, [join(program, 'bin/ci.js'), ...args.filter(Boolean)], options);
      expect(mounts()).not.toContain(place.home);
      expect(spawnSync('pgrep', ['-f', `sleep ${seconds}`], { encoding: 'utf8' }).stdout).toBe('');
      execFileSync(process.execPath, [join(program, 'bin/ci.js'), 'clean'], options);
    },
  );
});

function makePlace(way: Way) {
  const directory = mkdtempSync(join(base, 'place-'));
  const project = join(directory, 'project');
  const home = join(directory, 'home');
  for (const path of [project, home, join(directory, 'meet'), join(project, 'files'), join(project, 'tools')]) {
    mkdirSync(path);
  }
  const write = (path: string, text: string): void => writeFileSync(join(project, path), text);
  write('.gitlab-ci.yml', pipeline);
  write('.gitignore', 'node_modules\n');
  write('shared.txt', 'base\n');
  write('tools/tool.sh', '#!/bin/sh\n');
  for (let index = 0; index < 150; index++) write(`files/f${index}.txt`, `${index}\n`);
  mkdirSync(join(project, 'node_modules'));
  write('node_modules/ignored', 'of the working tree\n');
  execFileSync('ln', ['-s', 'tool.sh', join(project, 'tools/link')]);
  chmodSync(join(project, 'tools/tool.sh'), 0o755);
  execFileSync('sh', ['-c', 'find . -type f -exec touch -d @1000000000 {} +'], { cwd: project });
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: project, stdio: 'ignore' });
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', 'x');
  if (way.user === 'ordinary') {
    execFileSync('chown', ['-R', `${ordinary.uid}:${ordinary.gid}`, directory]);
    chownSync(directory, ordinary.uid, ordinary.gid);
  }
  chmodSync(directory, 0o755);
  return { directory, project, home };
}

function run(
  way: Way,
  { directory, project, home }: ReturnType<typeof makePlace>,
  onStart: (child: ChildProcess) => void = () => {},
) {
  const argv = [process.execPath, join(program, 'bin/ci.js'), 'run', '-j', '2', '--isolation', way.isolation, '-v'];
  argv.push('--var', `MEET=${join(directory, 'meet')}`);
  const [file, ...args] = way.namespaces === 'forbidden' ? [...withoutNamespaces, ...argv] : argv;
  const child = spawn(file!, args, {
    cwd: project,
    env: { PATH: process.env.PATH, HOME: home, CI_CLI_HOME: join(home, 'ci') },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(way.user === 'ordinary' ? ordinary : {}),
  });
  onStart(child);
  let text = '';
  let stderr = '';
  child.stdout!.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  child.stderr!.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  return new Promise<{ exitCode: number | null; text: string; stderr: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, text, stderr }));
  });
}

/** What each job printed, and whether any of them had an overlay. */
function outputsOf({ home }: ReturnType<typeof makePlace>): readonly [Record<string, string>, boolean] {
  const logs = execFileSync('find', [home, '-path', '*/logs/*', '-type', 'f'], { encoding: 'utf8' }).trim().split('\n');
  const outputs: Record<string, string> = {};
  let hasOverlay = false;
  for (const path of logs) {
    const text = readFileSync(path, 'utf8').replaceAll(/\u001b\[[\d;]*[Km]/g, '');
    hasOverlay ||= text.includes('an overlay of');
    // Two jobs save the same cache: one of them finds it saved.
    const said = text
      .split('\n')
      .filter((line) => !/^(Running|Job directory|With --isolation|Created cache|Cache is up to date)/.test(line));
    outputs[
      path
        .split('/')
        .at(-1)!
        .replace(/\.log$/, '')
    ] = said.join('\n');
  }
  return [outputs, hasOverlay];
}

/** Everything that can be seen of the working tree without git, which refreshes its index when it looks. */
async function stamps(root: string): Promise<readonly unknown[]> {
  const { entries } = await walkTree(root, { filter: (path) => path !== '.git' });
  return entries.map(({ path, type, sizeBytes, mode, mtimeMs }) => [
    ...[path, type, sizeBytes, mode, mtimeMs],
    lstatSync(join(root, path)).ino,
    type === 'file' ? readFileSync(join(root, path), 'utf8') : '',
  ]);
}
