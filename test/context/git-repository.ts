import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** An environment in which nobody's own git configuration counts. */
export const gitEnv: Readonly<Record<string, string | undefined>> = {
  PATH: process.env.PATH,
  USER: 'tester',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_COUNT: '3',
  GIT_CONFIG_KEY_0: 'user.name',
  GIT_CONFIG_VALUE_0: 'Ann Author',
  GIT_CONFIG_KEY_1: 'user.email',
  GIT_CONFIG_VALUE_1: 'ann@example.com',
  GIT_CONFIG_KEY_2: 'init.defaultBranch',
  GIT_CONFIG_VALUE_2: 'main',
  GIT_AUTHOR_DATE: '2024-03-01T12:00:00+01:00',
  GIT_COMMITTER_DATE: '2024-03-01T12:00:00+01:00',
};

export interface TestDirectory extends Disposable {
  readonly path: string;
  git(...args: readonly string[]): string;
  write(files: Readonly<Record<string, string>>): void;
  /** Writes the files and commits everything. */
  commit(files: Readonly<Record<string, string>>, message?: string): void;
}

/** A directory of its own in the system's temporary one; removed on disposal. */
export function testDirectory(): TestDirectory {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'context-')));
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: path, env: gitEnv as NodeJS.ProcessEnv, encoding: 'utf8', stdio: 'pipe' }).trim();
  const write = (files: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), text);
    }
  };
  return {
    path,
    git,
    write,
    commit: (files, message = 'Change things') => {
      write(files);
      git('add', '-A');
      git('commit', '-q', '--allow-empty', '-m', message);
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** A repository on `main` without a commit. */
export function testRepository(): TestDirectory {
  const directory = testDirectory();
  directory.git('init', '-q');
  return directory;
}
