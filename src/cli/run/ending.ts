import type { Reporter } from '../../reporters/reporter.ts';
import type { PlanSource } from '../../schedule/plan-source.ts';
import { anySignal } from '../../util/any-signal.ts';
import type { Invocation } from '../invocation.ts';
import type { Executors } from './executors.ts';
import { handleSignals } from './signals.ts';

/** Everything that can end a run early, in one place. */
export interface Ending extends Disposable {
  /** Aborted when the run has to end, also before there is a source. */
  readonly stopping: AbortSignal;
  /** The signal that ended the run, if one did. */
  signal(): NodeJS.Signals | undefined;
  /** From now on this source is canceled; at once if the run has to end already. */
  watch(source: PlanSource): void;
}

/** Listens to signals, to a lost output, and to `stop`. */
export function listenForEnding(
  { outputLost }: Invocation,
  parts: {
    readonly executors: Executors;
    readonly screen: Reporter;
    readonly stop: AbortSignal | undefined;
    /** Tells the user what a signal does. */
    readonly tell: (message: string) => void;
    /** A signal that is meant for somebody else who has the terminal. */
    readonly ignores?: (signal: NodeJS.Signals) => boolean;
  },
): Ending {
  const stopping = new AbortController();
  let source: PlanSource | undefined;
  const end = (reason: string): void => {
    stopping.abort(new Error(reason));
    source?.cancel(reason);
  };
  const signals = handleSignals({
    stop: (signal) => {
      parts.tell(`${signal}: stopping; after_script still runs, the same once more drops everything`);
      end(signal);
    },
    dropEverything: (signal) => {
      source?.cancel(signal);
      parts.executors.kill();
      parts.screen.abort?.();
    },
    ...(parts.ignores === undefined ? {} : { ignores: parts.ignores }),
  });
  const outside = anySignal([outputLost, ...(parts.stop ? [parts.stop] : [])]);
  const endFromOutside = (): void => end(outputLost.aborted ? 'nobody takes the output' : 'files changed');
  if (outside.signal.aborted) endFromOutside();
  else outside.signal.addEventListener('abort', endFromOutside, { once: true });
  return {
    stopping: stopping.signal,
    signal: signals.received,
    watch: (watched) => {
      source = watched;
      if (stopping.signal.aborted) source.cancel('canceled before it began');
    },
    [Symbol.dispose]: () => {
      outside[Symbol.dispose]();
      signals[Symbol.dispose]();
    },
  };
}
