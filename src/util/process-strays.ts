import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Name of the environment variable by which the processes of one job find each other, also after `setsid`. */
export const markerName = 'CI_JOB_MARKER';

/** Processes of one job: the groups of its shells and everything else that carries its marker. */
export interface ProcessFamily {
  /** Start of the value of the variable `CI_JOB_MARKER`. */
  readonly marker: string;
  /** Process group ids (pids of detached shells). */
  readonly groups: readonly number[];
  /** Pid of the first process that carried the marker: descendants are younger, so older ones are not looked at. */
  readonly since: number;
}

/**
 * Pids of the living processes whose marker starts with this one. Empty where there is no `/proc` (other systems than Linux).
 * Costs one directory listing, and one small read a process that is younger than `since`.
 */
export function findStrays(marker: string, since: number): number[] {
  const needle = Buffer.from(`${markerName}=${marker}`);
  const oldest = pidsWrapped(since) ? 0 : since;
  const strays: number[] = [];
  for (const name of listProcesses()) {
    const pid = Number(name);
    if (!(pid >= oldest) || pid === process.pid) continue;
    if (hasVariable(pid, needle)) strays.push(pid);
  }
  return strays;
}

/**
 * Sends TERM to all processes of a family, KILL to those that are there `graceMs` milliseconds later, and resolves
 * when none is left. Processes that we may not signal (other users') are given up after a second.
 */
export async function endFamily(family: ProcessFamily, graceMs: number): Promise<void> {
  if (!signalFamily(family, 'SIGTERM')) return;
  const killAt = performance.now() + graceMs;
  for (let waitMs = 5; performance.now() < killAt; waitMs = Math.min(waitMs * 2, 100)) {
    await sleep(Math.min(waitMs, Math.max(1, killAt - performance.now())));
    if (!isAlive(family)) return;
  }
  const giveUpAt = performance.now() + 1000;
  while (signalFamily(family, 'SIGKILL') && performance.now() < giveUpAt) await sleep(10);
}

/** Is a process of the family left that is no zombie? */
export function isAlive(family: ProcessFamily): boolean {
  return signalFamily(family, 0);
}

/** Is anybody in this process group? Its id is not given to others as long as somebody is. */
export function groupHasMembers(group: number): boolean {
  return send(-group, 0);
}

/** @returns false when nobody was there to be signalled. */
function signalFamily(family: ProcessFamily, signal: NodeJS.Signals | 0): boolean {
  let reached = false;
  for (const group of family.groups) reached = (send(-group, signal) && groupLives(group)) || reached;
  for (const pid of findStrays(family.marker, family.since)) reached = send(pid, signal) || reached;
  return reached;
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
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

/** Fields of `/proc/PID/stat` after the command's name: state, parent, group, … */
function statFields(pid: string): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function listProcesses(): string[] {
  try {
    return readdirSync('/proc').filter((name) => name.charCodeAt(0) >= 49 && name.charCodeAt(0) <= 57);
  } catch {
    return [];
  }
}

/** The kernel started again at small pids, so a younger process may have a smaller one. */
function pidsWrapped(since: number): boolean {
  try {
    return Number(readFileSync('/proc/loadavg', 'latin1').trim().split(' ')[4]) < since;
  } catch {
    return true;
  }
}

function hasVariable(pid: number, assignment: Buffer): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`);
    for (let at = environment.indexOf(assignment); at >= 0; at = environment.indexOf(assignment, at + 1)) {
      if (at === 0 || environment[at - 1] === 0) return true;
    }
    return false;
  } catch {
    return false;
  }
}
