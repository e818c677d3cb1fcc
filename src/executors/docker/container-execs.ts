import { randomBytes } from 'node:crypto';
import type { Duplex, Readable } from 'node:stream';
import { type Exit, SystemError } from '../../model/outcome.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import { markerName } from '../../util/process-strays.ts';
import type { Command } from '../executor.ts';
import type { RemoteVisit, Visit } from '../visit.ts';
import { answerOf } from './answer-of.ts';
import { bootstrap, endMarked } from './bootstrap.ts';
import { commandInput } from './command-input.ts';
import { exitOf, runDetached } from './container-calls.ts';
import type { CommandUsage } from './container-usage.ts';
import { throwIfEndedFromOutside } from './ended-from-outside.ts';
import { connectionBroke, type Engine } from './engine.ts';
import type { JobContainerPlace } from './job-container-place.ts';
import { letIn } from './let-in.ts';
import { takeUntilSilent } from './take-until-silent.ts';
import { visitContainer } from './visit-container.ts';

/** How long KILL to single processes may take before the container is killed, milliseconds. */
const lastResortMs = 3000;
/** How long the engine may then take to tell that the command has ended, milliseconds. */
const patienceMs = 30_000;

/** Commands that run beside each other in one running container. */
export interface ContainerExecs {
  /** A command in the background gives code 0 as soon as it has started. */
  run(command: Command, signal: AbortSignal): Promise<Exit>;
  /** See Session.enter. What the visitor leaves running is not ended. */
  visit(visit: Visit, signal: AbortSignal): Promise<Exit>;
  /** See Door. */
  letIn(visit: RemoteVisit, signal: AbortSignal): Promise<Exit>;
  close(): void;
}

/**
 * Listens to the engine for the ends of commands; call it before the container is started.
 * @param onGone called when the container has ended.
 */
export async function openContainerExecs(place: JobContainerPlace, onGone: () => void): Promise<ContainerExecs> {
  const filters = JSON.stringify({ container: [place.id], event: ['exec_die', 'exec_died', 'die'] });
  const events = (await place.engine.api.getEvents({ filters: filters as never })) as Readable;
  const ends = new Map<string, Deferred<number>>();
  void readEvents(events, ends, onGone, () => askForEnds(place.engine, ends));
  return {
    run: (command, signal) => runExec(place, ends, command, signal),
    visit: (visit, signal) => visitContainer(place, ends, visit, signal),
    letIn: (visit, signal) => letIn(place, ends, visit, signal),
    close: () => {
      events.destroy();
      for (const end of ends.values()) end.resolve(137);
    },
  };
}

interface EngineEvent {
  readonly Action?: string;
  readonly Actor?: { readonly Attributes?: Readonly<Record<string, string>> };
}

async function readEvents(
  events: Readable,
  ends: Map<string, Deferred<number>>,
  onGone: () => void,
  onSomeEnd: () => void,
): Promise<void> {
  let rest = '';
  try {
    for await (const chunk of events) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        if (line.trim() === '') continue;
        const { Action, Actor } = JSON.parse(line) as EngineEvent;
        const { execID = '', exitCode = '' } = Actor?.Attributes ?? {};
        if (Action === 'exec_die') ends.get(execID)?.resolve(Number(exitCode));
        // Podman does not tell which.
        if (Action === 'exec_died') onSomeEnd();
        if (Action !== 'die') continue;
        // With the container everything in it has ended.
        for (const end of ends.values()) end.resolve(137);
        onGone();
      }
    }
  } catch {
    // The stream breaks when the session is closed or the engine ends; the commands are told below.
  }
  for (const end of ends.values()) end.reject(new Error(connectionBroke));
}

/** Looks which of the commands have ended. */
function askForEnds(engine: Engine, ends: ReadonlyMap<string, Deferred<number>>): void {
  for (const [id, end] of ends) {
    engine.api
      .getExec(id)
      .inspect()
      .then(({ Running, ExitCode }) => {
        if (!Running && ExitCode !== null) end.resolve(ExitCode);
      }, end.reject);
  }
}

async function runExec(
  place: JobContainerPlace,
  ends: Map<string, Deferred<number>>,
  command: Command,
  signal: AbortSignal,
): Promise<Exit> {
  const { engine, id } = place;
  const marker = randomBytes(12).toString('hex');
  const used = place.usage.command(command.stderr);
  const input = await commandInput(command, { ...command.env, [markerName]: marker }, place, used.mark);
  const made = engine.api.getContainer(id).exec({
    Cmd: ['sh', '-c', bootstrap],
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  });
  const exec = await answerOf(place, made, signal);
  const end = deferred<number>();
  end.promise.catch(() => {});
  ends.set(exec.id, end);
  const stream = await answerOf(place, engine.attachExec(exec.id), signal, (late) => {
    late.on('error', () => {}).destroy();
  }).catch((error: unknown) => {
    ends.delete(exec.id);
    throw error;
  });
  stream.on('error', () => {});
  stream.end(input);
  const running = waitForExec(
    { place, assignment: `${markerName}=${marker}`, stream, command, used, end: end.promise },
    signal,
  ).finally(() => ends.delete(exec.id));
  if (!command.background) return running;
  running.catch(() => {});
  return { kind: 'code', code: 0 };
}

interface RunningExec {
  readonly place: JobContainerPlace;
  /** In the environment of its processes. */
  readonly assignment: string;
  readonly stream: Duplex;
  readonly command: Command;
  readonly used: CommandUsage;
  readonly end: Promise<number>;
}

async function waitForExec(
  { place, assignment, stream, command, used, end }: RunningExec,
  signal: AbortSignal,
): Promise<Exit> {
  let settle: (() => void) | undefined;
  const gaveUp = deferred<never>();
  gaveUp.promise.catch(() => {});
  const stop = (): void => {
    settle ??= endExec(place, assignment, gaveUp);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  const output = takeUntilSilent(stream, command.stdout, used.stderr, end);
  output.catch(stop);
  try {
    const code = await Promise.race([end, gaveUp.promise]);
    await Promise.race([output, gaveUp.promise]);
    const exit = await answerOf(place, exitOf(place, command, code, await used.end()), signal);
    if (settle === undefined && exit.kind === 'code') await throwIfEndedFromOutside(place.engine, place.id, exit.code);
    return exit;
  } finally {
    settle?.();
    signal.removeEventListener('abort', stop);
    stream.destroy();
  }
}

/**
 * TERM to the command's processes, KILL after the grace period, and in the end KILL to the whole container; rejects
 * `gaveUp` when even that does not help. The returned function ends the waiting.
 */
function endExec({ engine, id, graceMs }: JobContainerPlace, assignment: string, gaveUp: Deferred<never>): () => void {
  const container = engine.api.getContainer(id);
  const giveUp = (): void => {
    const message = `container engine ${engine.text} did not end a command in ${patienceMs / 1000} s`;
    gaveUp.reject(new SystemError('runner_system_failure', message));
  };
  runDetached(engine, id, endMarked(assignment, 'TERM'), 'user').catch(() => {});
  let timer = setTimeout(() => {
    runDetached(engine, id, endMarked(assignment, 'KILL'), 'user').catch(() => {});
    timer = setTimeout(() => {
      container.kill({ signal: 'KILL' }).catch(() => {});
      timer = setTimeout(giveUp, patienceMs);
    }, lastResortMs);
  }, graceMs);
  return () => clearTimeout(timer);
}
