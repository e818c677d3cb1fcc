import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from './run-ci.ts';
import type { TemporaryProject } from './temporary-project.ts';

const binary = fileURLToPath(new URL('../../bin/ci.js', import.meta.url));

/** What a running `ci` has said until now, on both of its streams. */
export interface Output {
  readonly ended: Promise<unknown>;
  text(): string;
  /** Resolves when this was printed. */
  says(text: string): Promise<void>;
}

/** Starts `ci run`, or another command, without waiting for it. */
export function startCi(
  project: TemporaryProject,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  command?: string,
): ChildProcess {
  const words = command === undefined ? ['run', '--reporter', 'json'] : [command];
  return spawn(process.execPath, [binary, ...words, ...args], {
    cwd: project.root,
    env: { ...plainEnvironment(project.home), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export function outputOf(child: ChildProcess): Output {
  let text = '';
  const waiting = new Map<string, () => void>();
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (const [wanted, resolve] of waiting) if (text.includes(wanted)) resolve();
    });
  }
  const ended = once(child, 'exit');
  return {
    text: () => text,
    ended,
    says: (wanted) =>
      new Promise((resolve, reject) => {
        if (text.includes(wanted)) return resolve();
        waiting.set(wanted, resolve);
        void ended.then(() => reject(new Error(`it ended without saying ${wanted}:\n${text}`)));
      }),
  };
}

/** Directories of jobs that are there. */
export function workspacesOf({ home }: TemporaryProject): readonly string[] {
  const projects = join(home, 'state/projects');
  if (!existsSync(projects)) return [];
  return readdirSync(projects).flatMap((key) => {
    const runs = join(projects, key, 'runs');
    return readdirSync(runs)
      .map((id) => join(runs, id, 'workspaces'))
      .filter((path) => existsSync(path));
  });
}
