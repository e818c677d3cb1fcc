import { parseListenAddress } from '../../runner/metrics/listen-address.ts';
import type { MetricSources, ProcessState } from '../../runner/metrics/runner-metrics.ts';
import type { RunnerLog } from '../../runner/runner-log.ts';
import { type RunnerWatcher, unwatched } from '../../runner/runner-watcher.ts';
import { CommandError, exitCodes } from '../exit-code.ts';
import type { RunnerSignals } from './runner-signals.ts';

/** Metrics and pages of a runner, or nobody who looks where none are wanted. */
export interface RunnerPages {
  readonly watcher: RunnerWatcher;
  close(): Promise<void>;
}

/**
 * Serves metrics and pages on the `listen_address` of the file; nothing of it is loaded where there is none.
 * @throws CommandError exit 4: nothing can listen there.
 */
export async function openRunnerPages(
  listenAddress: string | undefined,
  sources: MetricSources,
  log: RunnerLog,
): Promise<RunnerPages> {
  const address = listenAddress === undefined ? undefined : parseListenAddress(listenAddress);
  if (address === undefined) return { watcher: unwatched, close: async () => {} };
  const [{ runnerMetrics }, { debugPages }, { serveDebugPages }] = await Promise.all([
    import('../../runner/metrics/runner-metrics.ts'),
    import('../../runner/metrics/debug-pages.ts'),
    import('../../runner/metrics/debug-server.ts'),
  ]);
  const metrics = runnerMetrics(sources);
  try {
    const server = await serveDebugPages(address, debugPages(sources, metrics));
    log('info', 'Metrics are served', { address: server.address });
    return { watcher: metrics.watcher, close: server.close };
  } catch (error) {
    throw new CommandError(
      exitCodes.system,
      `can't listen on ${listenAddress}: ${(error as Error).message}`,
      'change `listen_address` in the file of runners, or end the program that listens there',
    );
  }
}

/** What the program is doing, in GitLab Runner's words. */
export function processStateOf(
  { drain, interrupt }: Pick<RunnerSignals, 'drain' | 'interrupt'>,
  life: 'starting' | 'running',
): ProcessState {
  if (interrupt.aborted) return 'forceful-shutdown';
  return drain.aborted ? 'graceful-shutdown' : life;
}
