import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { ProcessRequest } from './process.ts';

/**
 * What stands between us and a process that has our terminal: a shell with job control. Interactive shells take the
 * terminal for their own process group; if one is killed, or stops itself (`suspend`, Ctrl-Z), nobody but a program that may
 * say so can take it back, and Node can't. Descriptor 3 tells the process's pid and when it has stopped, a line on 4 lets it
 * go on; none of what the shell itself says is shown.
 */
const keeper = `exec 5>&2 2>/dev/null
modes=$(stty -g)
"$0" -c 'echo "$$" >&3; exec "$@" 2>&5 3>&- 4<&- 5>&-' ci "$@"
code=$?
while jobs %+ >/dev/null; do
  echo stopped >&3
  read -r line <&4 || break
  fg >/dev/null
  code=$?
done
[ "$code" -lt 128 ] || stty "$modes"
exit "$code"`;

/** Shells that are not interactive throw these away. */
const prompts = ['PS1', 'PS2'] as const;

/** What to start; `shellFile`: absolute path of a shell, bash where there is one: others throw variables away whose names are not theirs. */
export interface TerminalRequest extends Pick<ProcessRequest, 'file' | 'args' | 'directory' | 'env'> {
  readonly shellFile: string;
}

/** A process that has our terminal. */
export interface TerminalProcess {
  /** Ends when the process does, with its exit code or 128 + the number of the signal that ended it. */
  readonly child: ChildProcess;
  /** Sends a signal to the process. */
  signal(name: NodeJS.Signals): void;
}

/**
 * Starts a process with our descriptors 0 to 2. It may take the terminal over; at its end the terminal is ours again. If it is
 * stopped, so are we and all of our process group; when we go on it does.
 */
export function startAtTerminal(request: TerminalRequest): TerminalProcess {
  const { file, args, directory, env, shellFile } = request;
  const kept = prompts.flatMap((name) => (env[name] === undefined ? [] : [`${name}=${env[name]}`]));
  const argv = [...(kept.length === 0 ? [] : ['env', ...kept]), file, ...args];
  const child = spawn(shellFile, ['-m', '-c', keeper, shellFile, ...argv], {
    cwd: directory,
    env: { ...env },
    stdio: ['inherit', 'inherit', 'inherit', 'pipe', 'pipe'],
  });
  let pid: number | undefined;
  const [told, goOn] = [child.stdio[3] as Readable, child.stdio[4] as Writable];
  for (const stream of [told, goOn]) stream?.on('error', () => {});
  let rest = '';
  told?.setEncoding('latin1').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (line !== 'stopped') {
        pid = Number(line);
        continue;
      }
      // This call returns when somebody has told us to go on, or at once where nobody would.
      process.kill(0, 'SIGTSTP');
      goOn.write('\n');
    }
  });
  return {
    child,
    signal: (name) => {
      if (pid === undefined) child.kill(name);
      else if (sendTo(pid, name)) sendTo(pid, 'SIGCONT');
    },
  };
}

function sendTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
