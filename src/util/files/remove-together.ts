import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Deferred, deferred } from '../deferred.ts';
import { removeTree } from './remove-tree.ts';

/** Removes directories that nobody waits for, those of the same moment together. */
export interface RemovalsTogether {
  /** As `removeTree`. */
  remove(directory: string): Promise<void>;
  /** Few more are about to come: from now on none waits for others. */
  hurry(): void;
}

/** So long others are waited for. */
const gatheringMs = 100;
/** To start a program takes as long as to remove a few small directories. */
const worthProgram = { byUs: 16, byOther: 4 };

/** Runs a program for us, at less than it would cost us; undefined: it can't now. Resolves when that has ended. */
export type RunElsewhere = (
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
) => Promise<unknown> | undefined;

/**
 * @param path the user's `PATH`, in which `rm` is looked for: in a few calls it does what takes Node ten times as long.
 * @param elsewhere tried first to run it.
 */
export function removalsTogether(path: string, elsewhere?: RunElsewhere): RemovalsTogether {
  let waiting = new Map<string, Deferred<void>>();
  let timer: NodeJS.Timeout | undefined;
  let isHurried = false;

  const removeWaiting = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const directories = waiting;
    waiting = new Map();
    await removeByProgram([...directories.keys()], path, elsewhere).catch(() => {});
    for (const [directory, removed] of directories) {
      if (existsSync(directory)) removeTree(directory).then(removed.resolve, removed.reject);
      else removed.resolve();
    }
  };
  return {
    remove: (directory) => {
      if (isHurried) return removeTree(directory);
      const removed = deferred();
      waiting.set(directory, removed);
      timer ??= setTimeout(() => void removeWaiting(), gatheringMs);
      return removed.promise;
    },
    hurry: () => {
      isHurried = true;
      void removeWaiting();
    },
  };
}

/** What can't be removed so is left, for whatever reason. */
async function removeByProgram(
  directories: readonly string[],
  path: string,
  elsewhere: RunElsewhere | undefined,
): Promise<void> {
  const args = ['-rf', '--', ...directories];
  const env = { PATH: path };
  if (directories.length >= worthProgram.byOther) {
    const running = elsewhere?.(['rm', ...args], env);
    if (running !== undefined) return void (await running);
  }
  if (directories.length < worthProgram.byUs) return;
  const child = spawn('rm', args, { cwd: '/', env, stdio: 'ignore' });
  await new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
}
