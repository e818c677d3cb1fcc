import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface TemporaryProject extends Disposable {
  /** A git repository with one commit on branch `main`. */
  readonly root: string;
  /** An empty folder for CI_CLI_HOME. */
  readonly home: string;
  git(...args: string[]): string;
  write(path: string, text: string): void;
}

/** Makes a repository out of the given files, or of a copy of a folder; removed when disposed. */
export function temporaryProject(
  content: Readonly<Record<string, string>> | { readonly copyOf: string },
): TemporaryProject {
  const base = mkdtempSync(join(tmpdir(), 'ci-project-'));
  const root = join(base, 'project');
  const home = join(base, 'home');
  mkdirSync(root);
  mkdirSync(home);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_SYSTEM: '/dev/null',
        GIT_AUTHOR_NAME: 'Ann Author',
        GIT_AUTHOR_EMAIL: 'ann@example.test',
        GIT_COMMITTER_NAME: 'Ann Author',
        GIT_COMMITTER_EMAIL: 'ann@example.test',
        GIT_AUTHOR_DATE: '2026-01-02T03:04:05Z',
        GIT_COMMITTER_DATE: '2026-01-02T03:04:05Z',
      },
    }).trim();
  if (typeof content['copyOf'] === 'string') cpSync(content['copyOf'], root, { recursive: true });
  else for (const [path, text] of Object.entries(content)) write(path, text);
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '--allow-empty', '-m', 'First commit');
  return { root, home, git, write, [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }) };
}
