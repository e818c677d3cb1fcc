import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../../util/monotonic.ts';
import { isSameProcessAlive } from '../../util/process-identity.ts';
import { exitCodes } from '../exit-code.ts';
import { carryOutOrder } from '../run/carry-out-order.ts';
import type { ReaperOrder } from '../run/reaper.ts';

/** How long a process that has let go of us may take to be gone, milliseconds. */
const endMs = 5000;

/**
 * `ci __reap`: reads an order from standard input and removes what a killed run left. Run by what `startReaper`
 * started; says nothing, since nobody is there to read it.
 */
export async function reap(): Promise<number> {
  const order = JSON.parse(readFileSync(0, 'utf8')) as ReaperOrder;
  for (const until = monotonicMs() + endMs; isSameProcessAlive(order.owner); await sleep(10)) {
    // Then it is none of our business.
    if (monotonicMs() > until) return exitCodes.ok;
  }
  return (await carryOutOrder(order)) === 'clean' ? exitCodes.ok : exitCodes.system;
}
