import { type Exit, SystemError } from '../../model/outcome.ts';
import { type AttachedProcess, startAttachedProcess } from '../../util/attached-process.ts';
import type { Workspace } from '../../workspaces/open-workspace.ts';
import type { Visit } from '../visit.ts';
import { visitorStdio } from '../visitor-stdio.ts';

/** Where a visitor comes to. */
export interface VisitedShell {
  readonly directory: string;
  readonly shell: 'bash' | 'sh';
  /** Absolute path of that shell. */
  readonly shellFile: string;
  /** Absent: the directory is not the job's own. */
  readonly workspace: Workspace | undefined;
  /** The complete environment of a process of the job. */
  environment(env: Readonly<Record<string, string>>): Record<string, string>;
  /** Learns of each process, so that it is ended with the job. */
  started(process: AttachedProcess): void;
}

/** Starts a shell that has this program's terminal, or its standard input. */
export async function visitShell(place: VisitedShell, visit: Visit, signal: AbortSignal): Promise<Exit> {
  if (signal.aborted) return { kind: 'signal', signal: 'SIGTERM' };
  const { by } = visit;
  const directory = visit.directory ?? place.directory;
  const filled = await place.workspace?.fill(signal);
  place.workspace?.settle();
  const argv = [place.shellFile, ...shellArguments(place, visit)];
  const start = filled?.enter({ argv, directory }) ?? { argv, directory };
  const [file, ...args] = start.argv;
  using _lent = by.kind === 'terminal' ? by.terminal.lend() : undefined;
  let running: AttachedProcess;
  try {
    running = await startAttachedProcess({
      file: file!,
      args,
      directory: start.directory,
      env: place.environment(visit.env),
      shellFile: place.shellFile,
      stdio: visitorStdio(by),
    });
  } catch (error) {
    throw new SystemError('runner_system_failure', `cannot start ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  place.started(running);
  const hangUp = (): void => running.hangUp();
  if (signal.aborted) hangUp();
  else signal.addEventListener('abort', hangUp, { once: true });
  try {
    return await running.ended;
  } finally {
    signal.removeEventListener('abort', hangUp);
  }
}

function shellArguments({ shell }: VisitedShell, { command, by }: Visit): readonly string[] {
  if (command !== undefined) return ['-c', command];
  if (by.kind === 'streams') return [];
  // What the user's ~/.bashrc does is no part of the job's environment.
  return shell === 'bash' ? ['--norc', '-i'] : ['-i'];
}
