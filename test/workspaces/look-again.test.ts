import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GitResult, runGit } from '../../src/util/git.ts';
import type { AskGit } from '../../src/workspaces/git-question.ts';
import { beginLook, type EarlyLook } from '../../src/workspaces/last-snapshot.ts';
import { type Snapshot, takeSnapshot } from '../../src/workspaces/take-snapshot.ts';

const directories = 51;
const filesEach = 100;
const all = directories * filesEach;

let base: string;
let project: string;
let store: string;
const env = () => ({ PATH: process.env.PATH, HOME: base, GIT_CONFIG_NOSYSTEM: '1' });
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], { cwd: project, env: env() });
const path = (name: string) => join(project, name);

beforeAll(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'look-')));
  project = join(base, 'project');
  store = join(base, 'store');
  for (let directory = 0; directory < directories; directory++) {
    mkdirSync(path(`d${directory}`), { recursive: true });
    for (let file = 0; file < filesEach; file++) writeFileSync(path(`d${directory}/f${file}`), `file ${file}`);
  }
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-q', '-m', 'first');
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Files as old as the tests need them to be trusted. */
const later = () => Date.now() + 60_000;

const ask: AskGit = (directory, args) => runGit(args, { cwd: directory, env: env() });

function begin(nowMs = later(), git = ask): EarlyLook {
  return beginLook({ projectRoot: project, topLevel: project, storeDirectory: store, git, nowMs });
}

/** As a run does it: begins to look, then takes the snapshot. */
async function take({ lookAtMs = later() } = {}) {
  await using early = begin(lookAtMs);
  return { looked: early.last?.look !== undefined, snapshot: await takeAfter(early) };
}

function takeAfter(early: EarlyLook, git = ask): Promise<Snapshot> {
  return takeSnapshot({
    projectRoot: project,
    topLevel: project,
    storeDirectory: store,
    git,
    nowMs: later(),
    early,
  });
}

const content = (snapshot: Snapshot, name: string) => readFileSync(join(snapshot.tree.root, name), 'utf8');

describe('a look at the last snapshot’s files before the next is taken', () => {
  it('tells that nothing was changed, and what there is', async () => {
    const first = await take();
    await using _first = first.snapshot;
    expect(first).toMatchObject({ looked: false, snapshot: { reused: 'none', copied: all } });
    const second = await take();
    await using snapshot = second.snapshot;
    expect(second.looked).toBe(true);
    expect(snapshot).toMatchObject({ reused: 'all', copied: 0, files: all, skipped: [] });
    expect(snapshot.tree.id).toBe(first.snapshot.tree.id);
    expect(snapshot.bytes).toBe(first.snapshot.bytes);
    const own = (entries: readonly { path: string }[] = []) => entries.filter(({ path }) => !path.startsWith('.git/'));
    expect(own(await snapshot.tree.contents?.())).toEqual(own(await first.snapshot.tree.contents?.()));
  });

  it('notices a file with new content, the same size and its old time', async () => {
    const { mtime, size } = lstatSync(path('d7/f7'));
    writeFileSync(path('d7/f7'), 'FILE 7');
    utimesSync(path('d7/f7'), mtime, mtime);
    expect(lstatSync(path('d7/f7')).size).toBe(size);
    const { looked, snapshot } = await take();
    await using _ = snapshot;
    expect(looked).toBe(true);
    expect(snapshot).toMatchObject({ reused: 'some', copied: 1 });
    expect(content(snapshot, 'd7/f7')).toBe('FILE 7');
  });

  it('notices files that are new, gone, or have another mode or kind', async () => {
    writeFileSync(path('d3/new'), 'new');
    unlinkSync(path('d4/f4'));
    chmodSync(path('d5/f5'), 0o755);
    unlinkSync(path('d6/f6'));
    mkdirSync(path('d6/f6'));
    writeFileSync(path('d6/f6/inside'), 'inside');
    const { snapshot } = await take();
    await using _ = snapshot;
    expect(snapshot).toMatchObject({ reused: 'some', copied: 3, files: all });
    expect(content(snapshot, 'd3/new')).toBe('new');
    expect(content(snapshot, 'd6/f6/inside')).toBe('inside');
    expect(lstatSync(join(snapshot.tree.root, 'd4/f4'), { throwIfNoEntry: false })).toBeUndefined();
    expect(lstatSync(join(snapshot.tree.root, 'd5/f5')).mode & 0o777).toBe(0o755);
  });

  it('notices a commit that changed no file', async () => {
    git('add', '-A');
    git('commit', '-q', '-m', 'second');
    const { snapshot } = await take();
    await using _ = snapshot;
    expect(snapshot).toMatchObject({ reused: 'some', copied: 0 });
    const { snapshot: again } = await take();
    await using __ = again;
    expect(again.reused).toBe('all');
  });

  it('takes nothing for older than it was when it was looked at', async () => {
    // Every file was changed after the look began, so none of them is trusted the next time.
    writeFileSync(path('d8/f8'), 'other');
    const { snapshot } = await take({ lookAtMs: Date.now() - 3_600_000 });
    await using _ = snapshot;
    expect(snapshot.copied).toBe(1);
    const { snapshot: next } = await take();
    await using __ = next;
    expect(next.copied).toBe(all);
  });

  it('gives way to a snapshot that another run takes in between', async () => {
    writeFileSync(path('d9/f9'), 'before');
    await using early = begin();
    writeFileSync(path('d9/f9'), 'after, and longer');
    const other = await take();
    await using _other = other.snapshot;
    const snapshot = await takeAfter(early);
    await using _ = snapshot;
    expect(early.last?.look).toBeDefined();
    expect(snapshot.tree.id).toBe(other.snapshot.tree.id);
    expect(content(snapshot, 'd9/f9')).toBe('after, and longer');
  });

  it('looks anew at what had changed already, and at all when files were moved meanwhile', async () => {
    const finished = (early: EarlyLook) => early.last!.look!.finish(undefined);
    writeFileSync(path('d10/f10'), 'changed');
    writeFileSync(path('d11/f11'), 'changed');
    await using early = begin();
    await finished(early);
    unlinkSync(path('d10/f10'));
    unlinkSync(path('d11/f11'));
    mkdirSync(path('d11/f11'));
    await using snapshot = await takeAfter(early);
    expect(snapshot).toMatchObject({ reused: 'some', copied: 0, files: all - 2 });
    await using second = begin();
    await finished(second);
    renameSync(path('d12'), path('d12b'));
    await using moved = await takeAfter(second);
    expect(moved).toMatchObject({ reused: 'some', copied: filesEach, files: all - 2 });
    expect(existsSync(join(moved.tree.root, 'd12'))).toBe(false);
    expect(content(moved, 'd12b/f1')).toBe('file 1');
  });

  it('ends when nobody wants it', async () => {
    const early = begin();
    expect(early.last?.look).toBeDefined();
    await early[Symbol.asyncDispose]();
  });
});

