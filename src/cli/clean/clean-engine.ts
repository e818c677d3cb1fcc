import { existsSync } from 'node:fs';
import { connectEngine, type Engine } from '../../executors/docker/engine.ts';
import { type EngineLocation, engineCandidates } from '../../executors/docker/engine-address.ts';
import { leftoverSizes } from '../../executors/docker/leftover-sizes.ts';
import { type KeptLeftovers, type Leftover, listLeftovers, sweepLeftovers } from '../../executors/docker/leftovers.ts';
import { SystemError } from '../../model/outcome.ts';
import { type CleanMode, type Found, type Item, nothing } from './item.ts';

/** What runs that died left at the container engine. Where there is none, nothing was left in it. */
export async function cleanEngineAt(location: EngineLocation, mode: CleanMode, kept: KeptLeftovers): Promise<Found> {
  if (!(await mayBeThere(location))) return nothing;
  try {
    return await cleanEngine(await connectEngine(location), mode, kept);
  } catch (error) {
    return notLookedFor(error);
  }
}

/** As `cleanEngineAt`, at an engine that answers. */
export async function cleanEngine(engine: Engine, mode: CleanMode, kept: KeptLeftovers): Promise<Found> {
  try {
    return await look(engine, mode, kept);
  } catch (error) {
    return notLookedFor(engine.failure('look for what runs left', error));
  }
}

function notLookedFor(error: unknown): Found {
  if (!(error instanceof SystemError)) throw error;
  return { ...nothing, problem: `containers of killed runs could not be looked for: ${error.message}` };
}

async function look(engine: Engine, mode: CleanMode, kept: KeptLeftovers): Promise<Found> {
  const leftovers = await listLeftovers(engine, undefined, kept);
  if (leftovers.length === 0) return nothing;
  const sizes = await leftoverSizes(engine, leftovers);
  const item = ({ kind, id, name, job, run, isKept }: Leftover): Item => {
    const bytes = sizes.get(id);
    return {
      kind,
      name,
      about: `${isKept ? 'kept, ' : ''}job ${job} of run ${run}`,
      ...(bytes === undefined ? {} : { bytes }),
    };
  };
  if (mode === 'list') return { items: leftovers.map(item), unremoved: [] };
  const { removed, unremoved } = await sweepLeftovers(engine, undefined, kept);
  return { items: removed.map(item), unremoved: unremoved.map((each) => ({ ...item(each), why: each.why })) };
}

/** An address that somebody named, or a socket that is there. */
async function mayBeThere(location: EngineLocation): Promise<boolean> {
  if (location.host || location.context || location.configuredHost) return true;
  const candidates = await engineCandidates(location).catch(() => undefined);
  if (candidates === undefined) return true;
  return candidates.some(({ address }) => address.kind !== 'socket' || existsSync(address.path));
}
