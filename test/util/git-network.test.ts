import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type GitNetworkResult, runGitOnNetwork } from '../../src/util/git-network.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ci-git-network-'));
  execFileSync('git', ['init', '-q', '--bare', folder]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function git(...args: string[]): Promise<GitNetworkResult> {
  return runGitOnNetwork(args, { cwd: folder, env: process.env, settings: [], protocols: ['none'], timeoutMs: 50_000 });
}

it('answers for names that can be given to no program', async () => {
  for (const name of ['a\0b', 'x'.repeat(500_000)]) {
    expect((await git('rev-parse', name)).kind).toBe('failed');
  }
});

it('does not keep an answer without an end', async () => {
  const make = (args: string[], input: string): string =>
    execFileSync('git', ['-C', folder, ...args], { input, encoding: 'utf8' }).trim();
  // A tree of eight levels, each of ten times the one below: a hundred million paths in a handful of objects.
  let entry = `100644 blob ${make(['hash-object', '-w', '--stdin'], 'a: 1\n')}`;
  for (let level = 0; level < 8; level++) {
    const lines = Array.from({ length: 10 }, (_, index) => `${entry}\tlong-name-of-an-entry-${index}\n`);
    entry = `040000 tree ${make(['mktree'], lines.join(''))}`;
  }
  const result = await git('ls-tree', '-r', '-z', entry.split(' ')[2]!);
  expect(result).toEqual({ kind: 'failed', stderr: 'fatal: there is more than 128 MB to read' });
}, 60_000);
