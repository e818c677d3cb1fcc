import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Exit, SystemError } from '../../model/outcome.ts';
import { killGroup, type RunningProcess, startProcess } from '../../util/process.ts';
import { markerName } from '../../util/process-strays.ts';
import type { Command } from '../executor.ts';
import { preamble, quote } from '../preamble.ts';
import { type MarkedOutput, markedOutput } from './marked-output.ts';
import { exchanged } from './remote-exchange.ts';
import { endProgram, loginLine, runProgram } from './remote-programs.ts';
import type { SshConnection } from './ssh-connection.ts';

/** How long what was killed may take to be told as ended, milliseconds. */
const patienceMs = 10_000;

/** As a shell tells KILL. */
const killed = 137;

/** How long the way of output may be, milliseconds. */
const lastWordsMs = 100;

/** The commands of one session. */
export interface SshCommands {
  run(command: Command, signal: AbortSignal): Promise<Exit>;
  /** Lets go of what still prints; ends nothing at the other end. */
  drop(): void;
}

/** Where commands run. */
export interface SshCommandPlace {
  readonly connection: SshConnection;
  readonly directory: string;
  readonly programs?: string;
  readonly graceMs: number;
}

/** Commands are processes at the other end that carry a variable, by which they are found to be ended. */
export function sshCommands(place: SshCommandPlace): SshCommands {
  const clients = new Set<RunningProcess>();
  let runs = 0;
  return {
    run: async (command, signal) => {
      if (signal.aborted) return { kind: 'signal', signal: 'SIGTERM' };
      const marker = `${place.connection.own}/job.${++runs}.`;
      const life = { isEnding: false };
      const started = await start(place, command, marker, life);
      clients.add(started.client);
      const forget = (): void => void clients.delete(started.client);
      started.client.ended.then(forget, forget);
      const ended = waitFor(place, { ...started, life }, marker, signal);
      if (!command.background) return ended;
      ended.catch(() => {});
      return { kind: 'code', code: 0 };
    },
    drop: () => {
      for (const { pid } of clients) killGroup(pid);
    },
  };
}

interface Started {
  readonly client: RunningProcess;
  /** Resolves with the exit code when all output has been taken. */
  readonly code: Promise<number>;
  readonly life: CommandLife;
}

/** Whether a command is being ended: until that is over, its processes may say something. */
interface CommandLife {
  isEnding: boolean;
}

async function start(
  { connection, directory, programs }: SshCommandPlace,
  command: Command,
  marker: string,
  life: CommandLife,
) {
  const mark = randomBytes(12).toString('hex');
  const { PATH, ...others } = command.env;
  const path = programs === undefined ? PATH : PATH === undefined ? undefined : `${programs}:${PATH}`;
  const { line, skipped } = preamble({
    env: { ...others, ...(path === undefined ? {} : { PATH: path }), [markerName]: marker },
    directory: command.directory ?? directory,
    shell: command.shell?.trim() ?? connection.shell,
  });
  for (const name of skipped) {
    const warning = `WARNING: the variable ${JSON.stringify(name)} can't be set by a shell and is left out\n`;
    await command.stderr.write(Buffer.from(warning));
  }
  const ours = programs !== undefined && PATH === undefined;
  const first = ours ? `PATH=${quote(programs)}"\${PATH:+:$PATH}"; export PATH; ` : '';
  const [file = '', ...args] = connection.argv;
  const [stdout, stderr] = [command.stdout, command.stderr].map((sink) =>
    markedOutput(mark, sink, () => life.isEnding),
  ) as [MarkedOutput, MarkedOutput];
  const client = await startProcess({
    file,
    args,
    directory: connection.directory,
    env: connection.env,
    stdin: `${loginLine(runProgram(mark))}${first}${line}${command.script}`,
    stdout: stdout.take,
    stderr: stderr.take,
  });
  const code = Promise.all([stdout.ended, stderr.ended]).then(([one]) => one);
  return { client, code };
}

async function waitFor(
  { connection, graceMs }: SshCommandPlace,
  { client, code, life }: Started,
  marker: string,
  signal: AbortSignal,
): Promise<Exit> {
  let ending: Promise<void> | undefined;
  let giveUp: (error: SystemError) => void = () => {};
  const gaveUp = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  gaveUp.catch(() => {});
  const end = (): void => {
    life.isEnding = true;
    ending ??= endMarked(connection, marker, graceMs);
    void ending
      .catch(() => {})
      .then(async () => {
        await sleep(patienceMs, undefined, { ref: false });
        giveUp(new SystemError('runner_system_failure', `${connection.text} did not end a command`));
      });
  };
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  // A shell that was killed with all around it tells nothing.
  const silent = client.ended.then(
    async (exit): Promise<Exit> =>
      exit.kind === 'code' && exit.code === 255 ? Promise.race([connection.broken, lateExit(exit)]) : exit,
  );
  silent.catch(() => {});
  try {
    const told = code.then((number): Exit => ({ kind: 'code', code: number }));
    const exit = await Promise.race([told, silent, connection.broken, gaveUp]);
    // Killed: by the other end, perhaps, which has heard nothing for too long and gives the job up.
    if (!signal.aborted && exit.kind === 'code' && exit.code === killed) await connection.holds();
    return exit;
  } catch (error) {
    if (!(error instanceof SystemError)) end();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
    await ending?.catch(() => {});
    // What was said last is still on its way.
    if (ending !== undefined) await sleep(lastWordsMs);
    life.isEnding = false;
  }
}

/** The connection may have broken, which is told in a moment. */
async function lateExit(exit: Exit): Promise<Exit> {
  await sleep(500, undefined, { ref: false });
  return exit;
}

async function endMarked(connection: SshConnection, marker: string, graceMs: number): Promise<void> {
  await exchanged(connection, {
    doing: 'end a command',
    program: endProgram,
    variables: { ci_marker: marker, ci_grace: String(Math.ceil(graceMs / 100)) },
  });
}
