import { watch } from 'node:fs';
import { deferred } from '../../util/deferred.ts';
import { runGit } from '../../util/git.ts';
import { describeFailure, exitCodes, signalExitCode } from '../exit-code.ts';
import { type Invocation, print } from '../invocation.ts';
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
  runOnce: (stop: AbortSignal) => Promise<number>,
): Promise<number> {
  const { root } = findPipelineFile(invocation.cwd, options.file);
  let changed = deferred();
  let stop = new AbortController();
  let ended: NodeJS.Signals | undefined;
  let timer: NodeJS.Timeout | undefined;
  const pending = new Set<string>();
  const look = (): void => {
    const paths = [...pending];
    pending.clear();
    if (!isRelevant(invocation, root, paths)) return;
    stop.abort();
    changed.resolve();
  };
  const watcher = watch(root, { recursive: true }, (_, path) => {
    if (path === null || /(^|\/)\.git(\/|$)/.test(path)) return;
    pending.add(path);
    clearTimeout(timer);
    timer = setTimeout(look, debounceMs);
  });
  using _signals = handleSignals({
    stop: (signal) => {
      ended = signal;
      changed.resolve();
    },
    dropEverything: () => {},
  });
  try {
    while (ended === undefined) {
      stop = new AbortController();
      changed = deferred();
      try {
        await runOnce(stop.signal);
      } catch (error) {
        const failure = describeFailure(error);
        if (failure.exitCode === exitCodes.bug || failure.exitCode === exitCodes.usage) throw error;
        await print(invocation.stderr, `ci: ${failure.text}\n`);
      }
      if (ended !== undefined) break;
      await print(invocation.stderr, 'ci: waiting for a change (Ctrl-C ends)\n');
      await changed.promise;
    }
  } finally {
    clearTimeout(timer);
    watcher.close();
  }
  return signalExitCode(ended);
}

function isRelevant(invocation: Invocation, root: string, paths: readonly string[]): boolean {
  if (paths.length === 0) return false;
  const ignored = runGit(['check-ignore', '--', ...paths.slice(0, 1000)], { cwd: root, env: invocation.env });
  if (ignored.kind !== 'ok') return true;
  return new Set(ignored.stdout.trim().split('\n')).size < Math.min(paths.length, 1000);
}
