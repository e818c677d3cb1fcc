import { JobInterrupted } from '../../model/outcome.ts';
import { signalExitCode } from '../exit-code.ts';

/** How a runner was told to stop. */
export interface RunnerSignals extends Disposable {
  /** No further jobs; those that run end by themselves. */
  readonly drain: AbortSignal;
  /** Jobs that run are ended. */
  readonly interrupt: AbortSignal;
  /** The signal that interrupted it. */
  readonly received: () => NodeJS.Signals | undefined;
}

/**
 * SIGQUIT drains; SIGTERM and SIGINT interrupt, a second one ends the process at once; SIGHUP reads the file again.
 * Source: https://docs.gitlab.com/runner/commands/#signals
 */
export function listenForSignals(on: {
  readonly reload: () => void;
  readonly tell: (text: string) => void;
  /** Just before the process ends at once. */
  readonly dropEverything: () => void;
}): RunnerSignals {
  const drain = new AbortController();
  const interrupt = new AbortController();
  let received: NodeJS.Signals | undefined;
  const endAtOnce = (signal: NodeJS.Signals): void => {
    on.dropEverything();
    process.exit(signalExitCode(signal));
  };
  const quit = (): void => {
    if (received !== undefined) endAtOnce('SIGQUIT');
    if (drain.signal.aborted) return;
    on.tell('SIGQUIT: no further jobs are taken; waiting for those that run');
    drain.abort();
  };
  const end = (signal: NodeJS.Signals): void => {
    if (received === undefined) {
      received = signal;
      on.tell(`${signal}: jobs that run are ended and reported; the same once more ends at once`);
      // Go's names of signals, as GitLab Runner tells them.
      interrupt.abort(new JobInterrupted(`aborted: ${signal === 'SIGINT' ? 'interrupt' : 'terminated'}`));
      return;
    }
    endAtOnce(signal);
  };
  const listeners: readonly (readonly [NodeJS.Signals, (signal: NodeJS.Signals) => void])[] = [
    ['SIGQUIT', quit],
    ['SIGHUP', on.reload],
    ['SIGTERM', end],
    ['SIGINT', end],
  ];
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return {
    drain: drain.signal,
    interrupt: interrupt.signal,
    received: () => received,
    [Symbol.dispose]: () => {
      for (const [signal, listener] of listeners) process.off(signal, listener);
    },
  };
}
