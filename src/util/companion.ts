import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Starts a process beside this one that is in nobody's way: in a session of its own, which no signal of the terminal
 * reaches, in no directory of the user's, with nothing of our environment but `env`, and not keeping us alive. The end
 * of its channel tells it that we have ended, however that came. What it has to know goes over the channel, since
 * everybody may read arguments.
 * @param options.channel `messages` are Node's own, `text` goes to its standard input.
 */
export function startCompanion(
  [file, ...args]: readonly [string, ...string[]],
  options: { readonly channel: 'messages' | 'text'; readonly env?: Readonly<Record<string, string>> },
): ChildProcess {
  const child = spawn(file, args, {
    cwd: '/',
    env: options.env ?? {},
    detached: true,
    stdio: options.channel === 'text' ? ['pipe', 'ignore', 'ignore'] : ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  child.unref();
  child.channel?.unref();
  (child.stdin as Socket | null)?.unref();
  // It may be gone before we are.
  child.stdin?.on('error', () => {});
  return child;
}
