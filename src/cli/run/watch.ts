import { watch } from 'node:fs';
import { join } from 'node:path';
import { SystemError } from '../../model/outcome.ts';
import { deferred } from '../../util/deferred.ts';
import { runGit } from '../../util/git.ts';
import { describeFailure, exitCodes, signalExitCode } from '../exit-code.ts';
import { type Invocation, printMessage } from '../invocation.ts';
import { findLocations } from '../locations.ts';
import type { RunOptions } from '../options.ts';
import { findPipelineFile } from '../pipeline-file.ts';
import { handleSignals } from './signals.ts';

/** Changes that come within this time are one. */
const debounceMs = 200;

/**
 * `--watch`: runs, and again whenever a file changes that git does not ignore. A change cancels the run under way
 * first; never two runs at once. Ends with Ctrl-C.
 */
export async function watchAndRun(
  invocation: Invocation,
  options: RunOptions,
  /** Absolute paths that a run itself writes (reports, artifacts): changes of these are none. */
  written: readonly string[],
  runOnce: (stop: AbortSignal) => Promise<number>,
): Promise<number> {
  const { root } = findPipelineFile(invocation.cwd, options.file);
  let changed = deferred();
  let stop = new AbortController();
  let ended: NodeJS.Signals | undefined;
  let unwatched: Error | undefined;
  const { cache, state, runtime } = findLocations(invocation.env);
  using _watching = watchTree(invocation, root, {
    own: [...written, cache, state, runtime],
    onChange: () => {
      stop.abort();
      changed.resolve();
    },
    onError: (error) => {
      unwatched ??= error;
      changed.resolve();
    },
  });
  using _signals = handleSignals({
    stop: (signal) => {
      ended = signal;
      changed.resolve();
    },
    dropEverything: () => {},
  });
  while (ended === undefined) {
    stop = new AbortController();
    changed = deferred();
    await runAndTell(invocation, () => runOnce(stop.signal));
    if (ended !== undefined) break;
    await printMessage(invocation, 'waiting for a change (Ctrl-C ends)');
    await changed.promise;
    if (unwatched !== undefined)
      throw new SystemError('runner_system_failure', `can't watch ${root}: ${unwatched.message}`);
  }
  return signalExitCode(ended);
}

/** A run that fails, for whatever reason outside of this program, is no reason to stop watching. */
async function runAndTell(invocation: Invocation, run: () => Promise<number>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const failure = describeFailure(error);
    if (failure.exitCode === exitCodes.bug || failure.exitCode === exitCodes.usage) throw error;
    await printMessage(invocation, failure.text);
  }
}

/** Watches a tree for changes of files that are neither our own nor ignored by git. */
function watchTree(
  invocation: Invocation,
  root: string,
  on: {
    /** Absolute paths. */
    readonly own: readonly string[];
    readonly onChange: () => void;
    /** Out of watches (Linux: fs.inotify.max_user_watches): better to say so than to miss changes. */
    readonly onError: (error: Error) => void;
  },
): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const pending = new Set<string>();
  const look = (): void => {
    const paths = [...pending];
    pending.clear();
    if (isRelevant(invocation, root, paths)) on.onChange();
  };
  const watcher = watch(root, { recursive: true }, (_, path) => {
    if (path === null || /(^|\/)\.git(\/|$)/.test(path) || isOwn(join(root, path), on.own)) return;
    pending.add(path);
    clearTimeout(timer);
    timer = setTimeout(look, debounceMs);
  });
  watcher.on('error', on.onError);
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      watcher.close();
    },
  };
}

/** In one of the paths, or a directory that was made for them. */
function isOwn(path: string, own: readonly string[]): boolean {
  return own.some((each) => path === each || path.startsWith(`${each}/`) || each.startsWith(`${path}/`));
}

/** Not all of them are ignored by git. */
function isRelevant(invocation: Invocation, root: string, paths: readonly string[]): boolean {
  for (let at = 0; at < paths.length; at += 1000) {
    const some = paths.slice(at, at + 1000);
    const ignored = runGit(['check-ignore', '--', ...some], { cwd: root, env: invocation.env });
    if (ignored.kind !== 'ok' || new Set(ignored.stdout.trim().split('\n')).size < some.length) return true;
  }
  return false;
}
