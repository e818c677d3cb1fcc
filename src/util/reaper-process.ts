import { startCompanion } from './companion.ts';

/**
 * What waits for our end: a shell, since that takes a millisecond to start and a megabyte to keep. Its first line of
 * input is the order, a line `goodbye` sends it home. When the input ends without one, the program in its arguments gets
 * the order on its own input. Signals that end everything at once (a session that is closed) must not end it before us.
 */
const watchCode = `trap '' HUP INT TERM
IFS= read -r order || exit 0
while IFS= read -r line; do [ "$line" = goodbye ] && exit 0; done
printf '%s\\n' "$order" | "$@"`;

/** A process that outlives us. */
export interface ReaperProcess {
  /** Nothing is left to be removed: it ends. Without this call it acts when we have ended. */
  dismiss(): void;
}

/**
 * Starts a process that runs a program once this one has ended, even by `kill -9`, unless it was dismissed before.
 * @param reaper.program what it runs, with absolute path.
 * @param reaper.order one line of text: the program's standard input, told over a pipe, so that no process list shows it.
 * @param reaper.env the program's environment.
 * @returns undefined where there is no `/bin/sh`.
 */
export function startReaperProcess(reaper: {
  readonly program: readonly string[];
  readonly order: string;
  readonly env: Readonly<Record<string, string>>;
}): ReaperProcess | undefined {
  if (process.platform === 'win32') return undefined;
  const { program, order, env } = reaper;
  const child = startCompanion(['/bin/sh', '-c', watchCode, 'ci-reaper', ...program], { channel: 'told', env });
  child.on('error', () => {});
  if (child.pid === undefined) return undefined;
  child.stdin!.write(`${order}\n`);
  return { dismiss: () => void child.stdin!.end('goodbye\n') };
}
