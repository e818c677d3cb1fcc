import { type GitOptions, gitEnvironment, hardenedArguments } from './git.ts';
import { type ProcessEnd, startProcess, type TakeBytes } from './process.ts';

/** How a git command ended. `missing`: there is no `git` on the PATH. `aborted`: the signal ended it. */
export type StreamedGit = ProcessEnd | { readonly kind: 'missing' } | { readonly kind: 'aborted' };

/** How long a command that was told to end may take to do so. */
const graceMs = 5000;

/**
 * Runs a git command that may take long and use the network; what it says is handed on as it comes. Never asks
 * anything, never runs hooks.
 */
export async function streamGit(
  args: readonly string[],
  given: Omit<GitOptions, 'network'> & { readonly take: TakeBytes; readonly signal: AbortSignal },
): Promise<StreamedGit> {
  const { cwd, take, signal } = given;
  if (signal.aborted) return { kind: 'aborted' };
  const env = Object.fromEntries(
    Object.entries(gitEnvironment(given)).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  try {
    const request = { file: 'git', args: hardenedArguments(args), directory: cwd, env, stdin: '' };
    const running = await startProcess({ ...request, stdout: take, stderr: take });
    const timers: NodeJS.Timeout[] = [];
    const end = (): void => {
      endGroup(running.pid, 'SIGTERM');
      timers.push(setTimeout(() => endGroup(running.pid, 'SIGKILL'), graceMs));
    };
    signal.addEventListener('abort', end, { once: true });
    try {
      const ended = await running.ended;
      return signal.aborted ? { kind: 'aborted' } : ended;
    } finally {
      signal.removeEventListener('abort', end);
      for (const timer of timers) clearTimeout(timer);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'missing' };
    throw error;
  }
}

/** The command and what it started, such as `git-remote-https`. */
function endGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}
