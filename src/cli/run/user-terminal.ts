import type { ReadStream } from 'node:tty';
import type { OpenTerminal, UserTerminal } from '../../executors/visit.ts';
import type { Invocation } from '../invocation.ts';

/** The terminal, and whether somebody else has it who gets Ctrl-C. */
export interface OwnTerminal extends UserTerminal {
  readonly isLent: boolean;
}

/** The terminal of this process. Nothing is read from it before it is opened. */
export function userTerminal({ stdout }: Invocation): OwnTerminal {
  let lent = 0;
  return {
    get isLent() {
      return lent > 0;
    },
    lend: () => {
      lent++;
      return { [Symbol.dispose]: () => void lent-- };
    },
    open: () => openTerminal(process.stdin as ReadStream, stdout.stream as NodeJS.WriteStream),
  };
}

function openTerminal(input: ReadStream, output: NodeJS.WriteStream): OpenTerminal {
  const listeners: (() => void)[] = [];
  // Whoever had the terminal while we were stopped has set it as he likes it; Node sets a mode only when it changes.
  const again = (): void => {
    input.setRawMode(false);
    input.setRawMode(true);
    for (const listener of listeners) listener();
  };
  input.setRawMode(true);
  process.on('SIGCONT', again);
  input.ref();
  return {
    input,
    write: (bytes) =>
      new Promise((resolve) => {
        // A terminal that went away is told by its input and by `outputLost`.
        output.write(bytes, () => resolve());
      }),
    size: () => ({ columns: output.columns ?? 80, rows: output.rows ?? 24 }),
    onResize: (listener) => {
      listeners.push(listener);
      output.on('resize', listener);
    },
    [Symbol.dispose]: () => {
      process.off('SIGCONT', again);
      for (const listener of listeners) output.off('resize', listener);
      input.pause();
      if (!input.destroyed) input.setRawMode(false);
      // Whoever waits for keys that nobody will type must not keep us.
      input.unref();
    },
  };
}
