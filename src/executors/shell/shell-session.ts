import { existsSync } from 'node:fs';
import type { JobSpec } from '../../model/job-spec.ts';
import { type Exit, SystemError } from '../../model/outcome.ts';
import type { OomWatch } from '../../util/oom-kills.ts';
import { type Plumbing, startPipedProcess } from '../../util/piped-process.ts';
import type { ProcessRequest, RunningProcess } from '../../util/process.ts';
import { ProcessLost } from '../../util/process-helper.ts';
import type { Workspace } from '../../workspaces/open-workspace.ts';
import type { Command, KeptPlace, Session } from '../executor.ts';
import { localFiles } from '../local-files.ts';
import { jobEnvironment } from './job-environment.ts';
import { JobProcesses } from './job-processes.ts';
import { placesOfJob } from './places-of-job.ts';
import type { UsageWatch } from './session-usage.ts';
import { shellDoor } from './shell-door.ts';
import { visitShell } from './visit-shell.ts';

/** Everything that a session needs to know; the directories exist. */
export interface ShellSessionPlace {
  readonly job: JobSpec;
  /**
   * Marks the processes of this session, with a dot behind it: below the session's own directory, so that no other session has the
   * same, and who finds that directory left finds the processes.
   */
  readonly marker: string;
  readonly directory: string;
  readonly temporaryDirectory: string;
  /** Of a job with a home of its own. */
  readonly home?: string;
  readonly where: string;
  /** See Session. */
  readonly programs?: string;
  readonly shell: 'bash' | 'sh';
  /** Absolute path of that shell. */
  readonly shellFile: string;
  /** The user's own environment, of variables with which a process can be started. */
  readonly env: Readonly<Record<string, string>>;
  /** Where programs of our own (git) are looked for. */
  readonly path: string;
  readonly graceMs: number;
  readonly plumbing: Plumbing;
  /** Shared by the sessions of the run. */
  readonly usage: UsageWatch;
  readonly oom: OomWatch;
  /** Absent: the job works in a directory that is not its own. */
  readonly workspace: Workspace | undefined;
  /** Learns of the session's processes while it is open. */
  readonly open: Set<() => void>;
  /** Learns that a script of the job is at work. */
  atWork(): void;
  /** Removes what was made for the session in the background. */
  remove(): void;
}

/** Longest wait for what a job left running when its session is closed, milliseconds. */
const longestDisposalGraceMs = 2000;

/** Opens a session whose commands are process groups on this machine. */
export function openShellSession(place: ShellSessionPlace): Session {
  const processes = new JobProcesses(place);
  const { workspace } = place;
  const kill = (): void => processes.kill();
  place.open.add(kill);
  let isKept = false;
  return {
    directory: place.directory,
    temporaryDirectory: place.temporaryDirectory,
    ...(place.home === undefined ? {} : { home: place.home }),
    where: place.where,
    ...(place.programs === undefined ? {} : { programs: place.programs }),
    shell: place.shell,
    prepare: async (signal) => {
      await workspace?.fill(signal);
    },
    run: (command, signal) => runCommand(place, processes, command, signal),
    enter: (visit, signal) => {
      const marker = processes.nextMarker();
      const visited = {
        ...place,
        environment: (env: Readonly<Record<string, string>>) => jobEnvironment(place, env, marker),
        started: (running: Pick<RunningProcess, 'pid' | 'ended'>) => processes.started(running),
      };
      return visitShell(visited, visit, signal);
    },
    door: async (signal) => {
      const filled = await workspace?.fill(signal);
      return shellDoor({
        ...place,
        nextMarker: () => processes.nextMarker(),
        started: (running) => processes.started(running),
        enter: (start) => filled?.enter(start) ?? start,
      });
    },
    stats: async () => processes.usage.total(),
    keep: async (_, note) => {
      const kept: KeptPlace = { name: place.directory, commandFor: (file) => file };
      await note(kept);
      isKept = true;
      return kept;
    },
    files: localFiles({
      directory: place.directory,
      path: place.path,
      ...(workspace === undefined ? {} : { workspace }),
      mayLink: () => workspace !== undefined && onlyTakesAfterRuns(place.job) && !processes.anyAlive(),
      ...(place.home === undefined ? {} : { refuses: placesOfJob([place.home, place.directory]) }),
    }),
    [Symbol.asyncDispose]: async () => {
      await processes.endAll(Math.min(place.graceMs, longestDisposalGraceMs));
      place.open.delete(kill);
      if (!isKept) place.remove();
    },
  };
}

async function runCommand(
  place: ShellSessionPlace,
  processes: JobProcesses,
  command: Command,
  signal: AbortSignal,
): Promise<Exit> {
  if (signal.aborted) return { kind: 'signal', signal: 'SIGTERM' };
  const shell = command.shell === undefined ? [place.shellFile] : command.shell.trim().split(/\s+/);
  const directory = command.directory ?? place.directory;
  const filled = await place.workspace?.fill(signal);
  place.workspace?.settle();
  const start = filled?.enter({ argv: shell, directory }) ?? { argv: shell, directory };
  const [file, ...args] = start.argv;
  const marker = processes.nextMarker();
  let running: RunningProcess;
  try {
    const request: ProcessRequest = {
      file: file!,
      args,
      directory: start.directory,
      env: jobEnvironment(place, command.env, marker),
      stdin: command.script,
      stdout: (bytes) => command.stdout.write(bytes),
      stderr: (bytes) => command.stderr.write(bytes),
    };
    running = await startPipedProcess(request, place.plumbing);
  } catch (error) {
    if (error instanceof ProcessLost) throw await processes.lost(error, { marker, groups: [], since: 0, sinceMs: 0 });
    return explainStart(error, command, file!, directory);
  }
  processes.started(running);
  const unwatch = processes.usage.started(running.pid);
  running.ended.then(unwatch, unwatch);
  place.atWork();
  if (command.background) return { kind: 'code', code: 0 };
  return processes.waitFor(running, marker, signal);
}

/** As a shell would say it: a wrong directory or shell is the script's mistake, all else the machine's. */
async function explainStart(error: unknown, command: Command, file: string, directory: string): Promise<Exit> {
  const code = (error as NodeJS.ErrnoException).code;
  const say = (text: string): Promise<void> => command.stderr.write(Buffer.from(`${text}\n`));
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') {
    if (!existsSync(directory)) {
      await say(`cd: ${directory}: no such directory`);
      return { kind: 'code', code: 1 };
    }
    await say(`${file}: ${code === 'EACCES' ? 'permission denied' : 'not found'}`);
    return { kind: 'code', code: code === 'EACCES' ? 126 : 127 };
  }
  const hint = code === 'E2BIG' ? { hint: 'a variable is longer than 128 KiB, or all together are too long' } : {};
  throw new SystemError('runner_system_failure', `cannot start ${file}: ${(error as Error).message}`, {
    cause: error,
    ...hint,
  });
}

/** All that files are taken out after the last script: then they may be linked, since nobody writes to them again. */
function onlyTakesAfterRuns(job: JobSpec): boolean {
  const takes = new Set(['save-cache', 'upload-artifacts', 'persist-workspace', 'test-report']);
  const firstTake = job.steps.findIndex((step) => takes.has(step.kind));
  return firstTake >= 0 && job.steps.findLastIndex((step) => step.kind === 'run') < firstTake;
}
