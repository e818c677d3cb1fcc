import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createDockerExecutor, type DockerExecutorOptions } from '../../../src/executors/docker/docker-executor.ts';
import { removeTree } from '../../../src/util/files/remove-tree.ts';
import { countEngineCalls } from '../../bench/engine-counter.ts';
import { readEvents, runCi } from '../../support/run-ci.ts';
import { temporaryProject } from '../../support/temporary-project.ts';
import { collect, jobSpec, never, run } from '../contract.ts';
import { engineLocation, labelled, testEngine } from '../support/engine.ts';
import { engineProxy, remoteEngine } from '../support/engine-proxy.ts';

const engine = await testEngine();
const socket = engine?.isLocal ? engine.text.replace('unix://', '') : undefined;
const isRoot = process.getuid?.() === 0;
const place = mkdtempSync(join(tmpdir(), 'ci-layers, of:\\jobs-'));
const runId = `layers-${process.pid}`;
const image = { name: 'ci-test/debian', span: { file: '.ci.yml', start: 0, end: 0 } };

afterAll(() => removeTree(place));

const outputOf = (stdout: string, job: string): string =>
  readEvents(stdout)
    .filter((event) => event.type === 'job-output' && event.job === job)
    .map((event) => event['text'])
    .join('');

/** A program that does something and then is `node`. */
function nodeAfter(name: string, script: string): string {
  const path = join(place, name);
  writeFileSync(path, `#!/bin/sh\n${script.replaceAll('NODE', `'${process.execPath}'`)}\n`, { mode: 0o755 });
  return path;
}

