import { randomBytes } from 'node:crypto';
import type { Duplex, Readable } from 'node:stream';
import { type Exit, SystemError } from '../../model/outcome.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import { markerName } from '../../util/process-strays.ts';
import type { Command } from '../executor.ts';
import { bootstrap, endAll, endMarked, preamble } from './bootstrap.ts';
import { demultiplex } from './demultiplex.ts';
import { connectionBroke, type Engine, shortReason, statusOf } from './engine.ts';

/** A container that has been created, and how its commands are ended. */
export interface JobContainerPlace {
  readonly engine: Engine;
  readonly id: string;
  readonly image: string;
  /** For commands that name no shell: the file that `Session.shell` stands for. */
  readonly shell: string;
  /** Between TERM and KILL, milliseconds. */
  readonly graceMs: number;
  readonly memoryBytes?: number;
}

/** How long the engine may take to tell that a container is gone after KILL, milliseconds. */
const patienceMs = 30_000;
/** How long KILL to single processes may take before the container is killed, milliseconds. */
const lastResortMs = 3000;
/** How long output of an ended command that somebody still holds open must be silent, milliseconds. */
const silenceMs = 100;

/**
 * The container of one job. A command is one start of the container with the script on its input: files stay from one
 * to the next, processes don't. Once a command has been started in the background the container keeps running and
 * commands are execs in it.
 */
export class JobContainer {
  readonly #place: JobContainerPlace;
  readonly #execEnds = new Map<string, Deferred<number>>();
  #events: Readable | undefined;
  #keeper: Promise<void> | undefined;

  constructor(place: JobContainerPlace) {
    this.#place = place;
  }

  async run(command: Command, signal: AbortSignal): Promise<Exit> {
    if (signal.aborted) return { kind: 'signal', signal: 'SIGTERM' };
    try {
      if (command.background) this.#keeper ??= this.#keepRunning();
      if (this.#keeper === undefined) return await this.#runByStart(command, signal);
      await this.#keeper;
      return await this.#runByExec(command, signal);
    } catch (error) {
      throw this.#place.engine.failure('run a command', error);
    }
  }

  /** Stops listening; the container itself is removed by its owner. */
  close(): void {
    this.#events?.destroy();
    for (const end of this.#execEnds.values()) end.resolve(137);
  }

  async #runByStart(command: Command, signal: AbortSignal): Promise<Exit> {
    const { engine, id } = this.#place;
    const input = await inputOf(command, command.env, this.#place.shell);
    const [stream, end] = await Promise.all([engine.attach(id), engine.watchEnd(id)]);
    stream.on('error', () => {});
    const gaveUp = deferred<never>();
    gaveUp.promise.catch(() => {});
    let settle: (() => void) | undefined;
    const stop = (): void => {
      settle ??= this.#endContainer(gaveUp);
    };
    try {
      await this.#start();
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
      stream.end(input);
      const output = demultiplex(stream, command.stdout, command.stderr);
      output.catch(stop);
      const code = await Promise.race([end.exitCode, gaveUp.promise]);
      await output.catch(rethrowUnlessCut);
      return code === 137 ? await this.#explainKill() : { kind: 'code', code };
    } finally {
      signal.removeEventListener('abort', stop);
      settle?.();
      end.close();
      stream.destroy();
    }
  }

  async #start(): Promise<void> {
    const { engine, id, image } = this.#place;
    try {
      await engine.api.getContainer(id).start();
    } catch (error) {
      const reason = shortReason(error);
      if (/exec: "sh"|"sh": executable file not found|sh: no such file/.test(reason)) {
        throw new SystemError('runner_system_failure', `image \`${image}\` has no shell: jobs need \`sh\` in it`, {
          cause: error,
          hint: 'take an image with a shell (often its `debug` or `alpine` variant)',
        });
      }
      throw engine.failure(`start a container of image \`${image}\``, error);
    }
  }

  /**
   * TERM to everything inside, KILL to the container after the grace period; rejects `gaveUp` when even that does not
   * help. The returned function ends the waiting.
   */
  #endContainer(gaveUp: Deferred<never>): () => void {
    const { engine, id, graceMs } = this.#place;
    this.#execDetached(endAll, 'root').catch(() => {});
    let timer = setTimeout(() => {
      engine.api
        .getContainer(id)
        .kill({ signal: 'KILL' })
        .catch(() => {});
      timer = setTimeout(() => {
        const message = `container engine ${engine.text} did not end a container in ${patienceMs / 1000} s`;
        gaveUp.reject(new SystemError('runner_system_failure', message));
      }, patienceMs);
    }, graceMs);
    return () => clearTimeout(timer);
  }

