import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../../util/monotonic.ts';
import type { Owner } from '../../util/process-owner.ts';
import { connectEngine, type Engine } from './engine.ts';
import type { EngineLocation } from './engine-address.ts';
import { sweepLeftovers } from './leftovers.ts';

/**
 * Pauses between looks that find nothing, milliseconds. What an engine was asked for when the process ended may come a
 * moment later, so one such look is not enough.
 */
const pauses: readonly number[] = [300, 700, 2000];
/** Pauses between looks for what a slow engine makes long after it was asked, milliseconds. */
const latePauses: readonly number[] = [3000, 6000, 12_000, 24_000];

/** Pause before an engine that does not answer, or that can't remove something, is asked again, milliseconds. */
const retryMs = 1000;

/**
 * Removes what a process that has ended left at its engine. An engine that is away is waited for.
 * @param how.limitMs how long that may take, milliseconds; looks for what comes late not counted.
 * @param how.onClean called when nothing has come for some seconds.
 * @returns is everything gone?
 */
export async function reapEngine(
  location: EngineLocation,
  owner: Owner,
  { limitMs, onClean }: { readonly limitMs: number; readonly onClean: () => Promise<void> },
): Promise<boolean> {
  const engine = await reapUntilQuiet(location, owner, limitMs);
  if (engine === undefined) return false;
  await onClean();
  for (const pauseMs of latePauses) {
    await sleep(pauseMs);
    // An engine that went away meanwhile has nothing under way any more.
    await sweepLeftovers(engine, owner).catch(() => {});
  }
  return true;
}

/** @returns the engine when nothing has come for some seconds. */
async function reapUntilQuiet(location: EngineLocation, owner: Owner, limitMs: number): Promise<Engine | undefined> {
  const until = monotonicMs() + limitMs;
  let engine: Engine | undefined;
  for (let quiet = 0; monotonicMs() < until; ) {
    let pauseMs = retryMs;
    try {
      engine ??= await connectEngine(location);
      const { removed, unremoved } = await sweepLeftovers(engine, owner);
      if (removed.length + unremoved.length > 0) quiet = 0;
      else if (quiet === pauses.length) return engine;
      else quiet++;
      if (unremoved.length === 0) pauseMs = pauses[Math.max(0, quiet - 1)]!;
    } catch {
      engine = undefined;
      quiet = 0;
    }
    await sleep(pauseMs);
  }
  return undefined;
}
