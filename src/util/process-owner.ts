import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { once } from './once.ts';
import { isSameProcessAlive, type ProcessIdentity, processIdentity } from './process-identity.ts';
import { sha256 } from './sha256.ts';

/** A process that made something, told apart from those of other machines and of other containers. */
export interface Owner extends ProcessIdentity {
  readonly host: string;
  /** Hash of the machine's own id; `''` where it has none. Two machines may have the same host name. */
  readonly machine: string;
  /** Where its pid counts: another container's pids are not ours. `''` where the system does not tell. */
  readonly namespace: string;
}

/** This process. */
export const thisOwner: () => Owner = once(() => ({
  ...(processIdentity() ?? { pid: process.pid, started: '', boot: '' }),
  host: hostname(),
  machine: machineId(),
  namespace: pidNamespace(),
}));

/** `unknown`: it may be at work on another machine, or in a container into which we can't see. */
export type OwnerLife = 'over' | 'going on' | 'unknown';

/**
 * Is the process still there that made something?
 * @param owner without more than a pid, as older versions wrote it: taken for one of this machine.
 * @param where `here`: what it made lies on this machine and nowhere else, so that the name of the host, or the machine's id
 * alone, tells that it was made here, in this boot or an earlier one.
 */
export function lifeOf(
  owner: Owner | ProcessIdentity,
  where: 'here' | 'elsewhere',
  here: Owner = thisOwner(),
): OwnerLife {
  if (!('namespace' in owner)) return isSameProcessAlive(owner) ? 'going on' : 'over';
  if (!(owner.pid > 0) || (owner.machine !== '' && here.machine !== '' && owner.machine !== here.machine))
    return 'unknown';
  // One kernel, whatever the host is called now, and whatever it is called in containers.
  if (owner.boot !== '' && owner.boot === here.boot) return lifeInThisBoot(owner, here);
  if (!isThisMachine(owner, where, here)) return 'unknown';
  if (owner.boot !== here.boot) return 'over';
  return isSameProcessAlive(owner) ? 'going on' : 'over';
}

/** Has the process ended that made something? Never said of what another machine or another container may still use. */
export function isGone(owner: Owner | ProcessIdentity, where: 'here' | 'elsewhere'): boolean {
  return lifeOf(owner, where) === 'over';
}

function isThisMachine(owner: Owner, where: 'here' | 'elsewhere', here: Owner): boolean {
  if (owner.machine !== here.machine) return false;
  const isNamedSo = owner.host === here.host;
  if (where === 'elsewhere') return isNamedSo && owner.machine !== '';
  // Systems that tell nothing of all this are laptops, whose names change with the network that they are in.
  return isNamedSo || owner.machine !== '' || (owner.boot === '' && here.boot === '');
}

/** Number of the namespace in which the kernel itself counts pids: all others are below it. Source: linux/proc_ns.h */
const rootNamespace = 'pid:[4026531836]';

function lifeInThisBoot(owner: Owner, here: Owner): OwnerLife {
  if (owner.namespace === here.namespace) return isSameProcessAlive(owner) ? 'going on' : 'over';
  // Whoever sees all processes sees those of containers too.
  if (owner.namespace === '' || here.namespace !== rootNamespace || !existsSync('/proc/1/stat')) return 'unknown';
  return isInSomeContainer(owner) ? 'going on' : 'over';
}

/** Looks at all processes for one that has this pid in a namespace of its own, and began at that time. */
function isInSomeContainer({ pid, started, boot }: Owner): boolean {
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    const pids = /^NSpid:\t(.*)$/m.exec(textOf(() => readFileSync(`/proc/${name}/status`, 'latin1')))?.[1]?.split('\t');
    if (pids === undefined || pids.length < 2 || Number(pids.at(-1)) !== pid) return false;
    return isSameProcessAlive({ pid: Number(name), started, boot });
  });
}

/** The id itself is meant to stay on the machine. Source: machine-id(5) */
function machineId(): string {
  const id = textOf(() => readFileSync('/etc/machine-id', 'latin1').trim());
  return id === '' ? '' : sha256(`pipewright ${id}`).slice(0, 16);
}

function pidNamespace(): string {
  return textOf(() => readlinkSync('/proc/self/ns/pid'));
}

function textOf(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