  /** A command run inside whose end nobody waits for. Even root may not read the environment of another user's process. */
  async #execDetached(script: string, as: 'root' | 'user'): Promise<void> {
    const exec = await this.#place.engine.api.getContainer(this.#place.id).exec({
      Cmd: ['sh', '-c', script],
      ...(as === 'root' ? { User: '0' } : {}),
      AttachStdout: false,
      AttachStderr: false,
    });
    await exec.start({ Detach: true });
  }

  async #explainKill(): Promise<Exit> {
    const { State } = await this.#place.engine.api.getContainer(this.#place.id).inspect();
    if (!State.OOMKilled) return { kind: 'code', code: 137 };
    const { memoryBytes } = this.#place;
    return { kind: 'out-of-memory', ...(memoryBytes === undefined ? {} : { limitBytes: memoryBytes }) };
  }

  /** Starts the container with nothing on its input: the bootstrap waits for a line that never comes. */
  async #keepRunning(): Promise<void> {
    const { engine, id } = this.#place;
    const filters = { container: [id], event: ['exec_die', 'die'] };
    this.#events = (await engine.api.getEvents({ filters: JSON.stringify(filters) as never })) as Readable;
    void this.#readEvents(this.#events);
    await this.#start();
  }

  async #readEvents(events: Readable): Promise<void> {
    let rest = '';
    try {
      for await (const chunk of events) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop()!;
        for (const line of lines) {
          if (line.trim() === '') continue;
          this.#takeEvent(JSON.parse(line) as EngineEvent);
        }
      }
    } catch {
      // The stream breaks when the session is closed or the engine ends; commands notice by themselves.
    }
    for (const end of this.#execEnds.values()) end.reject(new Error(connectionBroke));
  }

  #takeEvent({ Action, Actor }: EngineEvent): void {
    const { execID = '', exitCode = '' } = Actor?.Attributes ?? {};
    if (Action === 'exec_die') this.#execEnds.get(execID)?.resolve(Number(exitCode));
    // With the container everything in it has ended.
    else if (Action === 'die') for (const end of this.#execEnds.values()) end.resolve(137);
  }

  async #runByExec(command: Command, signal: AbortSignal): Promise<Exit> {
    const { engine, id } = this.#place;
    const value = randomBytes(12).toString('hex');
    const input = await inputOf(command, { ...command.env, [markerName]: value }, this.#place.shell);
    const exec = await engine.api.getContainer(id).exec({
      Cmd: ['sh', '-c', bootstrap],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const end = deferred<number>();
    end.promise.catch(() => {});
    this.#execEnds.set(exec.id, end);
    const stream = await engine.attachExec(exec.id);
    stream.on('error', () => {});
    stream.end(input);
    const output = this.#takeUntilSilent(stream, command, end.promise);
    const running = this.#waitForExec(exec.id, end.promise, output, `${markerName}=${value}`, stream, signal);
    if (!command.background) return running;
    running.catch(() => {});
    return { kind: 'code', code: 0 };
  }

  async #waitForExec(
    exec: string,
    end: Promise<number>,
    output: Promise<void>,
    assignment: string,
    stream: Duplex,
    signal: AbortSignal,
  ): Promise<Exit> {
    let settle: (() => void) | undefined;
    const stop = (): void => {
      settle ??= this.#endExec(assignment);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    output.catch(stop);
    try {
      const code = await end;
      await output.catch(rethrowUnlessCut);
      return code === 137 ? await this.#explainKill() : { kind: 'code', code };
    } finally {
      settle?.();
      signal.removeEventListener('abort', stop);
      this.#execEnds.delete(exec);
      stream.destroy();
    }
  }

  /** TERM to the command's processes, KILL after the grace period, and in the end KILL to the whole container. */
  #endExec(assignment: string): () => void {
    const container = this.#place.engine.api.getContainer(this.#place.id);
    this.#execDetached(endMarked(assignment, 'TERM'), 'user').catch(() => {});
    let timer = setTimeout(() => {
      this.#execDetached(endMarked(assignment, 'KILL'), 'user').catch(() => {});
      timer = setTimeout(() => container.kill({ signal: 'KILL' }).catch(() => {}), lastResortMs);
    }, this.#place.graceMs);
    return () => clearTimeout(timer);
  }

  /** A child of the command may hold its output open after the command has ended. */
  async #takeUntilSilent(stream: Duplex, command: Command, end: Promise<number>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    let ended = false;
    const wait = (): void => {
      clearTimeout(timer);
      if (ended) timer = setTimeout(() => stream.destroy(), silenceMs);
    };
    end.then(
      () => {
        ended = true;
        wait();
      },
      () => stream.destroy(),
    );
    try {
      await demultiplex(stream, command.stdout, command.stderr, wait);
    } catch (error) {
      rethrowUnlessCut(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

interface EngineEvent {
  readonly Action?: string;
  readonly Actor?: { readonly Attributes?: Readonly<Record<string, string>> };
}

/** What a shell in a container reads: the line for the bootstrap, then the script. */
async function inputOf(command: Command, env: Readonly<Record<string, string>>, shell: string): Promise<string> {
  const { line, skipped } = preamble({
    env,
    ...(command.directory === undefined ? {} : { directory: command.directory }),
    shell: command.shell?.trim() ?? shell,
  });
  for (const name of skipped) {
    const warning = `WARNING: the variable ${JSON.stringify(name)} can't be set by a shell and is left out\n`;
    await command.stderr.write(Buffer.from(warning));
  }
  return line + command.script;
}

/** The stream was cut by us or by the engine after the end: the exit code tells all. */
function rethrowUnlessCut(error: unknown): void {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  if (code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || statusOf(error) !== undefined) return;
  throw error;
}
