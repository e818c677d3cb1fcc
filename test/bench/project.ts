import { execFileSync } from 'node:child_process';
import { closeSync, cpSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

const gitEnvironment = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'Ann Author',
  GIT_AUTHOR_EMAIL: 'ann@example.test',
  GIT_COMMITTER_NAME: 'Ann Author',
  GIT_COMMITTER_EMAIL: 'ann@example.test',
};

/** Makes a repository of the files in `directory/project`, with one commit on `main`. */
export function makeProject(directory: string, files: Readonly<Record<string, string>>): void {
  const project = join(directory, 'project');
  mkdirSync(project, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }
  commitAll(project);
}

/** Makes a repository of a folder, with one commit on `main`. */
export function commitAll(project: string): void {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'core.fsync=none', '-c', 'gc.auto=0', ...args], {
      cwd: project,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { PATH: process.env['PATH'], HOME: project, ...gitEnvironment },
    });
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '--allow-empty', '-m', 'First commit');
}

/** A tree of equal files, 100 in a directory, each with its own content. */
export function makeFiles(directory: string, given: { readonly files: number; readonly bytesEach: number }): void {
  const body = 'All work and no play makes a dull tree.\n'.repeat(Math.ceil(given.bytesEach / 40));
  for (let index = 0; index < given.files; index++) {
    const folder = join(directory, `d${Math.floor(index / 1000)}`, `e${Math.floor(index / 100) % 10}`);
    if (index % 100 === 0) mkdirSync(folder, { recursive: true });
    const head = `file ${index}\n`;
    writeFileSync(join(folder, `f${index}.txt`), head + body.slice(0, given.bytesEach - head.length));
  }
}

/** A log of lines of 100 bytes; every thousandth has the secret in it. */
export function makeLog(path: string, given: { readonly lines: number; readonly secret: string }): void {
  const file = openSync(path, 'w');
  const batch: string[] = [];
  for (let index = 0; index < given.lines; index++) {
    const middle = index % 1000 === 0 ? `token ${given.secret}` : 'compiled src/module/file.ts, no warnings';
    batch.push(`${`${index} ${middle} `.padEnd(99, 'abcdefghij ')}\n`);
    if (batch.length === 10_000 || index === given.lines - 1) writeSync(file, batch.splice(0).join(''));
  }
  closeSync(file);
}

/** Copies a tree with its times, as the shell's `cp -a` does. */
export function copyTree(from: string, to: string): void {
  cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
}
