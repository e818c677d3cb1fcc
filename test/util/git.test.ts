import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { askGit, gitTogether } from '../../src/util/git.ts';
import { gitEnv, testDirectory, testRepository } from '../context/git-repository.ts';

/** Of several lengths and kinds: fine, failing with and without output, a usage error, and words that a shell would read. */
const questions = [
  ['rev-parse', 'HEAD'],
  ['rev-parse', 'HEAD', 'refs/heads/none'],
  ['config', '--get', 'no.such'],
  ['log', '-z', '--format=%B%x00%x001%x00'],
  ['rev-parse', '--sq-quote', "it's", '$(touch made)', '`touch made`', '\n', '%s\\0', '*'],
  ['ls-files', '--no-such-option'],
  ['ls-files', '-z'],
  ['cat-file', 'blob', 'HEAD:large'],
  ['cat-file', 'blob', 'HEAD:binary'],
];

it('gives the answers that each question gets alone', async () => {
  using repository = testRepository();
  repository.commit({ large: 'line\n'.repeat(200_000), binary: 'a\0b\x000\0' }, 'First\n\nBody');
  const ask = gitTogether(gitEnv);
  const together = await Promise.all(questions.map((args) => ask(repository.path, args)));
  const alone = await Promise.all(questions.map((args) => askGit(args, { cwd: repository.path, env: gitEnv })));
  expect(together).toEqual(alone);
  expect(together.map(({ kind }) => kind)).toContain('failed');
  expect(repository.git('status', '--porcelain')).toBe('');
});

it('asks each in its directory, also later ones', async () => {
  using one = testRepository();
  using other = testRepository();
  const ask = gitTogether(gitEnv);
  const top = ['rev-parse', '--show-toplevel'];
  const branch = ['symbolic-ref', 'HEAD'];
  const both = await Promise.all(
    [one, other, one, other].map(({ path }, index) => ask(path, index < 2 ? top : branch)),
  );
  const head = { kind: 'ok', stdout: 'refs/heads/main\n' };
  const tops = [one, other].map(({ path }) => ({ kind: 'ok', stdout: `${path}\n` }));
  expect(both).toEqual([...tops, head, head]);
  expect(await ask(one.path, top)).toEqual(tops[0]);
});

it('tells that there is no git, and that there is no such directory', async () => {
  using directory = testDirectory();
  const ask = gitTogether({ PATH: directory.path });
  const answers = [ask(directory.path, ['version']), ask(directory.path, ['status'])];
  expect(await Promise.all(answers)).toEqual([{ kind: 'missing' }, { kind: 'missing' }]);
  const gone = `${directory.path}/gone`;
  const inVain = [gitTogether(gitEnv)(gone, ['version']), gitTogether(gitEnv)(gone, ['version'])];
  expect(await Promise.all(inVain)).toEqual([{ kind: 'missing' }, { kind: 'missing' }]);
  const both = gitTogether(gitEnv);
  const alone = await askGit(['version'], { cwd: gone, env: gitEnv });
  expect(await Promise.all([both(gone, ['version']), both(gone, ['version'])])).toEqual([alone, alone]);
});

it('leaves no git behind when Ctrl-C ends the shell', async () => {
  using directory = testDirectory();
  const { path } = directory;
  // It takes its time until there is a file `again`.
  const text = '#!/bin/sh\n[ -e again ] && exit 0\necho $PPID >$$.new && mv $$.new $$.pid\nexec sleep 60\n';
  writeFileSync(join(path, 'git'), text);
  chmodSync(join(path, 'git'), 0o755);
  const ask = gitTogether({ PATH: `${path}:${gitEnv.PATH}` });
  const answers = Promise.all([ask(path, ['one']), ask(path, ['other'])]);
  const begun = (): string[] => readdirSync(path).filter((name) => name.endsWith('.pid'));
  await vi.waitFor(() => expect(begun()).toHaveLength(2), { timeout: 10_000 });
  writeFileSync(join(path, 'again'), '');
  process.kill(Number(readFileSync(join(path, begun()[0]!), 'utf8')), 'SIGINT');
  // They come when nobody holds the pipes any more.
  expect((await answers).map(({ kind }) => kind)).toEqual(['ok', 'ok']);
}, 20_000);
