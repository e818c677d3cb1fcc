import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { once } from '../../util/once.ts';
import { isSameProcessAlive, type ProcessIdentity, processIdentity } from '../../util/process-identity.ts';

/** The process that made something at an engine, told apart from those of other machines and of other containers. */
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

/**
 * Has the process ended that made something? Never said of what another machine or another container may still use.
 * @param where `here`: the engine runs on this machine, so what bears our host's name was made by it, in this boot or an
 * earlier one.
 */
export function isGone(owner: Owner, where: 'here' | 'elsewhere'): boolean {
  const here = thisOwner();
  if (owner.host !== here.host || owner.machine !== here.machine || !(owner.pid > 0)) return false;
  // Nothing but the name tells this machine from others then.
  if (where === 'elsewhere' && here.machine === '' && here.boot === '') return false;
  if (owner.boot !== here.boot) return where === 'here' || here.machine !== '';
  return owner.namespace === here.namespace && !isSameProcessAlive(owner);
}

/** The id itself is meant to stay on the machine. Source: machine-id(5) */
function machineId(): string {
  const id = textOf(() => readFileSync('/etc/machine-id', 'latin1').trim());
  return id === '' ? '' : createHash('sha256').update(`pipewright ${id}`).digest('hex').slice(0, 16);
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
