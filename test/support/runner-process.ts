import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from './run-ci.ts';

const binary = fileURLToPath(new URL('../../bin/ci.js', import.meta.url));

/** A `ci runner run` or `run-single` that was started. */
export interface RunnerProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
  /** What it has written so far. */
  readonly output: () => string;
  /** Resolves with what was found, once its output matches; rejects when it ends before. */
  readonly said: (pattern: RegExp) => Promise<RegExpExecArray>;
}

/**
 * Starts the runners of a file.
 * @param home where it keeps its things: a folder of its own. @param file its text; undefined: it is there already.
 * @param more variables of its environment.
 */
export function startRunner(
  home: string,
  file: string | undefined,
  more: Readonly<Record<string, string>> = {},
): RunnerProcess {
  mkdirSync(join(home, 'config'), { recursive: true });
  if (file !== undefined) writeFileSync(join(home, 'config', 'runner.toml'), file);
  return startRunnerCommand(home, ['run'], more);
}

/** Logs are sent as soon as there is something, not every three seconds: most tests wait for what a log says. */
const pace = JSON.stringify({ trace: { updateIntervalMs: 100, maxUpdateIntervalMs: 200, forceSendMs: 300 } });

/**
 * Starts `ci runner` with these arguments.
 * @param home where it keeps its things: a folder of its own. @param more variables of its environment; where
 * `CI_RUNNER_PACE` is empty it waits as for users.
 */
export function startRunnerCommand(
  home: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): RunnerProcess {
  mkdirSync(home, { recursive: true });
  const child = spawn(process.execPath, [binary, 'runner', ...args], {
    cwd: home,
    env: { ...plainEnvironment(home), CI_RUNNER_PACE: pace, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      for (const look of waiting) look();
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
  const said = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(output);
        if (found === null) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
      void ended.then(() => reject(new Error(`it ended without saying ${pattern}:\n${output}`)));
    });
  return { child, ended, output: () => output, said };
}

/** Makes a git repository with one file, and more. @param directory made. */
export function smallRepository(directory: string, more: Readonly<Record<string, Uint8Array>> = {}): string {
  mkdirSync(directory, { recursive: true });
  const files = { 'hello.txt': 'hello\n', ...more };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      cwd: directory,
      env: plainEnvironment(directory),
    });
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '-m', 'first');
  return directory;
}
