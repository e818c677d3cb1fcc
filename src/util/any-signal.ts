/**
 * A signal that is aborted as soon as one of the given ones is, with the same reason.
 *
 * In place of `AbortSignal.any`: Node 20 lets such a signal be collected as garbage while others wait for it, and then
 * it never aborts (https://github.com/nodejs/node/issues/54614). Here the given signals hold it as long as they live.
 */
export function anySignal(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  const leave: (() => void)[] = [];
  const abortWith = (signal: AbortSignal): void => {
    for (const remove of leave) remove();
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
  return controller.signal;
}
