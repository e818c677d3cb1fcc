/**
 * Waits for something that can't be called off, until a signal is aborted: it goes on then, and nobody waits any more.
 * @param more.patienceMs waits for so long after the signal, milliseconds; default 0.
 * @param more.late gets what the work gives after all.
 * @throws the signal's reason, or what the work rejects with.
 */
export function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  more: { readonly patienceMs?: number; readonly late?: (value: T) => void } = {},
): Promise<T> {
  if (signal === undefined) return work;
  const { patienceMs, late } = more;
  return new Promise((resolve, reject) => {
    let isLeft = false;
    let timer: NodeJS.Timeout | undefined;
    const leave = (): void => {
      isLeft = true;
      reject(signal.reason);
    };
    const aborted = (): void => {
      if (patienceMs === undefined) leave();
      else timer = setTimeout(leave, patienceMs);
    };
    const stop = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    };
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
    work.then(
      (value) => {
        stop();
        if (isLeft) late?.(value);
        else resolve(value);
      },
      (error: unknown) => {
        stop();
        reject(error);
      },
    );
  });
}
