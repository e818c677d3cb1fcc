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
const worthProgram = 16;

/** @param path the user's `PATH`, in which `rm` is looked for: in a few calls it does what takes Node ten times as long. */
export function removalsTogether(path: string): RemovalsTogether {
  let waiting = new Map<string, Deferred<void>>();
  let timer: NodeJS.Timeout | undefined;
  let isHurried = false;

  const removeWaiting = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const directories = waiting;
    waiting = new Map();
    if (directories.size >= worthProgram) await removeByProgram([...directories.keys()], path).catch(() => {});
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
function removeByProgram(directories: readonly string[], path: string): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn('rm', ['-rf', '--', ...directories], { cwd: '/', env: { PATH: path }, stdio: 'ignore' });
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
}
