import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { walkTree } from '../../src/util/files/walk-tree.ts';
import { runGit } from '../../src/util/git.ts';
import { type SnapshotRequest, takeSnapshot } from '../../src/workspaces/take-snapshot.ts';

let base: string;
let project: string;
let store: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'snapshot-')));
  project = join(base, 'project');
  store = join(base, 'store');
  mkdirSync(project);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const env = () => ({
  PATH: process.env.PATH,
  HOME: base,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
});
function git(directory: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd: directory, env: env(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
function write(path: string, content = path): void {
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), content);
}
function repository(): void {
  git(project, 'init', '-q', '-b', 'main');
  write('.gitignore', 'ignored\n');
  write('src/a.txt', 'one');
  write('src/b.txt', 'two');
  write('run.sh', '#!/bin/sh');
  chmodSync(join(project, 'run.sh'), 0o755);
  git(project, 'add', '.');
  git(project, 'commit', '-q', '-m', 'first');
  git(project, 'tag', '-a', 'v1', '-m', 'v1');
}
/** Files as old as the tests need them to be trusted. */
const later = () => Date.now() + 60_000;
const request = (): SnapshotRequest & { topLevel: string } => ({
  projectRoot: project,
  topLevel: project,
  storeDirectory: store,
  git: (directory, args) => runGit(args, { cwd: directory, env: env() }),
  nowMs: later(),
});
const take = (options: { topLevel?: string; nowMs?: number; projectRoot?: string; storeDirectory?: string } = {}) =>
  takeSnapshot({ ...request(), ...options });
async function files(root: string): Promise<string[]> {
  const { entries } = await walkTree(root, { filter: (path) => path !== '.git' });
  return entries.filter((entry) => entry.type !== 'directory').map((entry) => entry.path);
}

