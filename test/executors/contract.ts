import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Command, Executor, Session } from '../../src/executors/executor.ts';
import type { FileSelection, FileTree } from '../../src/model/files.ts';
import type { JobSpec } from '../../src/model/job-spec.ts';
import type { Exit } from '../../src/model/outcome.ts';
import type { LogSink } from '../../src/model/ports.ts';
import { fingerprintOf } from '../../src/util/files/fingerprint.ts';
import { removeTree } from '../../src/util/files/remove-tree.ts';
import { walkTree } from '../../src/util/files/walk-tree.ts';
import { doors } from './contract-door.ts';
import { homes } from './contract-home.ts';

/** One executor as the suite sees it. */
export interface Contestant {
  readonly name: string;
  /** What `describe` is skipped by. */
  readonly available: boolean;
  /** `scripts`: commands really run; `files`: only files are real. */
  readonly does: 'scripts' | 'files';
  make(root: string): Executor;
  /** Fields of a job that this executor needs (an image). */
  readonly job: Partial<JobSpec>;
  /** Pids or other names of processes that carry the text in their command line. */
  processes(text: string): Promise<readonly string[]>;
  /** What is left of closed sessions. */
  leftovers(root: string): Promise<readonly string[]>;
}

export const never = new AbortController().signal;

export function jobSpec(over: Partial<JobSpec> = {}): JobSpec {
  return {
    id: 'job',
    name: 'job',
    stage: 'test',
    runId: 'run-1',
    attempt: 1,
    executor: 'fake',
    variables: [],
    services: [],
    steps: [],
    source: { kind: 'none' },
    projectPath: 'group/project',
    dependencies: [],
    workspaceFrom: [],
    timeoutMs: 60_000,
    ...over,
  };
}

export interface Collected extends LogSink {
  bytes(): Buffer;
  text(): string;
  /** Resolves once the output holds the text. */
  says(text: string): Promise<void>;
}

