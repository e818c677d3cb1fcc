import { SystemError } from '../../model/outcome.ts';
import { findProgram } from '../../util/find-program.ts';
import { monotonicMs } from '../../util/monotonic.ts';
import { endFamily } from '../../util/process-strays.ts';
import { makesTerminals, type PtyProcess, startPtyProcess } from '../../util/pty-process.ts';
import type { FilledWorkspace } from '../../workspaces/open-workspace.ts';
import type { Door } from '../executor.ts';
import { quote } from '../preamble.ts';
import { usualSize } from '../visit.ts';
import { type EnvironmentPlace, jobEnvironment } from './job-environment.ts';

/** Where people come to. */
export interface ShellDoorPlace extends EnvironmentPlace {
  readonly directory: string;
  readonly shell: 'bash' | 'sh';
  /** Absolute path of that shell. */
  readonly shellFile: string;
  /** Of the processes of one visitor. */
  nextMarker(): string;
  /** Learns of each process, so that it is ended with the job. */
  started(process: PtyProcess): void;
  /** See FilledWorkspace. */
  readonly enter: FilledWorkspace['enter'];
}

/** From HUP to TERM and from that to KILL, milliseconds. */
const patienceMs = 1000;

/** Lets people in by a terminal of their own each. @throws SystemError where this machine can't make terminals. */
export async function shellDoor(place: ShellDoorPlace): Promise<Door> {
  const script = findProgram('script', place.path);
  if (script === undefined || !(await makesTerminals(script, place.env))) {
    const why = script === undefined ? 'is not there' : `(${script}) is not that of util-linux`;
    throw new SystemError('runner_unsupported', `no terminal can be opened here: the program \`script\` ${why}`, {
      hint: 'install util-linux (Debian 13: bsdutils; Alpine: util-linux-misc; Fedora: util-linux-script)',
    });
  }
  return async ({ env, directory = place.directory, terminal }, signal) => {
    if (signal.aborted) return { kind: 'signal', signal: 'SIGHUP' };
    const marker = place.nextMarker();
    const complete = jobEnvironment(place, env, marker);
    // What the user's ~/.bashrc does is no part of the job's environment.
    const shell = [place.shellFile, ...(place.shell === 'bash' ? ['--norc', '-i'] : ['-i'])];
    const start = place.enter({ argv: [...prompt(complete), ...shell], directory });
    let running: PtyProcess;
    try {
      running = await startPtyProcess({
        script,
        shellFile: place.shellFile,
        command: `exec ${start.argv.map(quote).join(' ')}`,
        directory: start.directory,
        env: complete,
        size: usualSize,
        input: terminal.input,
        output: (bytes) => terminal.write(bytes),
      });
    } catch (error) {
      const message = `cannot open a terminal: ${(error as Error).message}`;
      throw new SystemError('runner_system_failure', message, { cause: error });
    }
    const sinceMs = monotonicMs();
    place.started(running);
    signal.addEventListener('abort', running.hangUp, { once: true });
    if (signal.aborted) running.hangUp();
    try {
      return await running.ended;
    } finally {
      signal.removeEventListener('abort', running.hangUp);
      running.hangUp();
      await endFamily({ marker, groups: [running.pid], since: running.pid, sinceMs }, patienceMs);
    }
  };
}

/** What the shells on the way to the visitor's own would change. */
function prompt(env: Readonly<Record<string, string>>): readonly string[] {
  const names = ['PS1', 'SHELL'] as const;
  const gone = names.filter((name) => env[name] === undefined).flatMap((name) => ['-u', name]);
  return ['env', ...gone, ...names.flatMap((name) => (env[name] === undefined ? [] : [`${name}=${env[name]}`]))];
}