describe('takeSnapshot', () => {
  it('holds tracked and untracked files as they are now, not ignored or deleted ones', async () => {
    repository();
    write('src/a.txt', 'changed');
    write('new file\n.txt');
    write('ignored');
    unlinkSync(join(project, 'src/b.txt'));
    symlinkSync('src/a.txt', join(project, 'link'));
    await using snapshot = await take();
    const { root } = snapshot.tree;
    expect(await files(root)).toEqual(['.gitignore', 'link', 'new file\n.txt', 'run.sh', 'src/a.txt']);
    expect(readFileSync(join(root, 'src/a.txt'), 'utf8')).toBe('changed');
    expect(readlinkSync(join(root, 'link'))).toBe('src/a.txt');
    expect(lstatSync(join(root, 'run.sh')).mode & 0o777).toBe(0o755);
    expect(lstatSync(join(root, 'src/a.txt')).ino).not.toBe(lstatSync(join(project, 'src/a.txt')).ino);
    expect(snapshot).toMatchObject({ files: 4, reused: 'none', copied: 4 });
  });

  it('is the last snapshot itself while nothing changes, and shares what did not', async () => {
    repository();
    await using first = await take();
    await using second = await take();
    expect(second.tree.id).toBe(first.tree.id);
    expect(second.reused).toBe('all');
    write('src/a.txt', 'longer than before');
    await using third = await take();
    expect(third.tree.id).not.toBe(first.tree.id);
    expect(third).toMatchObject({ reused: 'some', copied: 1 });
    const inode = (root: string, path: string) => lstatSync(join(root, path)).ino;
    expect(inode(third.tree.root, 'src/b.txt')).toBe(inode(first.tree.root, 'src/b.txt'));
    expect(readFileSync(join(first.tree.root, 'src/a.txt'), 'utf8')).toBe('one');
    expect(readFileSync(join(third.tree.root, 'src/a.txt'), 'utf8')).toBe('longer than before');
  });

  it.each<[string, () => void]>([
    [
      'content of the same length and time',
      () => {
        const { atime, mtime } = lstatSync(join(project, 'src/a.txt'));
        write('src/a.txt', 'eno');
        utimesSync(join(project, 'src/a.txt'), atime, mtime);
      },
    ],
    ['mode', () => chmodSync(join(project, 'src/a.txt'), 0o600)],
    ['a file gone', () => unlinkSync(join(project, 'src/b.txt'))],
    ['a file more', () => write('more')],
    ['a commit', () => git(project, 'commit', '-q', '--allow-empty', '-m', 'second')],
    ['the index', () => git(project, 'rm', '-q', '--cached', 'src/b.txt')],
    ['a tag', () => git(project, 'tag', 'v2')],
  ])('sees a change: %s', async (_name, change) => {
    repository();
    await using first = await take();
    change();
    await using second = await take();
    expect(second.tree.id).not.toBe(first.tree.id);
    for (const path of await files(second.tree.root)) {
      expect(readFileSync(join(second.tree.root, path), 'utf8')).toBe(readFileSync(join(project, path), 'utf8'));
      expect(lstatSync(join(second.tree.root, path)).mode).toBe(lstatSync(join(project, path)).mode);
    }
  });

  it('does not trust files changed about when the snapshot was taken', async () => {
    repository();
    await using first = await take({ nowMs: lstatSync(join(project, 'src/a.txt')).ctimeMs });
    await using second = await take();
    expect(second.tree.id).not.toBe(first.tree.id);
    expect(second.copied).toBeGreaterThan(0);
  });

  it('holds submodules and nested repositories without their .git', async () => {
    const library = join(base, 'library');
    mkdirSync(library);
    git(library, 'init', '-q', '-b', 'main');
    writeFileSync(join(library, 'lib.c'), 'c');
    git(library, 'add', '.');
    git(library, 'commit', '-q', '-m', 'lib');
    repository();
    git(project, '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', library, 'vendor/lib');
    git(project, 'commit', '-q', '-m', 'sub');
    git(project, 'clone', '-q', library, 'nested');
    await using snapshot = await take();
    expect(await files(snapshot.tree.root)).toEqual([
      '.gitignore',
      '.gitmodules',
      'nested/lib.c',
      'run.sh',
      'src/a.txt',
      'src/b.txt',
      'vendor/lib/lib.c',
    ]);
    expect(git(snapshot.tree.root, 'status', '--porcelain')).toBe('?? nested/\n');
  });

  it('copies everything but .git without a repository, empty directories too', async () => {
    write('a');
    mkdirSync(join(project, 'empty'));
    write('sub/.git/config');
    const { topLevel: _, ...request } = { topLevel: project, projectRoot: project, storeDirectory: store };
    const git = () => ({ kind: 'missing' as const });
    await using snapshot = await takeSnapshot({ ...request, git, nowMs: later() });
    const { entries } = await walkTree(snapshot.tree.root);
    expect(entries.map((entry) => entry.path)).toEqual(['a', 'empty', 'sub']);
    await using again = await takeSnapshot({ ...request, git, nowMs: later() });
    expect(again.reused).toBe('all');
  });

  it('copies the project alone, without .git, when it lies below the top of the repository', async () => {
    repository();
    await using snapshot = await take({ projectRoot: join(project, 'src') });
    expect(readdirSync(snapshot.tree.root)).toEqual(['a.txt', 'b.txt']);
  });

  it('removes old snapshots once nobody uses them, and what dead processes left', async () => {
    repository();
    const first = await take();
    mkdirSync(join(store, '.new-1_1_0_dead'));
    write('src/a.txt', 'second state');
    await using second = await take();
    const kept = () => readdirSync(store).filter((name) => name !== 'current');
    expect(new Set(kept())).toEqual(new Set([first.tree.id, second.tree.id]));
    await first[Symbol.asyncDispose]();
    write('src/a.txt', 'third state, longer');
    await using third = await take();
    expect(new Set(kept())).toEqual(new Set([second.tree.id, third.tree.id]));
  });

  it.each(['a repository', 'a plain directory'])(
    'becomes the next one when nobody uses it, like a new one: %s',
    async (kind) => {
      if (kind === 'a repository') repository();
      const { topLevel: _, ...plain } = request();
      const takeHere = (over: object = {}) =>
        takeSnapshot({ ...(kind === 'a repository' ? request() : plain), ...over });
      const edits: readonly (() => void)[] = [
        () => {
          for (const path of ['deep/a/b/one', 'deep/a/two', 'deep/three', 'both', 'src/more']) write(path);
        },
        () => rmSync(join(project, 'deep/a'), { recursive: true }),
        () => {
          unlinkSync(join(project, 'both'));
          write('both/now/directory');
          write('deep/three', 'changed');
        },
        () => {
          rmSync(join(project, 'both'), { recursive: true });
          symlinkSync('deep', join(project, 'both'));
        },
        () => {
          unlinkSync(join(project, 'both'));
          write('both');
          chmodSync(join(project, 'deep'), 0o711);
        },
        () => {
          rmSync(join(project, 'deep'), { recursive: true });
          write('deep');
          chmodSync(join(project, 'src'), 0o700);
        },
        () => {
          unlinkSync(join(project, 'deep'));
          mkdirSync(join(project, 'deep'));
          write('src/new', 'x');
        },
      ];
      await (await takeHere())[Symbol.asyncDispose]();
      for (const [index, edit] of edits.entries()) {
        // Files changed about when a snapshot was taken are not trusted: these look older.
        edit();
        for (const path of await files(project)) {
          if (!lstatSync(join(project, path)).isSymbolicLink()) utimesSync(join(project, path), 1000 + index, 1000);
        }
        const previous = readdirSync(store).filter((name) => name.startsWith('s-'));
        const snapshot = await takeHere();
        expect(readdirSync(store).filter((name) => name.startsWith('s-'))).toEqual([snapshot.tree.id]);
        expect(previous).not.toContain(snapshot.tree.id);
        const fresh = await takeHere({ storeDirectory: join(base, `fresh-${index}`) });
        const look = async (root: string) =>
          (await walkTree(root)).entries.map(({ path, type, sizeBytes }) => [
            ...[path, type, path.startsWith('.git/') ? '' : sizeBytes],
            type === 'file' && !path.startsWith('.git/') ? readFileSync(join(root, path), 'utf8') : '',
          ]);
        expect(await look(snapshot.tree.root)).toEqual(await look(fresh.tree.root));
        await snapshot[Symbol.asyncDispose]();
        await fresh[Symbol.asyncDispose]();
      }
    },
  );

  it('is safe for several at once while the tree changes', async () => {
    repository();
    const snapshots = await Promise.all(
      Array.from({ length: 6 }, async (_, i) => {
        if (i % 2 === 1) appendFileSync(join(project, 'src/a.txt'), `${i}`);
        return take();
      }),
    );
    for (const snapshot of snapshots) {
      expect(await files(snapshot.tree.root)).toEqual(['.gitignore', 'run.sh', 'src/a.txt', 'src/b.txt']);
      expect(git(snapshot.tree.root, 'log', '--oneline').split('\n')).toHaveLength(2);
      await snapshot[Symbol.asyncDispose]();
    }
  });

  it('says in the words of git what is wrong', async () => {
    repository();
    writeFileSync(join(project, '.git/config'), '[broken');
    await expect(take()).rejects.toMatchObject({ name: 'SystemError', message: /git .* failed/ });
  });

  it('names the path when the store cannot be written', async () => {
    repository();
    writeFileSync(store, 'a file');
    await expect(take()).rejects.toMatchObject({ name: 'SystemError', message: expect.stringContaining(store) });
  });
});

