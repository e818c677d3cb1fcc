import { spawn } from 'node:child_process';
import { deferred } from './deferred.ts';
import { type ProcessEnd, type ProcessRequest, processEnd, takeOutput } from './process.ts';
import { startAtTerminal, type TerminalRequest } from './terminal-process.ts';

/** A process that somebody looks at: it has our terminal, or our standard input. */
export interface AttachedRequest extends TerminalRequest {
  /** `terminal`: our descriptors 0 to 2. */
  readonly stdio: 'terminal' | ({ readonly stdin: 'ours' | 'empty' } & Pick<ProcessRequest, 'stdout' | 'stderr'>);
}

/** A process that has started and that somebody looks at. */
export interface AttachedProcess {
  readonly pid: number;
  /** See RunningProcess.ended. */
  readonly ended: Promise<ProcessEnd>;
  /** As if its terminal was closed: HUP, which interactive shells end by, and KILL a second later. */
  hangUp(): void;
}

/** From HUP to KILL. */
const patienceMs = 1000;

/**
 * Starts it. With streams it leads a session and process group of its own.
 * @throws the error of `spawn` (ENOENT, EACCES, E2BIG …) as a rejected promise.
 */
export async function startAttachedProcess(request: AttachedRequest): Promise<AttachedProcess> {
  const { file, args, directory, env, stdio } = request;
  const { child, signal } =
    stdio === 'terminal'
      ? startAtTerminal(request)
      : withoutTerminal(
          spawn(file, args, {
            cwd: directory,
            env: { ...env },
            stdio: [stdio.stdin === 'ours' ? 'inherit' : 'ignore', 'pipe', 'pipe'],
            detached: true,
          }),
        );
  const exit = deferred<ProcessEnd>();
  child.once('exit', (code, endedBy) => exit.resolve(processEnd(code, endedBy)));
  if (child.pid === undefined) await new Promise((_, reject) => child.once('error', reject));
  child.on('error', () => {});
  const ended =
    stdio === 'terminal'
      ? exit.promise
      : takeOutput({ stdout: child.stdout!, stderr: child.stderr! }, exit.promise, stdio);
  ended.catch(() => {});
  return {
    pid: child.pid!,
    ended,
    hangUp: () => {
      signal('SIGHUP');
      const timer = setTimeout(() => signal('SIGKILL'), patienceMs);
      void exit.promise.then(() => clearTimeout(timer));
    },
  };
}

function withoutTerminal(child: ReturnType<typeof spawn>) {
  return { child, signal: (name: NodeJS.Signals): void => void child.kill(name) };
}