describe('a first snapshot of many files', () => {
  const outside = () => join(base, 'outside');
  const printed = ['-type', 'l', '-printf', '%P -> %l\\n', '-o', '-printf', '%P %m %T@ %s\\n'];
  const look = (root: string) =>
    execFileSync('find', ['.', '-path', './.git', '-prune', '-o', '-type', 'd', '-o', ...printed], {
      cwd: root,
      encoding: 'utf8',
    })
      .split('\n')
      .sort();

  it('is made by threads as it is without them', async () => {
    renameSync(path('d7'), outside());
    symlinkSync(outside(), path('d7'));
    symlinkSync('f1', path('d8/link'));
    writeFileSync(path('d8/large'), Buffer.alloc(600_000, 'x'));
    chmodSync(path('d9/f9'), 0o775);
    rmSync(path('d10'), { recursive: true });
    unlinkSync(path('d11/f1'));
    mkdirSync(path('d11/f1'));
    writeFileSync(path('d11/f1/new'), 'untracked');
    rmSync(store, { recursive: true, force: true });
    const request = { projectRoot: project, topLevel: project, git: ask, nowMs: later() };
    await using early = begin();
    expect(early.threads?.get()).toHaveLength(2);
    await using byThreads = await takeSnapshot({ ...request, storeDirectory: store, early });
    await using without = await takeSnapshot({ ...request, storeDirectory: join(base, 'other') });
    expect(look(byThreads.tree.root)).toEqual(look(without.tree.root));
    const told = ({ files, bytes, copied, reused, skipped }: Snapshot) => ({ files, bytes, copied, reused, skipped });
    expect(told(byThreads)).toEqual(told(without));
    expect(byThreads.copied).toBeGreaterThan(4000);
    expect(existsSync(join(byThreads.tree.root, 'd10'))).toBe(false);
    expect(readFileSync(join(outside(), 'f1'), 'utf8')).toBe('file 1');
    await using again = await takeSnapshot({ ...request, storeDirectory: store });
    expect(again.reused).toBe('all');
  });

  it('holds no file that was moved after git had been asked', async () => {
    rmSync(store, { recursive: true, force: true });
    const asked: (GitResult | Promise<GitResult>)[] = [];
    const remembering: AskGit = (...question) => {
      const answer = ask(...question);
      asked.push(answer);
      return answer;
    };
    await using early = begin(later(), remembering);
    await Promise.all(asked);
    expect(asked.length).toBeGreaterThan(0);
    renameSync(path('d13'), path('d13b'));
    // What was copied by then goes away while git is asked once more.
    const removing: AskGit = (directory, args) => {
      if (args[0] === 'ls-files') rmSync(path('d14/f1'), { force: true });
      return ask(directory, args);
    };
    await using snapshot = await takeAfter(early, removing);
    expect(existsSync(join(snapshot.tree.root, 'd13'))).toBe(false);
    expect(existsSync(join(snapshot.tree.root, 'd14/f1'))).toBe(false);
    expect(content(snapshot, 'd13b/f1')).toBe('file 1');
    expect(snapshot.skipped).toEqual([]);
  });
});