describe('the .git of a snapshot', () => {
  it('answers status, log, diff, describe and branch as the user’s own', async () => {
    repository();
    git(project, 'remote', 'add', 'origin', 'https://user:secret@example.com/g/p.git');
    git(project, 'update-ref', 'refs/remotes/origin/main', 'HEAD');
    write('src/a.txt', 'changed');
    write('untracked');
    await using snapshot = await take();
    const { root } = snapshot.tree;
    for (const args of [
      ['status', '--porcelain'],
      ['log', '--format=%H %s'],
      ['diff'],
      ['diff', 'origin/main'],
      ['describe', '--tags', '--always'],
      ['symbolic-ref', 'HEAD'],
      ['rev-parse', 'v1^{commit}'],
      ['ls-files', '-s'],
    ]) {
      expect(git(root, ...args)).toBe(git(project, ...args));
    }
    expect(git(root, 'remote', 'get-url', 'origin').trim()).toBe('https://example.com/g/p.git');
    expect(snapshot.gitObjects).toEqual([join(project, '.git/objects')]);
    git(root, 'fsck', '--no-dangling');
    git(root, 'commit', '-q', '-am', 'in the job');
    expect(git(project, 'log', '--oneline').trim().split('\n')).toHaveLength(1);
  });

  it('works for linked worktrees, shallow clones, detached heads, empty repositories and long names', async () => {
    repository();
    git(project, 'commit', '-q', '--allow-empty', '-m', 'second');
    git(project, 'worktree', 'add', '-q', '-b', 'topic', join(base, 'tree'));
    git(base, 'clone', '-q', '--depth', '1', `file://${project}`, 'shallow');
    git(base, 'clone', '-q', '--shared', project, 'shared');
    git(join(base, 'shared'), 'checkout', '-q', '--detach');
    git(base, 'init', '-q', '-b', 'trunk', 'empty');
    git(base, 'init', '-q', '-b', 'main', '--object-format=sha256', 'sha256');
    git(join(base, 'sha256'), 'commit', '-q', '--allow-empty', '-m', 'long names');
    for (const name of ['tree', 'shallow', 'shared', 'empty', 'sha256']) {
      const root = join(base, name);
      await using snapshot = await take({
        projectRoot: root,
        topLevel: root,
        storeDirectory: join(base, `${name}-store`),
      });
      const copy = snapshot.tree.root;
      expect(git(copy, 'status', '--porcelain', '-b').split('...')[0]!.trim()).toBe(
        git(root, 'status', '--porcelain', '-b').split('...')[0]!.trim(),
      );
      if (name !== 'empty') expect(git(copy, 'log', '--format=%H')).toBe(git(root, 'log', '--format=%H'));
    }
  });

  it('has nothing that runs a program: 6 poisoned forms, none executed by us or by the job', async () => {
    repository();
    const proof = join(base, 'executed');
    const script = join(base, 'poison.sh');
    writeFileSync(script, `#!/bin/sh\necho "$0 $*" >> ${proof}\ncat\n`, { mode: 0o755 });
    for (const hook of ['post-checkout', 'pre-commit', 'post-commit', 'post-index-change', 'reference-transaction']) {
      writeFileSync(join(project, '.git/hooks', hook), `#!/bin/sh\necho hook >> ${proof}\n`, { mode: 0o755 });
    }
    const settings: readonly (readonly [string, string])[] = [
      ['core.fsmonitor', script],
      ['core.hooksPath', dirname(script)],
      ['filter.evil.clean', script],
      ['filter.evil.smudge', script],
      ['diff.external', script],
      ['alias.status', `!${script}`],
      ['core.sshCommand', script],
      ['core.pager', script],
      ['core.editor', script],
      ['credential.helper', `!${script}`],
      ['remote.evil.url', `ext::${script}`],
      ['remote.origin.url', 'https://example.com/x.git'],
      ['remote.origin.uploadpack', script],
      ['gpg.program', script],
      ['commit.gpgSign', 'true'],
    ];
    writeFileSync(join(project, '.gitattributes'), '* filter=evil diff=evil\n');
    writeFileSync(join(base, 'included'), `[core]\n\tfsmonitor = ${script}\n`);
    for (const [key, value] of settings) execFileSync('git', ['config', key, value], { cwd: project, env: env() });
    execFileSync('git', ['config', 'include.path', join(base, 'included')], { cwd: project, env: env() });
    rmSync(proof, { force: true });
    await using snapshot = await take();
    const { root } = snapshot.tree;
    expect(existsSync(proof)).toBe(false);
    appendFileSync(join(root, 'run.sh'), '\n');
    git(root, 'status');
    git(root, 'diff');
    git(root, 'add', '.');
    git(root, 'commit', '-q', '-m', 'x');
    git(root, 'checkout', '-q', '-b', 'other');
    git(root, 'log', '-p');
    expect(existsSync(proof)).toBe(false);
    expect(git(root, 'config', '--local', '--list')).not.toContain(script);
    expect(existsSync(join(root, '.git/hooks'))).toBe(false);
  });
});
