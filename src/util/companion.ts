import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Starts a process beside this one that is in nobody's way: in a session of its own, which no signal of the terminal
 * reaches, in no directory of the user's, with nothing of our environment but `env`, and not keeping us alive. The end
 * of its channel tells it that we have ended, however that came. What it has to know goes over the channel, since
 * everybody may read arguments.
 * @param options.channel `told`: what is written to its standard input; `asked`: and it answers on its standard output.
 */
export function startCompanion(
  [file, ...args]: readonly [string, ...string[]],
  options: { readonly channel: 'told' | 'asked'; readonly env?: Readonly<Record<string, string>> },
): ChildProcess {
  const child = spawn(file, args, {
    cwd: '/',
    env: options.env ?? {},
    detached: true,
    stdio: ['pipe', options.channel === 'told' ? 'ignore' : 'pipe', 'ignore'],
  });
  child.unref();
  for (const stream of [child.stdin, child.stdout]) (stream as Socket | null)?.unref();
  // It may be gone before we are.
  child.stdin?.on('error', () => {});
  return child;
}
