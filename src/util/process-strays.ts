import { existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from './monotonic.ts';
import { once } from './once.ts';
import { statFields } from './process-stat.ts';

/**
 * Name of the environment variable by which the processes of one job are found, also after `setsid`; for jobs in the shell its value starts
 * with the path of the directory that is the job's own.
 */
export const markerName = 'CI_CLI_JOB_MARKER';

/** Processes of one job: the groups of its shells and everything else that carries its marker. */
export interface ProcessFamily {
  /** Start of the value of the variable `CI_CLI_JOB_MARKER`. */
  readonly marker: string;
  /** Process group ids (pids of detached shells). */
  readonly groups: readonly number[];
  /** Pid of the first process that carried the marker: descendants are younger, so older ones are not looked at. */
  readonly since: number;
  /** When that was started (`monotonicMs`); after a while younger processes may have smaller pids. */
  readonly sinceMs: number;
}

/**
 * Pids of the living processes whose marker starts with this one. Empty where there is no `/proc` (other systems than Linux).
 * Costs a look at each pid that was given out since then, or one directory listing where those are many or that is long ago.
 */
export function findStrays(family: Pick<ProcessFamily, 'marker' | 'since' | 'sinceMs'>): number[] {
  return lookAround(family).strays;
}

/** A process by what its environment says. */
export interface FoundProcess {
  readonly pid: number;
  /** Its command line, on one line. */
  readonly command: string;
}

/**
 * The processes whose environment has a variable whose value starts with this text. Looks at every process, so ask
 * only where something may be there. Nothing where there is no `/proc`.
 */
export function findByVariable(name: string, valueStart: string): readonly FoundProcess[] {
  return lookAt(listProcesses(), Buffer.from(`${name}=${valueStart}`)).strays.map((pid) => ({
    pid,
    command: commandOf(pid),
  }));
}

/** Rounds in which processes that were just starting are looked at again, and the children of those that were killed. */
const mostRounds = 10;

/**
 * Kills the processes that `findByVariable` finds: what a killed program left running, and with a leader of a session all
 * of that, also what was started without its environment (`env -i`). Resolves when they are gone, or can't be killed (another user's).
 */
export async function killByVariable(name: string, valueStart: string): Promise<void> {
  const needle = Buffer.from(`${name}=${valueStart}`);
  for (let round = 0; round < mostRounds; round++) {
    const { strays, undecided } = lookAt(listProcesses(), needle);
    const killed = withSessions(strays).filter((pid) => send(pid, 'SIGKILL'));
    if (killed.length === 0 && !undecided) return;
    await sleep(longestStartMs / mostRounds);
  }
}

/** With those whose session one of them leads: who is in a session descends from its leader. */
function withSessions(pids: readonly number[]): readonly number[] {
  if (pids.length === 0) return pids;
  const found = new Set(pids);
  const members = listProcesses().filter((name) => found.has(Number(statFields(name)?.[3])));
  return [...new Set([...members.map(Number), ...pids])];
}

/** `undecided`: a process is just starting its program, so whose it is can't be told yet. */
interface Sight {
  readonly strays: number[];
  undecided: boolean;
}

/** The kernel needs longer to give out all pids and to start again at small ones, milliseconds. */
const quickestRoundMs = 2000;

function lookAround({ marker, since, sinceMs }: Pick<ProcessFamily, 'marker' | 'since' | 'sinceMs'>): Sight {
  const needle = Buffer.from(`${markerName}=${marker}`);
  const sight: Sight = { strays: [], undecided: false };
  let latest = latestPid();
  // Where the kernel has started again at small pids, a younger process may have a smaller one.
  const oldest = latest < since || monotonicMs() - sinceMs > quickestRoundMs ? 0 : since;
  if (oldest === 0 || latest - since > fewPids) {
    return lookAt(
      listProcesses().filter((name) => Number(name) >= oldest),
      needle,
    );
  }
  // Most often nothing was started but what has ended. What one started that ended while we looked is looked at too.
  for (let pid = since, rounds = 0; pid <= latest && rounds < 3; rounds++, latest = latestPid()) {
    for (; pid <= latest; pid++) if (existsSync(`/proc/${pid}`)) look(String(pid), needle, sight);
  }
  return sight;
}

function lookAt(names: readonly string[], needle: Buffer): Sight {
  const sight: Sight = { strays: [], undecided: false };
  for (const name of names) look(name, needle, sight);
  return sight;
}

/** Up to so many pids are looked at one by one: cheaper than a listing of all processes. */
const fewPids = 64;

function look(name: string, needle: Buffer, sight: Sight): void {
  const pid = Number(name);
  if (pid === process.pid) return;
  const environment = environmentOf(pid);
  if (environment === undefined) return;
  if (environment.length === 0) sight.undecided ||= isStarting(name);
  else if (hasVariable(environment, needle)) sight.strays.push(pid);
}

/** Kernel threads and the dead have no environment for good. */
function isStarting(pid: string): boolean {
  const fields = statFields(pid);
  const kernelThread = 0x00200000;
  return fields !== undefined && !['Z', 'X'].includes(fields[0]!) && (Number(fields[6]) & kernelThread) === 0;
}

/** A process that has no environment for longer has none for good (`env -i`), so whose it is can't be told. */
const longestStartMs = 250;

/**
 * Sends TERM to all processes of a family, KILL to those that are there `graceMs` milliseconds later, and resolves
 * when none is left. Processes that we may not signal (other users') are given up after a second.
 */
export async function endFamily(family: ProcessFamily, graceMs: number): Promise<void> {
  const told = new Set<number>();
  const startedAt = monotonicMs();
  const killAt = startedAt + graceMs;
  for (let waitMs = 5; monotonicMs() < killAt; waitMs = Math.min(waitMs * 2, 100)) {
    // Each hears TERM once, also one that was forked, or was starting its program, while the others heard it.
    const reached = signalFamily(family, 'SIGTERM', told);
    if (reached === 'nobody' || (reached === 'undecided' && monotonicMs() > startedAt + longestStartMs)) return;
    await sleep(Math.min(waitMs, Math.max(1, killAt - monotonicMs())));
  }
  const giveUpAt = monotonicMs() + 1000;
  while (signalFamily(family, 'SIGKILL') === 'somebody' && monotonicMs() < giveUpAt) await sleep(10);
}

/** Is a process of the family left that is no zombie? */
export function isAlive(family: ProcessFamily): boolean {
  return signalFamily(family, 0) !== 'nobody';
}

/** Is anybody in this process group? Its id is not given to others as long as somebody is. */
export function groupHasMembers(group: number): boolean {
  return send(-group, 0);
}

/** Sends KILL to all processes of a family and waits for nothing. */
export function killFamily(family: ProcessFamily): void {
  signalFamily(family, 'SIGKILL');
}

/**
 * @param told groups (negative) and processes that have heard the signal: they are only looked at. Grows.
 * @returns `nobody` when nobody was there to be signalled; `undecided` when there are only such as may yet turn out to be
 * one of them: they have no environment, as in the moment in which a program starts.
 */
function signalFamily(
  family: ProcessFamily,
  signal: NodeJS.Signals | 0,
  told?: Set<number>,
): 'somebody' | 'undecided' | 'nobody' {
  let reached = false;
  const tell = (target: number): boolean => {
    const heard = told?.has(target) ?? false;
    told?.add(target);
    return send(target, heard ? 0 : signal);
  };
  for (const group of family.groups) reached = (tell(-group) && groupLives(group)) || reached;
  const { strays, undecided } = lookAround(family);
  for (const pid of strays) reached = tell(pid) || reached;
  if (reached) return 'somebody';
  return undecided ? 'undecided' : 'nobody';
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  return withoutStack(() => process.kill(pid, signal)) ?? false;
}

/** A group whose last member is a zombie that its (foreign) parent has not reaped still takes signals. */
function groupLives(group: number): boolean {
  const members = listProcesses().filter((name) => {
    const fields = statFields(name);
    return fields !== undefined && Number(fields[2]) === group;
  });
  if (members.length === 0) return listProcesses().length === 0;
  return members.some((name) => !['Z', 'X'].includes(statFields(name)?.[0] ?? 'X'));
}

function listProcesses(): string[] {
  try {
    return readdirSync('/proc').filter((name) => name.charCodeAt(0) >= 49 && name.charCodeAt(0) <= 57);
  } catch {
    return [];
  }
}

/** Kept open: it is read at every end of a job. */
const loadavg = once(() => openSync('/proc/loadavg', 'r'));

/** The pid that was given out last in our namespace; 0 where the system does not tell. */
function latestPid(): number {
  try {
    const bytes = Buffer.alloc(128);
    const length = readSync(loadavg(), bytes, 0, bytes.length, 0);
    return Number(bytes.toString('latin1', 0, length).trim().split(' ')[4]) || 0;
  } catch {
    return 0;
  }
}

/** Undefined: the process is gone, or another user's. */
function environmentOf(pid: number): Buffer | undefined {
  return withoutStack(() => readFileSync(`/proc/${pid}/environ`));
}

/** Most often there is nobody, which is no error; to note where it happened would take longer than to find out. */
function withoutStack<T>(action: () => T): T | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return action();
  } catch {
    return undefined;
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function commandOf(pid: number): string {
  const bytes = withoutStack(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  return (bytes ?? '').replaceAll(/[\0\s]+/g, ' ').trim();
}

function hasVariable(environment: Buffer, assignment: Buffer): boolean {
  for (let at = environment.indexOf(assignment); at >= 0; at = environment.indexOf(assignment, at + 1)) {
    if (at === 0 || environment[at - 1] === 0) return true;
  }
  return false;
}
