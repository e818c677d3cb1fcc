import type { Duplex } from 'node:stream';
import { type Exit, SystemError } from '../../model/outcome.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import type { Command, Door } from '../executor.ts';
import type { Visit } from '../visit.ts';
import { answerOf, EngineSilent } from './answer-of.ts';
import { endAll } from './bootstrap.ts';
import { commandInput } from './command-input.ts';
import { exitOf, runDetached } from './container-calls.ts';
import { type ContainerExecs, openContainerExecs } from './container-execs.ts';
import { demultiplex } from './demultiplex.ts';
import { throwIfEndedFromOutside } from './ended-from-outside.ts';
import type { WatchedEnd } from './engine.ts';
import { type GreetingFilter, greetingFilter } from './greeting.ts';
import { entrypointIsSlow, imageProblem, swallowedByEntrypoint } from './image-problems.ts';
import { say } from './images.ts';
import type { JobContainerPlace } from './job-container-place.ts';
import { isRefused } from './session-container.ts';

/** How long the engine may take to tell that a container is gone after KILL, milliseconds. */
const patienceMs = 30_000;

/**
 * The container of one job. A command is one start of the container with the script on its input: files stay from one
 * to the next, processes don't. Once a command has been started in the background the container keeps running and
 * commands are execs in it.
 */
export class JobContainer {
  readonly #place: JobContainerPlace;
  /** Set while the container is kept running. */
  #execs: Promise<ContainerExecs> | undefined;
  /** Has it been started for a command? */
  #hasRun = false;
  /** Set once the engine has left a job that has to end without an answer: it is asked for nothing more. */
  #silent: EngineSilent | undefined;

  constructor(place: JobContainerPlace) {
    this.#place = place;
  }