export function collect(beforeEach?: () => Promise<void>): Collected {
  const chunks: Uint8Array[] = [];
  let wake: () => void = () => {};
  const bytes = (): Buffer => Buffer.concat(chunks);
  return {
    bytes,
    text: () => bytes().toString('utf8'),
    write: async (chunk) => {
      await beforeEach?.();
      chunks.push(Uint8Array.from(chunk));
      wake();
    },
    says: async (text) => {
      while (!bytes().includes(text)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

export interface Ran {
  readonly exit: Exit;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export async function run(session: Session, script: string, over: Partial<Command> = {}): Promise<Ran> {
  const stdout = collect();
  const stderr = collect();
  const exit = await session.run({ script, env: {}, stdout, stderr, ...over }, never);
  return { exit, stdout: stdout.bytes(), stderr: stderr.bytes() };
}

async function output(session: Session, script: string, over: Partial<Command> = {}): Promise<string> {
  const ran = await run(session, script, over);
  expect({ exit: ran.exit, stderr: ran.stderr.toString() }).toEqual({ exit: { kind: 'code', code: 0 }, stderr: '' });
  return ran.stdout.toString();
}

function selection(paths: readonly string[], over: Partial<FileSelection> = {}): FileSelection {
  return { paths, exclude: [], untracked: false, ...over };
}

/** The promises of `src/executors/executor.ts`, held against one executor. */
export function executorContract(contestant: Contestant): void {
  describe.skipIf(!contestant.available)(`executor ${contestant.name}`, () => {
    let place: string;
    let root: string;
    let executor: Executor;
    const open = (over: Partial<JobSpec> = {}): Promise<Session> =>
      executor.open(jobSpec({ ...contestant.job, ...over }), collect(), never);

    beforeAll(() => {
      place = mkdtempSync(join(tmpdir(), 'ci-contract-'));
      root = join(place, 'builds');
      mkdirSync(root);
      executor = contestant.make(root);
    });

    afterAll(async () => {
      await executor.close();
      expect(await contestant.leftovers(root)).toEqual([]);
      await removeTree(place);
    });

    describe.skipIf(contestant.does === 'files')('commands', () => {
      commands(open, contestant);
    });
    describe('files', () => {
      files(open, () => mkdtempSync(join(place, 'tree-')), contestant);
    });
    describe.skipIf(contestant.does === 'files')('homes', () => {
      homes(open, () => mkdtempSync(join(place, 'tree-')));
    });
    describe.skipIf(contestant.does === 'files')('doors', () => {
      doors(open, contestant);
    });
    describe('life', () => {
      life(open, () => executor, contestant);
    });
  });
}

/** All that a tree is, as far as `lstat` and reading tell. */
async function stampsOf(root: string): Promise<readonly unknown[]> {
  const { entries } = await walkTree(root);
  return entries.map(({ path, type, sizeBytes, mode, mtimeMs, ino }) => [
    ...[path, type, sizeBytes, mode, mtimeMs, ino],
    type === 'file' ? readFileSync(join(root, path), 'utf8') : '',
  ]);
}

type Open = (over?: Partial<JobSpec>) => Promise<Session>;

function commands(open: Open, contestant: Contestant): void {
  it('runs in the directory, keeps files from one command to the next, not variables', async () => {
    await using session = await open();
    expect(await output(session, 'pwd; echo hello > kept; X=1')).toBe(`${session.directory}\n`);
    expect(await output(session, 'cat kept; echo "[$X]"')).toBe('hello\n[]\n');
    expect(session.directory.endsWith('/group/project')).toBe(true);
    expect(session.temporaryDirectory).toMatch(/\.tmp$/);
  });

  it('passes exit codes on, and how a shell was killed', async () => {
    await using session = await open();
    expect((await run(session, 'exit 42')).exit).toEqual({ kind: 'code', code: 42 });
    expect((await run(session, 'false')).exit).toEqual({ kind: 'code', code: 1 });
    const { exit } = await run(session, 'kill -KILL $$');
    // Whether lack of memory was ruled out depends on what else happens on this machine.
    if (exit.kind === 'signal') expect(exit.signal).toBe('SIGKILL');
    else expect(exit).toMatchObject({ kind: 'code', code: 137 });
  });

  it('gives the environment as it is, hostile values too', async () => {
    await using session = await open();
    const env = {
      PLAIN: 'a b',
      QUOTES: `'"\`$(touch pwned)\\`,
      LINES: '\nfirst\n\nlast\n',
      UNICODE: 'grüße \u{1f600}',
      EMPTY: '',
      GLOB: '*',
      DASH: '-n',
    };
    const names = Object.keys(env);
    const script = `for n in ${names.join(' ')}; do eval "printf '%s|' \\"\\$$n\\""; done; ls`;
    expect(await output(session, script, { env })).toBe(`${Object.values(env).join('|')}|`);
  });

  it("finds the job's programs before all others, whatever PATH is, and a visitor does too", async () => {
    const programs = [
      { name: 'our-first', text: 'echo "mine $1"; [ -w "$0" ] && [ "$(id -u)" != 0 ] && echo writable; :\n' },
      { name: 'our-tool', text: 'exec "${0%/*}/our-first" tool\n' },
    ];
    await using session = await open({ programs });
    expect(session.programs?.startsWith(`${session.temporaryDirectory}/`)).toBe(true);
    const script = 'our-first a; echo x | xargs our-tool; PATH=/bin:/usr/bin:$PATH our-tool; echo *';
    expect(await output(session, script)).toBe('mine a\nmine tool\nmine tool\n*\n');
    expect(await output(session, 'our-first b; echo "$PATH"', { env: { PATH: '/bin:/usr/bin' } })).toBe(
      `mine b\n${session.programs}:/bin:/usr/bin\n`,
    );
    const stdout = collect();
    const by = { kind: 'streams', stdout, stderr: collect() } as const;
    await session.enter?.({ command: 'our-tool', env: {}, by }, never);
    expect(stdout.text()).toBe('mine tool\n');
  });

  it('leaves a variable out that no shell could have, and says so or passes it on', async () => {
    await using session = await open();
    const ran = await run(session, 'echo "$GOOD"', { env: { 'A.B': '1', GOOD: 'yes' } });
    expect(ran.stdout.toString()).toBe('yes\n');
  });

  it('feeds the script on standard input, which commands can be kept from', async () => {
    await using session = await open();
    expect(await output(session, '( cat; echo done ) </dev/null')).toBe('done\n');
    expect(await output(session, `: ${'x'.repeat(300_000)}\necho end`)).toBe('end\n');
  });

  it('keeps output as it is: binary, both streams, without line feeds', async () => {
    await using session = await open();
    const binary = await run(session, `printf '\\000\\001\\377\\r\\n'; printf 'oops\\200' >&2`);
    expect(binary.stdout).toEqual(Buffer.from([0, 1, 255, 13, 10]));
    expect(binary.stderr).toEqual(Buffer.from([...Buffer.from('oops'), 128]));
    const long = await run(session, `head -c 10000000 /dev/zero | tr '\\0' x`);
    expect(long.stdout.length).toBe(10_000_000);
    expect(long.stdout.every((byte) => byte === 120)).toBe(true);
  });

  it('lets scripts open their own output by name', async () => {
    await using session = await open();
    const ran = await run(
      session,
      'echo one > /dev/stderr; echo two | tee /dev/stderr; echo three > /dev/stdout; [ -p /dev/stdout ]',
    );
    expect(ran.exit).toEqual({ kind: 'code', code: 0 });
    expect(ran.stdout.toString()).toBe('two\nthree\n');
    expect(ran.stderr.toString()).toBe('one\ntwo\n');
  });

  it('loses nothing to a slow sink and keeps the order', async () => {
    await using session = await open();
    const stdout = collect(() => sleep(1));
    const exit = await session.run({ script: 'seq 1 200000', env: {}, stdout, stderr: collect() }, never);
    expect(exit).toEqual({ kind: 'code', code: 0 });
    expect(stdout.text()).toBe(Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join(''));
  });

  it('takes another shell, another directory, and says what is wrong with them', async () => {
    await using session = await open();
    expect((await run(session, 'false; echo no', { shell: '/bin/sh -e' })).exit).toEqual({ kind: 'code', code: 1 });
    expect(await output(session, 'pwd', { directory: '/tmp' })).toBe('/tmp\n');
    const missing = await run(session, 'echo no', { directory: '/no/such/place' });
    expect(missing.exit.kind === 'code' && missing.exit.code).not.toBe(0);
    expect(missing.stderr.toString()).toContain('/no/such/place');
    const shell = await run(session, 'echo no', { shell: '/no/such/shell' });
    expect(shell.exit).toEqual({ kind: 'code', code: 127 });
  });

  it('ends everything that a command started when it is cancelled, and runs another one afterwards', async () => {
    await using session = await open();
    const tag = `9${Math.floor(Math.random() * 1e8)}`;
    const stdout = collect();
    const cancel = new AbortController();
    const running = session.run(
      {
        script: `
          sleep ${tag}1 &
          (sleep ${tag}2 & wait) &
          setsid sleep ${tag}3 </dev/null >/dev/null 2>&1 &
          (trap '' HUP; exec sleep ${tag}4) >/dev/null 2>&1 &
          (trap '' TERM; sleep ${tag}5) &
          sleep ${tag}6 </dev/null &
          sleep 0.3; seq 1 10000; echo ready; wait; echo not here`,
        env: {},
        stdout,
        stderr: collect(),
      },
      cancel.signal,
    );
    await stdout.says('ready');
    expect((await contestant.processes(`sleep ${tag}`)).length).toBeGreaterThanOrEqual(6);
    cancel.abort();
    const exit = await running;
    expect(exit).not.toEqual({ kind: 'code', code: 0 });
    expect(await contestant.processes(`sleep ${tag}`)).toEqual([]);
    expect(stdout.text()).toContain('\n9999\n10000\nready\n');
    expect(stdout.text()).not.toContain('not here');
    expect(await output(session, 'echo after')).toBe('after\n');
  });

  it('lets a cancelled command clean up', async () => {
    await using session = await open();
    const stdout = collect();
    const cancel = new AbortController();
    const running = session.run(
      {
        script: `(trap 'echo cleaned; exit 3' TERM; echo ready; while :; do sleep 0.05; done); exit $?`,
        env: {},
        stdout,
        stderr: collect(),
      },
      cancel.signal,
    );
    await stdout.says('ready');
    cancel.abort();
    await running;
    expect(stdout.text()).toContain('cleaned');
  });

  it('does not start a command whose signal is aborted', async () => {
    await using session = await open();
    const command = { script: 'touch ran', env: {}, stdout: collect(), stderr: collect() };
    expect(await session.run(command, AbortSignal.abort())).toEqual({ kind: 'signal', signal: 'SIGTERM' });
    expect(await output(session, 'ls')).toBe('');
  });

  it('does not wait for processes that a command left, and ends them when the session is closed', async () => {
    const tag = `8${Math.floor(Math.random() * 1e8)}`;
    {
      await using session = await open();
      expect((await run(session, `sleep ${tag} & echo started`)).stdout.toString()).toBe('started\n');
    }
    for (let tries = 0; tries < 100 && (await contestant.processes(`sleep ${tag}`)).length > 0; tries++)
      await sleep(50);
    expect(await contestant.processes(`sleep ${tag}`)).toEqual([]);
  });

  it('runs commands beside one in the background, and ends that one with the session', async () => {
    const tag = `7${Math.floor(Math.random() * 1e8)}`;
    {
      await using session = await open();
      const stdout = collect();
      const background = { script: `echo up > state; echo server; sleep ${tag}`, env: {}, stdout, stderr: collect() };
      expect(await session.run({ ...background, background: true }, never)).toEqual({ kind: 'code', code: 0 });
      await stdout.says('server');
      expect(await output(session, 'cat state; echo $V', { env: { V: 'beside' } })).toBe('up\nbeside\n');
      expect((await run(session, 'exit 7')).exit).toEqual({ kind: 'code', code: 7 });
      expect(await output(session, 'sleep 1000 & echo quick')).toBe('quick\n');
      const cancel = new AbortController();
      const second = collect();
      const script = 'echo ready; sleep 1000; echo no';
      const running = session.run({ script, env: {}, stdout: second, stderr: collect() }, cancel.signal);
      await second.says('ready');
      cancel.abort();
      expect(await running).not.toEqual({ kind: 'code', code: 0 });
      expect(await contestant.processes(`sleep ${tag}`)).toHaveLength(1);
    }
    for (let tries = 0; tries < 100 && (await contestant.processes(`sleep ${tag}`)).length > 0; tries++)
      await sleep(50);
    expect(await contestant.processes(`sleep ${tag}`)).toEqual([]);
  });

  it('rejects with the error of a sink', async () => {
    await using session = await open();
    const stdout: LogSink = {
      write: async () => {
        throw new Error('disk full');
      },
    };
    const command = { script: 'echo a; sleep 0.2', env: {}, stdout, stderr: collect() };
    await expect(session.run(command, never)).rejects.toThrow(/disk full/);
  });
}

function files(open: Open, temporary: () => string, contestant: Contestant): void {
  const time = new Date('2020-02-03T04:05:06Z');

  function sampleTree(): string {
    const tree = temporary();
    mkdirSync(join(tree, 'dir/deep'), { recursive: true });
    mkdirSync(join(tree, 'empty'));
    writeFileSync(join(tree, 'plain.txt'), 'plain\n');
    writeFileSync(join(tree, 'dir/run.sh'), '#!/bin/sh\necho run\n', { mode: 0o755 });
    writeFileSync(join(tree, 'dir/deep/big.bin'), randomBytes(700_000));
    writeFileSync(join(tree, 'dir/first'), 'linked\n');
    linkSync(join(tree, 'dir/first'), join(tree, 'dir/second'));
    symlinkSync('plain.txt', join(tree, 'link'));
    for (const name of ['with space', "quo'te", 'naïve ☃', '-dash', '*star*', 'line\nfeed', `long${'x'.repeat(150)}`]) {
      writeFileSync(join(tree, 'dir', name), name);
    }
    chmodSync(join(tree, 'plain.txt'), 0o640);
    utimesSync(join(tree, 'plain.txt'), time, time);
    return tree;
  }

  const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

  it('puts a tree and gets it back: content, modes, times, links, odd names', async () => {
    await using session = await open();
    const tree = sampleTree();
    await session.files.put({ root: tree, immutable: false }, '.', never);
    const into = temporary();
    const taken = await session.files.get(selection(['dir', 'plain.txt', 'link', 'empty/']), into, never);
    expect({ unmatched: taken.unmatched, outside: taken.outside }).toEqual({ unmatched: [], outside: [] });
    expect(taken.entries.map(({ path }) => path).sort()).toEqual(
      [
        'dir',
        'dir/deep',
        'dir/deep/big.bin',
        'dir/first',
        'dir/second',
        'dir/run.sh',
        'dir/with space',
        "dir/quo'te",
        'dir/naïve ☃',
        'dir/-dash',
        'dir/*star*',
        'dir/line\nfeed',
        `dir/long${'x'.repeat(150)}`,
        'empty',
        'link',
        'plain.txt',
      ].sort(),
    );
    expect(digest(join(into, 'dir/deep/big.bin'))).toBe(digest(join(tree, 'dir/deep/big.bin')));
    expect(readFileSync(join(into, 'dir/line\nfeed'), 'utf8')).toBe('line\nfeed');
    expect(statSync(join(into, 'dir/run.sh')).mode & 0o777).toBe(0o755);
    expect(statSync(join(into, 'plain.txt')).mode & 0o777).toBe(0o640);
    expect(statSync(join(into, 'plain.txt')).mtimeMs).toBe(time.getTime());
    expect(readlinkSync(join(into, 'link'))).toBe('plain.txt');
    expect(statSync(join(into, 'dir/first')).ino).toBe(statSync(join(into, 'dir/second')).ino);
    expect(lstatSync(join(into, 'empty')).isDirectory()).toBe(true);
    expect(statSync(join(into, 'plain.txt')).uid).toBe(process.getuid?.());
  });

  it('lays immutable trees over each other, and no job changes them', async () => {
    await using session = await open();
    const [sources, cache, artifacts] = [sampleTree(), temporary(), temporary()];
    for (const [tree, text] of [
      [cache, 'cache'],
      [artifacts, 'artifacts'],
    ] as const) {
      mkdirSync(join(tree, 'dir'));
      mkdirSync(join(tree, text));
      for (const path of ['dir/both', `dir/${text}`, `${text}/own`]) writeFileSync(join(tree, path), text);
    }
    const trees = [sources, cache, artifacts];
    const before = await Promise.all(trees.map(stampsOf));
    for (const root of trees) await session.files.put({ root, immutable: true }, '.', never);
    expect(Buffer.from((await session.files.read('dir/both', 99))!).toString()).toBe('artifacts');
    expect(Buffer.from((await session.files.read('dir/cache', 99))!).toString()).toBe('cache');
    await session.files.write('dir/written', Buffer.from('written'), 0o644);
    await session.files.put({ root: artifacts, immutable: true }, 'dir/below', never);
    if (contestant.does === 'scripts') {
      const script = `set -e; cat dir/both; echo x >> dir/first; rm dir/deep/big.bin; mv dir/cache moved
        mv cache renamed; rm -r artifacts; mkdir artifacts; echo new > artifacts/new; chmod 700 plain.txt
        cat dir/written dir/below/artifacts/own renamed/own`;
      expect(await output(session, script)).toBe('artifactswrittenartifactscache');
      const into = temporary();
      const paths = ['dir/', 'moved', 'renamed', 'artifacts', 'plain.txt', 'cache'];
      const taken = await session.files.get(selection(paths, { exclude: ['dir/with*', 'dir/l*'] }), into, never);
      expect(taken.unmatched).toEqual(['cache']);
      const text = (path: string): string => readFileSync(join(into, path), 'utf8');
      expect([text('moved'), text('renamed/own'), text('artifacts/new')]).toEqual(['cache', 'cache', 'new\n']);
      expect([text('dir/first'), text('dir/run.sh'), text('dir/both')]).toEqual([
        'linked\nx\n',
        '#!/bin/sh\necho run\n',
        'artifacts',
      ]);
      expect(statSync(join(into, 'plain.txt')).mode & 0o777).toBe(0o700);
      expect(statSync(join(into, 'plain.txt')).mtimeMs).toBe(time.getTime());
      for (const gone of ['dir/deep/big.bin', 'dir/cache', 'artifacts/own']) {
        expect(taken.entries.map(({ path }) => path)).not.toContain(gone);
      }
    }
    expect(await Promise.all(trees.map(stampsOf))).toEqual(before);
  });

  const wanted = selection(['deps/', 'none']);
  const answer = { unmatched: ['none'], outside: [] };
  it('knows a tree that is as it was put, where it can tell', async () => {
    await using session = await open();
    const [sources, cache] = [sampleTree(), temporary()];
    mkdirSync(join(cache, 'deps/a/b'), { recursive: true });
    for (const path of ['deps/a/b/file', 'deps/a-b', 'deps/c']) writeFileSync(join(cache, path), path);
    const fingerprint = fingerprintOf((await walkTree(cache)).entries);
    const tree: { -readonly [key in keyof FileTree]: FileTree[key] } = { root: cache, immutable: true, fingerprint };
    await session.files.put({ root: sources, immutable: true }, '.', never);
    await session.files.put(tree, '.', never);
    await session.prepare?.(never);
    /** The answers where nothing is known of the tree, and where the same selection gave it. */
    const same = async (paths = wanted.paths) => {
      delete tree.takenBy;
      const unknown = await session.files.sameAs?.(tree, selection(paths), never);
      tree.takenBy = { selection: wanted, ...answer };
      return [unknown, await session.files.sameAs?.(tree, selection(paths), never)];
    };
    const tells = contestant.name.startsWith('shell');
    const expectSame = async () => {
      for (const told of await same()) expect(told ?? (tells ? undefined : answer)).toMatchObject(answer);
    };
    const changed = [undefined, undefined];
    await expectSame();
    expect(await same(['deps/', 'plain.txt'])).toEqual(changed);
    expect(await same(['deps/a'])).toEqual(changed);
    if (contestant.does === 'files') return;
    await output(session, 'echo more > beside; mkdir -p sub/deps; cat deps/c > sub/deps/c');
    await expectSame();
    const changes = [
      'cp -p deps/a/b/file time; printf DEPS/A/B/FILE > deps/a/b/file; touch -r time deps/a/b/file',
      'echo more >> deps/c',
      'cp -p deps/c kept; rm deps/c',
      'mv kept deps/c; chmod 600 deps/a-b',
      'chmod 644 deps/a-b; touch deps/a/b/new',
      'rm deps/a/b/new; mv deps moved; mkdir deps',
      'rmdir deps; mv sub/deps deps',
    ];
    for (const change of changes) {
      await output(session, change);
      expect(await same(), change).toEqual(changed);
    }
  });

  it('puts over what is there, into new directories, and only the named entries', async () => {
    await using session = await open();
    const tree = sampleTree();
    await session.files.write('new/place/dir/run.sh', Buffer.from('old'), 0o600);
    await session.files.write('new/place/other', Buffer.from('stays'), 0o600);
    const entries = [{ path: 'dir/run.sh', type: 'file', sizeBytes: 19 }] as const;
    await session.files.put({ root: tree, immutable: true, entries }, 'new/place', never);
    const into = temporary();
    const taken = await session.files.get(selection(['new/**']), into, never);
    expect(
      taken.entries
        .filter(({ type }) => type === 'file')
        .map(({ path }) => path)
        .sort(),
    ).toEqual(['new/place/dir/run.sh', 'new/place/other']);
    expect(readFileSync(join(into, 'new/place/dir/run.sh'), 'utf8')).toContain('echo run');
  });

  it('selects by globs, excludes, and names what matched nothing or leads outside', async () => {
    await using session = await open();
    for (const path of ['a/one.txt', 'a/two.log', 'b/c/three.txt', '.git/config', '.hidden', 'top.txt']) {
      await session.files.write(path, Buffer.from(path), 0o644);
    }
    const take = async (paths: readonly string[], over: Partial<FileSelection> = {}) => {
      const into = temporary();
      const { entries, ...rest } = await session.files.get(selection(paths, over), into, never);
      const files = entries.filter(({ type }) => type === 'file').map(({ path }) => path);
      for (const path of files) expect(readFileSync(join(into, path), 'utf8')).toContain(path.split('/').at(-1));
      return { files: files.sort(), unmatched: rest.unmatched, outside: rest.outside, totalBytes: rest.totalBytes };
    };
    expect(await take(['**/*.txt', 'nothing/*.x', '../up', '/etc/passwd'])).toEqual({
      files: ['a/one.txt', 'b/c/three.txt', 'top.txt'],
      unmatched: ['nothing/*.x'],
      outside: ['../up', '/etc/passwd'],
      totalBytes: 29,
    });
    expect((await take(['a', 'b'], { exclude: ['**/*.txt'] })).files).toEqual(['a/two.log']);
    expect((await take(['.'])).files).toEqual(['.hidden', 'a/one.txt', 'a/two.log', 'b/c/three.txt', 'top.txt']);
    expect((await take([`${session.directory}/a/*.log`])).files).toEqual(['a/two.log']);
    expect((await take(['c'], { base: 'b' })).files).toEqual(['c/three.txt']);
    expect((await take(['c'], { base: `${session.directory}/b` })).files).toEqual(['c/three.txt']);
    expect(await take(['missing'])).toEqual({ files: [], unmatched: ['missing'], outside: [], totalBytes: 0 });
    expect((await take(['a', 'gone'], { base: 'not/there' })).unmatched).toEqual(['a', 'gone']);
  });

  it('reads and writes single files', async () => {
    await using session = await open();
    const { files: inside } = session;
    const content = randomBytes(100_000);
    await inside.write('sub/file', content, 0o600);
    await inside.write(`${session.temporaryDirectory}/SECRET`, Buffer.from('s3cret'), 0o400);
    expect(Buffer.from((await inside.read('sub/file', 100_000))!).equals(content)).toBe(true);
    expect(Buffer.from((await inside.read(`${session.temporaryDirectory}/SECRET`, 100))!).toString()).toBe('s3cret');
    expect(await inside.read('sub/file', 99_999)).toBeUndefined();
    expect(await inside.read('sub', 10)).toBeUndefined();
    expect(await inside.read('missing/file', 10)).toBeUndefined();
    await inside.write('sub/file', Buffer.from('new'), 0o644);
    expect(Buffer.from((await inside.read('sub/file', 10))!).toString()).toBe('new');
  });

  it.skipIf(contestant.does === 'files')('gives files to the user that scripts run as, and takes theirs', async () => {
    await using session = await open();
    const tree = temporary();
    writeFileSync(join(tree, 'script.sh'), 'echo from tree', { mode: 0o750 });
    await session.files.put({ root: tree, immutable: true }, 'deep/er', never);
    await session.files.write('deep/note', Buffer.from('x'), 0o600);
    await session.files.write(`${session.temporaryDirectory}/VAR`, Buffer.from('value'), 0o600);
    const script = `. ./deep/er/script.sh; rm deep/note; echo made > deep/er/made; mkfifo pipe; ln -s made deep/er/l
      cat ${session.temporaryDirectory}/VAR; ls -ld . deep deep/er/script.sh ${session.temporaryDirectory} | awk '{print $3}' | sort -u | wc -l
      [ "$(stat -c %u .)" = "$(id -u)" ] && echo mine; stat -c %a deep/er/script.sh ${session.temporaryDirectory}/VAR`;
    expect((await output(session, script)).split(/\s+/).join(' ')).toBe('from tree value1 mine 750 600 ');
    const into = temporary();
    const taken = await session.files.get(selection(['deep', 'pipe']), into, never);
    expect(taken.entries.map(({ path }) => path).sort()).toEqual([
      'deep',
      'deep/er',
      'deep/er/l',
      'deep/er/made',
      'deep/er/script.sh',
    ]);
    expect(statSync(join(into, 'deep/er/made')).uid).toBe(process.getuid?.());
    expect(dirname(into)).not.toBe(session.directory);
  });

  it.skipIf(contestant.does === 'files')(
    'takes one name of a hard linked file, and links that lead outside',
    async () => {
      await using session = await open();
      await output(session, 'echo x > a; ln a b; ln -s /etc/passwd out; mkdir d; ln -s ../../.. d/up');
      const into = temporary();
      const taken = await session.files.get(selection(['b', 'out', 'd']), into, never);
      expect(taken.entries.map(({ path }) => path).sort()).toEqual(['b', 'd', 'd/up', 'out']);
      expect(readFileSync(join(into, 'b'), 'utf8')).toBe('x\n');
      expect(readlinkSync(join(into, 'out'))).toBe('/etc/passwd');
    },
  );

  it('stops when it is aborted', async () => {
    await using session = await open();
    const tree = sampleTree();
    await expect(session.files.put({ root: tree, immutable: true }, '.', AbortSignal.abort())).rejects.toThrow(
      /abort/i,
    );
  });
}

function life(open: Open, executor: () => Executor, contestant: Contestant): void {
  it('keeps sessions apart', async () => {
    await using first = await open({ id: 'first' });
    await using second = await open({ id: 'second' });
    await Promise.all([
      first.files.write('only-first', Buffer.from('1'), 0o644),
      second.files.write('only-second', Buffer.from('2'), 0o644),
    ]);
    expect(await first.files.read('only-second', 10)).toBeUndefined();
    expect(await second.files.read('only-first', 10)).toBeUndefined();
    expect(first.directory === second.directory).toBe(contestant.name.startsWith('docker'));
  });

  it('does not open for an aborted job', async () => {
    const reason = new Error('given up');
    const opening = executor().open(jobSpec(contestant.job), collect(), AbortSignal.abort(reason));
    await expect(opening).rejects.toBe(reason);
  });

  it.skipIf(contestant.does === 'files')('is removed after a failure, whatever the job made', async () => {
    const session = await open();
    await run(session, 'mkdir -p ro/only; touch ro/only/file; chmod -R a-w ro; chmod 0 ro/only; exit 1');
    await session[Symbol.asyncDispose]();
  });
}
