import type { Socket } from 'node:net';
import { assertNever } from './assert-never.ts';
import { startCompanion } from './companion.ts';
import { deferred } from './deferred.ts';
import type { ProcessEnd, ProcessRequest, RunningProcess } from './process.ts';
import starterCode from './process-starter.pl';
import {
  answerReader,
  commonMessage,
  type StarterAnswer,
  type StartRequest,
  type StreamNumber,
  startError,
  startMessage,
  takenMessage,
} from './starter-protocol.ts';
import { takingInTurn } from './taking-in-turn.ts';

/** A small process that starts others, and carries what they write over the one connection to it. */
export interface ProcessHelper {
  /** @returns undefined as long as it is not there, when it is gone, and for what it can't be told. */
  start(request: ProcessRequest): Promise<RunningProcess> | undefined;
  /** Nothing more will be started. */
  close(): void;
}

/** What we can't know any more: the helper is gone that would have told how a process ended. */
export class ProcessLost extends Error {
  override readonly name = 'ProcessLost';
}

/** Some variable, so that what it has just forked is not taken for a process of which nothing can be known. */
const helperEnvironment = { LC_ALL: 'C' };

/** @param perl absolute path of the program that runs the helper's code. */
export function startProcessHelper(perl: string): ProcessHelper {
  const child = startCompanion([perl, '-e', starterCode], { channel: 'asked', env: helperEnvironment });
  const answers = child.stdout as Socket | null;
  const processes = new Map<number, HelpedProcess>();
  let state: 'starting' | 'ready' | 'gone' = 'starting';
  let lastId = 0;
  let common: ProcessRequest['env'] | undefined;
  const tell = (message: Buffer): void => void child.stdin!.write(message);
  const gone = (): void => {
    state = 'gone';
    const error = new ProcessLost("the process that started the job's programs is gone: how they end can't be known");
    for (const each of processes.values()) each.lost(error);
    processes.clear();
  };
  const read = answerReader((answer) => {
    if (answer.kind === 'ready') {
      state = 'ready';
      return;
    }
    processes.get(answer.id)?.hear(answer);
    if (answer.kind === 'failed' || answer.kind === 'ended') processes.delete(answer.id);
  });
  answers?.on('data', (chunk: Buffer) => {
    try {
      read(chunk);
    } catch (error) {
      if (state !== 'starting') throw error;
      // Another program by that name, which says something else.
      child.kill('SIGKILL');
    }
    if (processes.size === 0) answers.unref();
  });
  child.on('error', gone);
  child.on('exit', gone);
  return {
    start: (given) => {
      if (state !== 'ready') return undefined;
      const id = ++lastId;
      const request = { ...given, id };
      // Most of the environment is the same for all: told once.
      if (common === undefined) tell(commonMessage(given.env));
      common ??= given.env;
      const message = startMessage(request, common);
      if (message === undefined) return undefined;
      const started = new HelpedProcess(request, given, (stream, bytes) => tell(takenMessage(id, stream, bytes)));
      processes.set(id, started);
      // It must not keep us alive; what it was asked must.
      answers?.ref();
      tell(message);
      return started.started;
    },
    close: () => void child.stdin!.end(),
  };
}

/** One process that the helper was asked for. */
class HelpedProcess {
  readonly #request: StartRequest;
  readonly #start = deferred<RunningProcess>();
  readonly #ended = deferred<ProcessEnd>();
  readonly #streams: Readonly<Record<StreamNumber, ReturnType<typeof takingInTurn>>>;
  #end: ProcessEnd | undefined;

  constructor(
    request: StartRequest,
    sinks: Pick<ProcessRequest, 'stdout' | 'stderr'>,
    taken: (stream: StreamNumber, bytes: number) => void,
  ) {
    this.#request = request;
    this.#ended.promise.catch(() => {});
    const streamTo = (stream: StreamNumber, take: ProcessRequest['stdout']) =>
      takingInTurn(take, {
        taken: (bytes) => taken(stream, bytes),
        idle: () => this.#settle(),
        failed: this.#ended.reject,
      });
    this.#streams = { 1: streamTo(1, sinks.stdout), 2: streamTo(2, sinks.stderr) };
  }

  get started(): Promise<RunningProcess> {
    return this.#start.promise;
  }

  hear(answer: Exclude<StarterAnswer, { readonly kind: 'ready' }>): void {
    switch (answer.kind) {
      case 'started':
        this.#start.resolve({ pid: answer.pid, ended: this.#ended.promise });
        break;
      case 'failed':
        this.#start.reject(startError(answer.errno, this.#request));
        break;
      case 'output':
        this.#streams[answer.stream].push(answer.bytes);
        break;
      case 'ended':
        this.#end = answer.end;
        this.#settle();
        break;
      default:
        assertNever(answer);
    }
  }

  lost(error: ProcessLost): void {
    this.#start.reject(error);
    this.#ended.reject(error);
  }

  #settle(): void {
    if (this.#end !== undefined && this.#streams[1].isIdle() && this.#streams[2].isIdle())
      this.#ended.resolve(this.#end);
  }
}
