import { type Exit, JobInterrupted, type LackOfMemory, limitText, type Outcome } from '../model/outcome.ts';
import type { JobLease } from '../model/ports.ts';
import { anySignal, type JoinedSignal } from '../util/any-signal.ts';
import { assertNever } from '../util/assert-never.ts';
import type { Clock } from '../util/clock.ts';
import { once } from '../util/once.ts';

/** Why a job has to end before it is done. */
export type Ending =
  /** `reason` is that of the signal. */
  | { readonly kind: 'aborted'; readonly reason: unknown }
  | { readonly kind: 'timeout'; readonly afterMs: number }
  | { readonly kind: 'canceled' };

/** What ends a job from outside: the source's signals and the job's own time. */
export interface JobLimits {
  /** Drops everything: abort, or the job's time is over. */
  readonly hard: AbortSignal;
  /** Ends scripts: `hard`, or the job was canceled. */
  readonly soft: AbortSignal;
  /**
   * For taking files out of the job: a cancellation ends what is under way, and leaves alone what is done after it, as
   * after a canceled script.
   */
  readonly taking: AbortSignal;
  /** The job was canceled or dropped; its time has no part in this. */
  readonly canceled: AbortSignal;
  /** What has happened so far; `hard` ends win over a cancellation. */
  ending(): Ending | undefined;
  /** What is left of the job's time. */
  leftMs(): number;
  /** Stops the job's time until what it gives is called. */
  hold(): () => void;
  /** Stops the clock; the signals mean nothing any more. */
  stop(): void;
}

/** Why a clock was stopped. Given, since `abort()` makes an error with its stack for every time limit that was kept. */
export const over = 'over';

/** Starts the job's time. */
export function startLimits(lease: JobLease, clock: Clock): JobLimits {
  const timeout = new AbortController();
  const { timeoutMs } = lease.spec;
  const time = startTime(clock, timeoutMs, () => timeout.abort(new Error(timeoutMessage(timeoutMs))));
  const joined: JoinedSignal[] = [];
  // Most jobs need one of them.
  const join = (...signals: readonly AbortSignal[]) =>
    once(() => {
      const made = anySignal(signals);
      joined.push(made);
      return made.signal;
    });
  const hard = join(lease.abort, timeout.signal);
  const soft = join(lease.abort, timeout.signal, lease.cancel);
  const canceled = join(lease.abort, lease.cancel);
  return {
    get hard() {
      return hard();
    },
    get soft() {
      return soft();
    },
    get taking() {
      return lease.cancel.aborted ? hard() : soft();
    },
    get canceled() {
      return canceled();
    },
    ending() {
      if (lease.abort.aborted) return { kind: 'aborted', reason: lease.abort.reason };
      if (timeout.signal.aborted) return { kind: 'timeout', afterMs: timeoutMs };
      return lease.cancel.aborted ? { kind: 'canceled' } : undefined;
    },
    leftMs: time.leftMs,
    hold: () => {
      time.stop();
      return time.start;
    },
    stop: () => {
      time.stop();
      for (const each of joined) each[Symbol.dispose]();
    },
  };
}

/** Calls `expired` when so much time has passed between its starts and stops. It is started. */
function startTime(clock: Clock, limitMs: number, expired: () => void) {
  let leftMs = limitMs;
  let startedAt = 0;
  let stopped: AbortController | undefined;
  const start = (): void => {
    const own = new AbortController();
    stopped = own;
    startedAt = clock.elapsed();
    void clock.sleep(leftMs, own.signal).then(() => {
      if (!own.signal.aborted) expired();
    });
  };
  start();
  const nowLeftMs = (): number => Math.max(0, stopped === undefined ? leftMs : leftMs - (clock.elapsed() - startedAt));
  return {
    start,
    leftMs: nowLeftMs,
    stop: () => {
      leftMs = nowLeftMs();
      stopped?.abort(over);
      stopped = undefined;
    },
  };
}

/** A time limit for one command. `expired` tells later whether it was this limit that ended it. */
export function startTimer(
  clock: Clock,
  limitMs: number,
): { readonly signal: AbortSignal; expired(): boolean; stop(): void } {
  const controller = new AbortController();
  const stopped = new AbortController();
  void clock.sleep(limitMs, stopped.signal).then(() => {
    if (!stopped.signal.aborted) controller.abort(new Error(timeoutMessage(limitMs)));
  });
  return { signal: controller.signal, expired: () => controller.signal.aborted, stop: () => stopped.abort(over) };
}

/** What a job that had to end counts as. */
export function endedOutcome(ending: Ending): Outcome {
  if (ending.kind === 'timeout') return timedOut(ending.afterMs);
  const isInterrupted = ending.kind === 'aborted' && ending.reason instanceof JobInterrupted;
  if (!isInterrupted) return { status: 'canceled' };
  return { status: 'failed', reason: 'runner_interrupted', message: (ending.reason as JobInterrupted).message };
}

/** A failure that a limit caused; without a message it is GitLab Runner's for a job that took longer than `afterMs`. */
export function timedOut(afterMs: number, message = timeoutMessage(afterMs)): Outcome {
  return { status: 'failed', reason: 'job_execution_timeout', exit: { kind: 'timeout', afterMs }, message };
}

/** A command's end as the job's; undefined: it went well. @param words stand before its exit code in the message. */
export function failureOf(exit: Exit, words = 'exit code'): Outcome | undefined {
  switch (exit.kind) {
    case 'code':
      if (exit.code === 0) return undefined;
      return { status: 'failed', reason: 'script_failure', exit, message: codeText(exit, words) };
    case 'signal': {
      const message = `killed by ${exit.signal}${memoryText(exit.lackOfMemory)}`;
      return { status: 'failed', reason: 'script_failure', exit, message };
    }
    case 'out-of-memory': {
      const killed = `killed: out of memory${limitText(exit.limitBytes)}`;
      const { code = 137 } = exit;
      // The shell lives on when one of its children is killed, and ends as the script says.
      const message = code === 137 ? killed : `${words} ${code}; a process was ${killed}`;
      return { status: 'failed', reason: 'script_failure', exit, message, hint: memoryHint(exit.limitBytes) };
    }
    case 'timeout':
      return timedOut(exit.afterMs);
    default:
      return assertNever(exit);
  }
}

function memoryHint(limitBytes: number | undefined): string {
  if (limitBytes !== undefined)
    return 'the limit is that of `--memory`, or of `memory` in your settings: raise it there';
  return 'no limit of ours: the machine, or what the engine runs in, had no memory left; run fewer jobs at once with `-j`';
}

function codeText({ code, lackOfMemory }: Extract<Exit, { readonly kind: 'code' }>, words: string): string {
  if (lackOfMemory === undefined) return `${words} ${code}`;
  return `${words} ${code}, as after SIGKILL${memoryText(lackOfMemory)}`;
}

function memoryText(lackOfMemory: LackOfMemory | undefined): string {
  switch (lackOfMemory) {
    case undefined:
      return '';
    case 'ruled-out':
      return ', but no process of the job was killed for lack of memory';
    case 'possible':
      return ', perhaps for lack of memory: the kernel ended processes for that meanwhile';
    default:
      return assertNever(lackOfMemory);
  }
}

/** GitLab Runner's words (the unit twice is its own). */
function timeoutMessage(ms: number): string {
  return `execution took longer than ${goDuration(ms)} seconds`;
}

/** As Go prints a duration: `1h0m0s`, `1m30s`, `2s`, `500ms`. */
export function goDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1000;
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
