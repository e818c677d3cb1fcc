import { signalExitCode } from '../exit-code.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How long the second signal lets clean-up go on before the process ends whatever is left. */
const lastChanceMs = 800;

/** Signals that are listened to until this is disposed of. */
export interface SignalHandling extends Disposable {
  /** The signal that ends the run, if one came: the last one. */
  readonly received: () => NodeJS.Signals | undefined;
}

/**
 * Ends a run on Ctrl-C, SIGTERM and SIGHUP: the first signal calls `stop`, a second one `dropEverything` and then ends
 * the process at once with 128+N.
 */
export function handleSignals(on: {
  readonly stop: (signal: NodeJS.Signals) => void;
  readonly dropEverything: (signal: NodeJS.Signals) => void;
  /** A signal that is meant for somebody else who has the terminal. */
  readonly ignores?: (signal: NodeJS.Signals) => boolean;
}): SignalHandling {
  let received: NodeJS.Signals | undefined;
  const listener = (signal: NodeJS.Signals): void => {
    if (on.ignores?.(signal)) return;
    const isFirst = received === undefined;
    received = signal;
    if (isFirst) {
      on.stop(signal);
      return;
    }
    on.dropEverything(signal);
    setTimeout(() => process.exit(signalExitCode(signal)), lastChanceMs);
  };
  for (const signal of signals) process.on(signal, listener);
  return {
    received: () => received,
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, listener);
    },
  };
}
