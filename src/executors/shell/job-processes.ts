import { type Exit, type LackOfMemory, SystemError } from '../../model/outcome.ts';
import { monotonicMs } from '../../util/monotonic.ts';
import type { OomWatch } from '../../util/oom-kills.ts';
import type { ProcessEnd, RunningProcess } from '../../util/process.ts';
import { ProcessLost } from '../../util/process-helper.ts';
import { endFamily, groupHasMembers, isAlive, killFamily, type ProcessFamily } from '../../util/process-strays.ts';
import { type SessionUsage, sessionUsage, type UsageWatch } from './session-usage.ts';

/** By KILL: the shell itself, or a command whose end it took for its own. */
function wasKilled(exit: ProcessEnd): boolean {
  return exit.kind === 'signal' ? exit.signal === 'SIGKILL' : exit.code === 137;
}

function withVerdict(exit: ProcessEnd, lackOfMemory: LackOfMemory | undefined): Exit {
  return { ...exit, ...(lackOfMemory === undefined ? {} : { lackOfMemory }) };
}

/** What the processes of one job are found, ended and measured by. */
export interface JobProcessesGiven {
  /** See ShellSessionPlace. */
  readonly marker: string;
  /** Between TERM and KILL, milliseconds. */
  readonly graceMs: number;
  readonly usage: UsageWatch;
  readonly oom: OomWatch;
}

/** The processes of one job, also those that left their group or outlived their shell. */
export class JobProcesses {
  readonly #session: string;
  readonly #graceMs: number;
  readonly #groups = new Set<number>();
  readonly #oom: OomWatch;
  readonly usage: SessionUsage;
  #runs = 0;
  #first: Pick<ProcessFamily, 'since' | 'sinceMs'> | undefined;

  constructor({ marker, graceMs, usage, oom }: JobProcessesGiven) {
    this.#session = `${marker}.`;
    this.#graceMs = graceMs;
    this.usage = sessionUsage(usage);
    this.#oom = oom;
  }

  nextMarker(): string {
    return `${this.#session}${++this.#runs}.`;
  }

  started(running: RunningProcess): void {
    this.#first ??= { since: running.pid, sinceMs: monotonicMs() };
    this.#groups.add(running.pid);
    const forget = (): void => {
      // The id stays taken while the group has members; afterwards it may become somebody else's.
      if (!groupHasMembers(running.pid)) this.#groups.delete(running.pid);
    };
    running.ended.then(forget, forget);
  }

  async waitFor(running: RunningProcess, marker: string, signal: AbortSignal): Promise<Exit> {
    let ending: Promise<void> | undefined;
    const family: ProcessFamily = { marker, groups: [running.pid], since: running.pid, sinceMs: monotonicMs() };
    const judgeKill = this.#oom.started();
    const end = (): void => {
      ending ??= endFamily(family, this.#graceMs);
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    try {
      const exit = await running.ended;
      return wasKilled(exit) && !signal.aborted ? withVerdict(exit, judgeKill()) : exit;
    } catch (error) {
      if (error instanceof ProcessLost) throw await this.lost(error, family);
      end();
      throw error;
    } finally {
      signal.removeEventListener('abort', end);
      await ending;
    }
  }

  /**
   * What nobody hears of any more is killed at once: nothing that it would do in its time of grace is of use.
   * @returns what its job fails with.
   */
  async lost(error: ProcessLost, family: ProcessFamily): Promise<SystemError> {
    await endFamily(family, 0);
    return new SystemError('runner_system_failure', error.message, { cause: error });
  }

  anyAlive(): boolean {
    return this.#first !== undefined && isAlive(this.#family(this.#first));
  }

  async endAll(graceMs: number): Promise<void> {
    if (this.#first !== undefined) await endFamily(this.#family(this.#first), graceMs);
  }

  kill(): void {
    if (this.#first !== undefined) killFamily(this.#family(this.#first));
  }

  #family(first: Pick<ProcessFamily, 'since' | 'sinceMs'>): ProcessFamily {
    return { marker: this.#session, groups: [...this.#groups], ...first };
  }
}
