/** A signal made of others. Dispose it when nobody waits for it any more: the others forget it then. */
export interface JoinedSignal extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * A signal that is aborted as soon as one of the given ones is, with the same reason.
 *
 * In place of `AbortSignal.any`, whose signals that somebody listened to are kept as long as their sources live
 * (https://github.com/nodejs/node/issues/54614): a long run would collect some for every command of every job. This
 * one is let go when it is disposed.
 */
export function anySignal(signals: readonly AbortSignal[]): JoinedSignal {
  const [first] = signals;
  if (first !== undefined && signals.length === 1) return { signal: first, [Symbol.dispose]: () => {} };
  const controller = new AbortController();
  const leave: (() => void)[] = [];
  const release = (): void => {
    for (const remove of leave.splice(0)) remove();
  };
  const abortWith = (signal: AbortSignal): void => {
    release();
    controller.abort(signal.reason);
  };
  for (const signal of signals) {
    if (signal.aborted) {
      abortWith(signal);
      break;
    }
    const listener = (): void => abortWith(signal);
    signal.addEventListener('abort', listener, { once: true });
    leave.push(() => signal.removeEventListener('abort', listener));
  }
  return { signal: controller.signal, [Symbol.dispose]: release };
}