function tree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(place, 'tree-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe.skipIf(socket === undefined || process.platform !== 'linux')('layers in containers', () => {
  const open = async (over: Partial<DockerExecutorOptions>, log = collect()) => {
    const layersDirectory = mkdtempSync(join(place, 'jobs-'));
    const options = { engine: engineLocation, pull: 'never', graceMs: 500, layersDirectory, ...over } as const;
    const executor = createDockerExecutor(options);
    const session = await executor.open(jobSpec({ runId, executor: 'docker', image }), log, never);
    return {
      session,
      log,
      async [Symbol.asyncDispose]() {
        await session[Symbol.asyncDispose]();
        await executor.close();
        expect(await labelled(engine!.api, runId)).toEqual([]);
        expect(readdirSync(layersDirectory)).toEqual([]);
      },
    };
  };
  const project = {
    '.gitlab-ci.yml': `
default: { image: ci-test/debian:latest }
one: &job
  needs: []
  script:
    - test ! -e ignored.txt
    - cat file
    - echo "$CI_JOB_NAME" >> file
    - mv file moved; mv dir renamed; rm gone
    - sleep 1
    - cat moved; ls; git status --porcelain
two: *job
`,
    file: 'as it was\n',
    gone: 'x',
    'dir/deep': 'x',
    '.gitignore': 'ignored.txt\n',
  };
  const changed = (job: string) => `as it was\n${job}\n`;

  it('show each job the sources, and no job what another one does to them', async () => {
    using made = temporaryProject(project);
    made.write('ignored.txt', 'secret');
    const result = await runCi(['run', '--reporter', 'json', '-j', '2'], { cwd: made.root, home: made.home });
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    for (const job of ['one', 'two']) {
      const output = outputOf(result.stdout, job);
      expect(output).toContain('Job directory: an overlay of 1 layer');
      expect(output).toContain(changed(job));
      expect(output).toContain('moved\nrenamed\n');
      expect(output).toContain(' D dir/deep\n');
    }
    expect(made.git('status', '--porcelain')).toBe('');
    expect(readFileSync(join(made.root, 'file'), 'utf8')).toBe('as it was\n');
    expect(await labelled(engine!.api, result)).toEqual([]);
  });

  // The second: the engine sees the links to layers, but nothing where they lead.
  it.skipIf(!isRoot).each(['', '/cache'])(
    'give way to sending files that the engine does not see (%s)',
    async (store) => {
      using made = temporaryProject(project);
      const hidden = nodeAfter(
        'node-in-other-namespace',
        `exec unshare --mount sh -c 'mkdir -p "$0" && mount -t tmpfs tmpfs "$0" && exec "$@"' '${made.home}${store}' NODE "$@"`,
      );
      const counted = join(place, `counted${store.length}.sock`);
      await using counter = await countEngineCalls(counted, socket!);
      const result = await runCi(['run', '--reporter', 'json', '-j', '1'], {
        cwd: made.root,
        home: made.home,
        node: hidden,
        env: { DOCKER_HOST: `unix://${counted}` },
      });
      expect(result.exitCode, result.stdout + result.stderr).toBe(0);
      for (const job of ['one', 'two']) {
        expect(outputOf(result.stdout, job)).toContain(changed(job));
        expect(outputOf(result.stdout, job)).not.toContain('an overlay of');
      }
      // One more for the try.
      expect(counter.calls.filter((call) => call === 'POST /containers/create')).toHaveLength(3);
      expect(await labelled(engine!.api, result)).toEqual([]);
    },
  );

  it.skipIf(!isRoot)('give out what changed without the engine, and know a cache that did not', async () => {
    using made = temporaryProject({
      ...project,
      '.gitlab-ci.yml': `
default: { image: ci-test/debian:latest }
make:
  cache: { key: k, paths: [deps/] }
  artifacts: { paths: [out/, 'file', 'links/*', links/passwd] }
  script:
    - test -e deps/a || { mkdir deps; echo a > deps/a; ln -s a deps/c; }
    - mkdir out; echo text > out/text; chmod 640 out/text; touch -d 2020-02-03T04:05:06Z out/text
    - ln -s /etc links; ln -s /etc/passwd out/link; mkfifo out/pipe; mv dir out/dir; rm gone
use:
  needs: [make]
  cache: { key: k, paths: [deps/], policy: pull }
  script: [ls out out/dir, 'test "$(stat -c %a%h out/text)" = 6401', date -r out/text +%s, cat deps/c out/text file]
`,
    });
    for (const saved of ['Created cache', 'Cache is up to date']) {
      const counted = join(place, `view-${saved.length}.sock`);
      await using counter = await countEngineCalls(counted, socket!);
      const env = { DOCKER_HOST: `unix://${counted}` };
      const result = await runCi(['run', '--reporter', 'json'], { cwd: made.root, home: made.home, env });
      expect(result.exitCode, result.stdout + result.stderr).toBe(0);
      expect(outputOf(result.stdout, 'make')).toContain(saved);
      expect(outputOf(result.stdout, 'make')).toContain('links/passwd: no matching files');
      expect(outputOf(result.stdout, 'use')).toContain('an overlay of 3 layers');
      expect(outputOf(result.stdout, 'use')).toContain('dir\nlink\ntext\n');
      expect(outputOf(result.stdout, 'use')).toContain('1580702706');
      expect(outputOf(result.stdout, 'use')).toContain('a\ntext\nas it was\n');
      expect(counter.calls.filter((call) => /^(GET|PUT) .*archive/.test(call))).toEqual([]);
    }
    expect(execFileSync('mount', { encoding: 'utf8' })).not.toContain(made.home);
  });

  it.each([
    ['refuses overlays', '"type":"overlay"', '"type":"overlaz"'],
    ['makes plain volumes of them', '"DriverConfig"', '"DriverConfiX"'],
  ])('give way to sending files when the engine %s', async (_, from, to) => {
    using made = temporaryProject(project);
    await using proxy = await engineProxy(join(made.home, 'engine.sock'), socket!, [from, to]);
    const env = { DOCKER_HOST: `unix://${proxy.path}` };
    const result = await runCi(['run', '--reporter', 'json'], { cwd: made.root, home: made.home, env });
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    expect(outputOf(result.stdout, 'one')).toContain(changed('one'));
    expect(outputOf(result.stdout, 'one')).not.toContain('an overlay of');
    expect(await labelled(engine!.api, result)).toEqual([]);
  });

  it.skipIf(!isRoot)('work for an ordinary user, to whom nothing is left that is not his', async () => {
    using made = temporaryProject({
      ...project,
      '.gitlab-ci.yml': `${project['.gitlab-ci.yml']}
make:
  needs: []
  script: [mkdir out, echo made > out/file, chmod 600 out/file, touch "$CI_PROJECT_DIR.tmp/mine"]
  artifacts: { paths: [out/, file] }
  cache: { key: k, paths: [out/] }
use:
  needs: [make]
  script: [cat out/file file, rm -r out, git status --porcelain]
  cache: { key: k, paths: [out/] }
`,
    });
    const user = 1000;
    const own = (path: string): void => {
      chownSync(path, user, user);
      if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) own(join(path, name));
    };
    const base = dirname(made.root);
    own(base);
    await using proxy = await engineProxy(join(base, 'engine.sock'), socket!);
    chmodSync(proxy.path, 0o777);
    const result = await runCi(['run', '--reporter', 'json', '--artifacts-dir', 'artifacts'], {
      cwd: made.root,
      home: made.home,
      node: nodeAfter('node-as-user', `exec setpriv --reuid ${user} --regid ${user} --clear-groups NODE "$@"`),
      env: { DOCKER_HOST: `unix://${proxy.path}`, HOME: made.home },
    });
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    expect(outputOf(result.stdout, 'one')).toContain('Job directory: an overlay of 1 layer');
    expect(outputOf(result.stdout, 'one')).toContain(' D dir/deep\n');
    expect(outputOf(result.stdout, 'use')).toContain('made\nas it was\n');
    const foreign = execFileSync('find', [base, '!', '-uid', String(user), '!', '-path', proxy.path], {
      encoding: 'utf8',
    });
    expect(foreign).toBe('');
    expect(await labelled(engine!.api, result)).toEqual([]);
  });

  it.skipIf(!isRoot)("let git work in a repository of the caller's", async () => {
    const root = tree({ file: 'text\n' });
    for (const args of [
      ['init', '-q'],
      ['add', 'file'],
    ])
      execFileSync('git', args, { cwd: root });
    for (const path of [root, join(root, '.git')]) chownSync(path, 1000, 1000);
    await using opened = await open({ uid: 1000 });
    await opened.session.files.put({ root, immutable: true }, '.', never);
    const { exit, stdout } = await run(opened.session, 'git status --porcelain');
    expect({ exit, stdout: stdout.toString() }).toEqual({ exit: { kind: 'code', code: 0 }, stdout: 'A  file\n' });
    expect(opened.log.text()).toContain('Job directory: an overlay of 1 layer');
    expect(lstatSync(join(root, '.git')).uid).toBe(1000);
  });

  it('stay apart from what is sent: other places, what changes, what comes after a command', async () => {
    await using opened = await open({});
    const { session } = opened;
    const immutable = true;
    const lowest = tree({ a: 'lowest', b: 'lowest', c: 'lowest' });
    await session.files.put({ root: lowest, immutable }, '.', never);
    await session.files.put({ root: lowest, immutable }, '.', never);
    await session.files.put({ root: tree({ b: 'middle', c: 'middle' }), immutable }, '.', never);
    // A layer once more above another one: the kernel takes each only once.
    await session.files.put({ root: lowest, immutable }, '.', never);
    await session.files.put({ root: tree({ c: 'changes' }), immutable: false }, '.', never);
    await session.files.put({ root: tree({ x: 'below' }), immutable }, 'sub', never);
    expect((await run(session, 'cat a b c sub/x; echo new > a')).stdout.toString()).toBe('lowestlowestchangesbelow');
    await session.files.put({ root: tree({ a: 'after' }), immutable }, '.', never);
    expect((await run(session, 'cat a b')).stdout.toString()).toBe('afterlowest');
    expect(readFileSync(join(lowest, 'a'), 'utf8')).toBe('lowest');
  });

  it('fail a job as a failure of its surroundings when they are gone', async () => {
    await using opened = await open({});
    const { files } = opened.session;
    const gone = files.put({ root: join(place, 'gone'), immutable: true }, '.', never);
    await expect(gone).rejects.toMatchObject({ name: 'SystemError', reason: 'runner_system_failure' });
  });

  it('are sent when there are more than an engine is told of', async () => {
    await using opened = await open({});
    const { session, log } = opened;
    const numbers = Array.from({ length: 15 }, (_, index) => String(index));
    for (const number of numbers) {
      await session.files.put({ root: tree({ [number]: number, last: number }), immutable: true }, '.', never);
    }
    const ran = await run(session, 'ls | sort -n | tr "\\n" " "; cat last');
    expect(ran.stdout.toString()).toBe(`${numbers.join(' ').replace('0', '0 last')} 14`);
    expect(log.text()).toContain('Job directory: an overlay of 12 layers');
  });

  it('are swept with their volumes when ci was killed', async () => {
    using made = temporaryProject({
      '.gitlab-ci.yml': `
long: { image: ci-test/busybox:latest, script: [echo now-sleeping, sleep 600] }
`,
    });
    const killed = await runCi(['run', '--reporter', 'json'], {
      cwd: made.root,
      home: made.home,
      onStdout: (text, kill) => {
        if (text.includes('now-sleeping\\n')) kill('SIGKILL');
      },
    });
    expect(killed.signal).toBe('SIGKILL');
    const left = await labelled(engine!.api, killed);
    expect(left.map((name) => name.split(' ')[0]).sort()).toEqual(['container', 'volume']);
    made.write('.gitlab-ci.yml', "quick: { image: ci-test/busybox:latest, script: ['true'] }\n");
    const next = await runCi(['run'], { cwd: made.root, home: made.home });
    expect(next.exitCode, next.stdout + next.stderr).toBe(0);
    expect(await labelled(engine!.api, killed)).toEqual([]);
    expect(execFileSync('find', [made.home, '-path', '*/w/work'], { encoding: 'utf8' })).toBe('');
  });
});

