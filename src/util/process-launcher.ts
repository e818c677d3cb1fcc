import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { assertNever } from './assert-never.ts';
import { startCompanion } from './companion.ts';
import { type Deferred, deferred } from './deferred.ts';
import { type ProcessEnd, processEnd } from './process.ts';
import { starterCode } from './process-starter.ts';

/** What to start, as leader of a session of its own. */
export interface LaunchRequest {
  readonly file: string;
  readonly args: readonly string[];
  readonly directory: string;
  /** The complete environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Fed to standard input, which is closed after it. */
  readonly stdin: string;
  /** Paths of named pipes that somebody reads: standard output and standard error. */
  readonly outputs: readonly [string, string];
}

/** A process that has been started, and holds its pipes open. */
export interface Launched {
  readonly pid: number;
  readonly exited: Promise<ProcessEnd>;
}

/** Starts processes. */
export interface ProcessLauncher {
  /** @throws the error of `spawn` (ENOENT, EACCES, E2BIG …). */
  launch(request: LaunchRequest): Promise<Launched>;
  /** Nothing more will be started. What runs goes on. */
  close(): void;
}

/** What we can't know any more: the helper is gone that would have told how a process ended. */
export class ProcessLost extends Error {
  override readonly name = 'ProcessLost';
}

const direct: ProcessLauncher = {
  launch: async ({ file, args, directory, env, stdin, outputs }) => {
    const writers = outputs.map((path) => openSync(path, constants.O_WRONLY));
    try {
      const stdio = ['pipe', ...writers] as const;
      const child = spawn(file, args, { cwd: directory, env: { ...env }, stdio: [...stdio], detached: true });
      const exit = deferred<ProcessEnd>();
      child.once('exit', (code, signal) => exit.resolve(processEnd(code, signal)));
      if (child.pid === undefined) await new Promise((_, reject) => child.once('error', reject));
      child.on('error', () => {});
      // A process that ends before it has read everything closes the pipe: that is its right.
      child.stdin!.on('error', () => {});
      child.stdin!.end(stdin);
      return { pid: child.pid!, exited: exit.promise };
    } finally {
      for (const writer of writers) closeSync(writer);
    }
  },
  close: () => {},
};

/** From so many on a helper is worth its 40 ms. */
const worthHelper = 24;

/** How many of so many expected starts this process does itself, by `fork`, which takes the longer the more memory it holds. */
export function ownStarts(expected: number): number {
  return expected < worthHelper ? expected : 0;
}

/**
 * Starts processes itself, or where many are expected, leaves that to a helper as soon as that is there. To start a
 * program Node forks, which takes as long as its own memory is large: 1 ms in a process that does nothing else, 3 ms in
 * one that runs a large pipeline.
 * @param expected how many processes are about to be started.
 */
export function processLauncher(expected: number): ProcessLauncher {
  const helper = expected < worthHelper ? undefined : startHelper();
  return {
    launch: (request) => (helper?.isReady() ? helper.launch(request) : direct.launch(request)),
    close: () => helper?.close(),
  };
}

interface Helper extends ProcessLauncher {
  isReady(): boolean;
}

/** What the helper says; see `starterCode`. */
type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'started'; readonly id: number; readonly pid: number }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly error: Readonly<Record<string, unknown>> & { readonly message: string };
    }
  | { readonly kind: 'ended'; readonly id: number; readonly code: number | null; readonly signal: string | null };

function startHelper(): Helper {
  const child = startCompanion([process.execPath, '--max-semi-space-size=1', '-e', starterCode], {
    channel: 'messages',
  });
  const starting = new Map<number, Deferred<Launched>>();
  const running = new Map<number, Deferred<ProcessEnd>>();
  let state: 'starting' | 'ready' | 'gone' = 'starting';
  let lastId = 0;
  let common: LaunchRequest['env'] | undefined;
  const gone = (): void => {
    state = 'gone';
    const error = new ProcessLost("the process that starts the jobs' programs is gone");
    for (const start of starting.values()) start.reject(error);
    for (const exit of running.values()) exit.reject(error);
  };
  child.on('error', gone);
  child.on('exit', gone);
  child.on('message', (answer: Answer) => {
    switch (answer.kind) {
      case 'ready':
        state = 'ready';
        break;
      case 'started': {
        const exit = deferred<ProcessEnd>();
        exit.promise.catch(() => {});
        running.set(answer.id, exit);
        starting.get(answer.id)?.resolve({ pid: answer.pid, exited: exit.promise });
        starting.delete(answer.id);
        break;
      }
      case 'failed':
        starting.get(answer.id)?.reject(Object.assign(new Error(answer.error.message), answer.error));
        starting.delete(answer.id);
        break;
      case 'ended':
        running.get(answer.id)?.resolve(processEnd(answer.code, answer.signal));
        running.delete(answer.id);
        break;
      default:
        assertNever(answer);
    }
    if (starting.size + running.size === 0) child.channel?.unref();
  });
  return {
    isReady: () => state === 'ready',
    launch: (request) => {
      const id = ++lastId;
      const start = deferred<Launched>();
      starting.set(id, start);
      // It must not keep us alive; what it was asked must.
      child.channel?.ref();
      const { env, ...others } = request;
      // Most of it is the same for all: told once.
      if (common === undefined) child.send({ common: env });
      common ??= env;
      child.send({ id, ...others, ...differencesFrom(common, env) });
      return start.promise;
    },
    close: () => {
      if (child.connected) child.disconnect();
    },
  };
}

/** What the helper has to change in one environment to have the other. */
function differencesFrom(common: LaunchRequest['env'], env: LaunchRequest['env']) {
  const set: Record<string, string> = {};
  for (const name of Object.keys(env)) if (common[name] !== env[name]) set[name] = env[name]!;
  return { set, unset: Object.keys(common).filter((name) => env[name] === undefined) };
}