  async run(command: Command, signal: AbortSignal): Promise<Exit> {
    if (signal.aborted) return { kind: 'signal', signal: 'SIGTERM' };
    if (this.#silent !== undefined) throw this.#silent;
    try {
      if (command.background) this.#execs ??= this.#keepRunning();
      if (this.#execs === undefined) return await this.#runByStart(command, signal);
      const execs = await answerOf(this.#place, this.#execs, signal);
      return await this.#beside(() => execs.run(command, signal));
    } catch (error) {
      throw this.#failure('run a command', error);
    }
  }

  /** See Session.enter. Afterwards it is as before: not running, unless commands in the background do. */
  async visit(visit: Visit, signal: AbortSignal): Promise<Exit> {
    if (signal.aborted) return { kind: 'signal', signal: 'SIGTERM' };
    if (this.#silent !== undefined) throw this.#silent;
    const wasRunning = this.isKeptRunning;
    try {
      this.#execs ??= this.#keepRunning();
      const execs = await answerOf(this.#place, this.#execs, signal);
      try {
        return await this.#beside(() => execs.visit(visit, signal));
      } finally {
        if (!wasRunning) await this.#stopRunning(execs);
      }
    } catch (error) {
      throw this.#failure('open a shell', error);
    }
  }

  /** See Session.door. */
  async door(signal: AbortSignal): Promise<Door> {
    if (this.#silent !== undefined) throw this.#silent;
    try {
      this.#execs ??= this.#keepRunning();
      const execs = await answerOf(this.#place, this.#execs, signal);
      return (visit, leave) => execs.letIn(visit, leave);
    } catch (error) {
      throw this.#failure('keep a container running', error);
    }
  }

  #failure(doing: string, error: unknown): unknown {
    if (error instanceof EngineSilent) this.#silent = error;
    return this.#place.engine.failure(doing, error);
  }

  /** Does something in a container that was started to keep running, which its entrypoint may have ended. */
  async #beside<T>(doing: () => Promise<T>): Promise<T> {
    try {
      return await doing();
    } catch (error) {
      const { engine, id, image, greeting } = this.#place;
      if (greeting === undefined || !isRefused(error)) throw error;
      const { State } = await engine.api.getContainer(id).inspect();
      throw State.Running ? error : swallowedByEntrypoint(image, State.ExitCode);
    }
  }

  /** From now on it runs whether commands do or not. */
  async keep(): Promise<void> {
    try {
      this.#execs ??= this.#keepRunning();
      await this.#execs;
    } catch (error) {
      throw this.#place.engine.failure('keep a container running', error);
    }
  }

  /** Is it running beside commands? */
  get isKeptRunning(): boolean {
    return this.#execs !== undefined;
  }

  /** Stops listening; the container itself is removed by its owner. */
  close(): void {
    this.#place.usage.ended();
    this.#execs?.then(
      (execs) => execs.close(),
      () => {},
    );
  }

  async #runByStart(command: Command, signal: AbortSignal): Promise<Exit> {
    const { engine, id, image, usage } = this.#place;
    usage.starting(id);
    const used = usage.command(command.stderr);
    const input = await commandInput(command, command.env, this.#place, used.mark);
    if (this.#hasRun) await answerOf(this.#place, engine.tidied(id), signal);
    this.#hasRun = true;
    const [stream, end] = await this.#join(signal);
    stream.on('error', () => {});
    const gaveUp = deferred<never>();
    gaveUp.promise.catch(() => {});
    let settle: (() => void) | undefined;
    const stop = (): void => {
      settle ??= this.#endContainer(gaveUp);
    };
    try {
      await answerOf(this.#place, this.#start(), signal);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
      stream.end(input);
      using greeted = this.#awaitGreeting(command);
      const output = demultiplex(stream, greeted?.stdout ?? command.stdout, used.stderr);
      output.catch(stop);
      const code = await Promise.race([end.exitCode, gaveUp.promise]);
      await Promise.race([output, gaveUp.promise]);
      await greeted?.finish();
      const isSwallowed = greeted?.isGreeted() === false && settle === undefined;
      // What was killed may lack memory, which is told below.
      if (isSwallowed && code !== 137) throw swallowedByEntrypoint(image, code);
      const exit = await answerOf(this.#place, exitOf(this.#place, command, code, await used.end()), signal);
      if (settle === undefined && exit.kind === 'code') await throwIfEndedFromOutside(engine, id, exit.code);
      return exit;
    } finally {
      usage.ended();
      signal.removeEventListener('abort', stop);
      settle?.();
      end.close();
      stream.destroy();
    }
  }

  /** Joins the container's input and output before it is started, and listens for its end. */
  #join(signal: AbortSignal): Promise<readonly [Duplex, WatchedEnd]> {
    const { engine, id } = this.#place;
    return answerOf(this.#place, Promise.all([engine.attach(id), engine.watchEnd(id)]), signal, ([stream, end]) => {
      stream.on('error', () => {}).destroy();
      end.close();
    });
  }

  /** Ends what is left in it; the next command starts it anew. */
  async #stopRunning(execs: ContainerExecs): Promise<void> {
    const { engine, id } = this.#place;
    this.#execs = undefined;
    this.#hasRun = true;
    execs.close();
    const stopped = async (): Promise<void> => {
      const end = await engine.watchEnd(id);
      try {
        await engine.api.getContainer(id).kill({ signal: 'KILL' });
        await end.exitCode;
      } catch {
        // It has ended already; or the engine has, which the next command will tell.
      } finally {
        end.close();
      }
    };
    try {
      await answerOf(this.#place, stopped(), AbortSignal.timeout(patienceMs));
    } catch (error) {
      if (error instanceof EngineSilent) this.#silent = error;
    }
  }

  async #start(): Promise<void> {
    const { engine, id, image } = this.#place;
    try {
      await engine.api.getContainer(id).start();
    } catch (error) {
      throw imageProblem(image, error) ?? engine.failure(`start a container of image \`${image}\``, error);
    }
  }

  /** Only images with an entrypoint may keep the job's shell from running. */
  #awaitGreeting({ stdout }: Command): (GreetingFilter & Disposable) | undefined {
    const { greeting, image, log, entrypointPatienceMs } = this.#place;
    if (greeting === undefined) return undefined;
    const filter = greetingFilter(greeting, stdout);
    const timer = setTimeout(() => {
      if (!filter.isGreeted()) say(log, entrypointIsSlow(image, entrypointPatienceMs)).catch(() => {});
    }, entrypointPatienceMs);
    return { ...filter, [Symbol.dispose]: () => clearTimeout(timer) };
  }

  /**
   * TERM to everything inside, KILL to the container after the grace period; rejects `gaveUp` when even that does not
   * help. The returned function ends the waiting.
   */
  #endContainer(gaveUp: Deferred<never>): () => void {
    const { engine, id, graceMs } = this.#place;
    runDetached(engine, id, endAll, 'root').catch(() => {});
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

  /** Starts the container with nothing on its input: the bootstrap waits for a line that never comes. */
  async #keepRunning(): Promise<ContainerExecs> {
    const { id, usage } = this.#place;
    const execs = await openContainerExecs(this.#place, () => {
      usage.ended();
      this.#execs = undefined;
      execs.close();
    });
    usage.starting(id);
    await this.#start();
    return execs;
  }
}