describe.skipIf(socket === undefined)('sources at an engine elsewhere', () => {
  const many = Object.fromEntries(Array.from({ length: 310 }, (_, index) => [`many/${index}`, `${index}\n`]));
  const pipeline = `
default: { image: ci-test/debian:latest }
.job: &job
  needs: []
  script:
    - git status --porcelain
    - git log --oneline | wc -l
    - cat many/309; ls many | wc -l
    - echo changed | tee many/309 new; rm -r many/1*; mv many renamed
one: *job
two: *job
three: *job
none: { needs: [], variables: { GIT_STRATEGY: none }, script: [ls -A | wc -l] }
user: { needs: [], image: { name: ci-test/busybox:latest, docker: { user: app } }, script: [echo new > many/1, cat many/1 many/2] }
last:
  needs: [one]
  cache: { key: k, paths: [cached/] }
  script: [mkdir -p cached, echo c > cached/file, cat many/309]
`;

  async function runAt(host: string, made: ReturnType<typeof temporaryProject>, ...args: string[]) {
    const options = { cwd: made.root, home: made.home, env: { DOCKER_HOST: host } };
    const result = await runCi(['run', '--reporter', 'json', '-j', '2', ...args], options);
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    expect(await labelled(engine!.api, result)).toEqual([]);
    return result;
  }

  it('are sent once for all jobs, and no job sees what another one does to them', async () => {
    using made = temporaryProject({ ...many, '.gitlab-ci.yml': pipeline });
    await using counter = await countEngineCalls(join(made.home, 'counted.sock'), socket!);
    await using remote = await remoteEngine(join(made.home, 'counted.sock'));
    const result = await runAt(remote.host, made, 'one', 'two', 'three');
    for (const job of ['one', 'two', 'three']) {
      const output = outputOf(result.stdout, job);
      expect(output).toContain('Job directory: an overlay of 1 layer');
      expect(output).toMatch(/^1$\n[\s\S]*^309$\n^310$/m);
      expect(output).not.toContain(' M ');
    }
    const count = (call: string) => counter.calls.filter((each) => each === call).length;
    // The tree, the user's git objects and that there are no others: to one container that takes them in.
    expect(count('PUT /containers/ID/archive')).toBe(3);
    expect(count('POST /containers/create')).toBe(4);
    expect(count('POST /containers/ID/start')).toBe(3);
  });

  it('are not there for jobs that do not want them, and are sent to those of other users', async () => {
    using made = temporaryProject({ ...many, '.gitlab-ci.yml': pipeline });
    await using remote = await remoteEngine(socket!);
    const result = await runAt(remote.host, made);
    expect(outputOf(result.stdout, 'none')).toMatch(/^0$/m);
    expect(outputOf(result.stdout, 'user')).toMatch(/^new\n2$/m);
    expect(outputOf(result.stdout, 'last')).toMatch(/^309$/m);
    const again = await runAt(remote.host, made, 'one', 'last');
    expect(outputOf(again.stdout, 'last')).toMatch(/^309$/m);
  });

  it.each([
    ['"type":"overlay"', '"type":"overlaz"'],
    ['"DriverConfig"', '"DriverConfiX"'],
  ])('are sent to each job where the engine has no overlays (%s)', async (from, to) => {
    using made = temporaryProject({ ...many, '.gitlab-ci.yml': pipeline });
    const path = join(made.home, 'engine.sock');
    await using _proxy = await engineProxy(path, socket!, [from, to]);
    await using remote = await remoteEngine(path);
    const result = await runAt(remote.host, made, 'one', 'two');
    for (const job of ['one', 'two']) {
      expect(outputOf(result.stdout, job)).toMatch(/^309$\n^310$/m);
      expect(outputOf(result.stdout, job)).not.toContain('an overlay of');
    }
  });
});
