import { existsSync } from 'node:fs';
import { connectEngine, type Engine } from '../../executors/docker/engine.ts';
import { type EngineLocation, engineCandidates } from '../../executors/docker/engine-address.ts';
import { leftoverSizes } from '../../executors/docker/leftover-sizes.ts';
import { type Leftover, listLeftovers, sweepLeftovers } from '../../executors/docker/leftovers.ts';
import { SystemError } from '../../model/outcome.ts';
import { type CleanMode, type Found, type Item, nothing } from './item.ts';

/** What runs that died left at the container engine. Where there is none, nothing was left in it. */
export async function cleanEngine(location: EngineLocation, mode: CleanMode): Promise<Found> {
  if (!(await mayBeThere(location))) return nothing;
  try {
    const engine = await connectEngine(location);
    try {
      return await look(engine, mode);
    } catch (error) {
      throw engine.failure('look for what runs left', error);
    }
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return { ...nothing, problem: `containers of killed runs could not be looked for: ${error.message}` };
  }
}

async function look(engine: Engine, mode: CleanMode): Promise<Found> {
  const leftovers = await listLeftovers(engine);
  if (leftovers.length === 0) return nothing;
  const sizes = await leftoverSizes(engine, leftovers);
  const item = ({ kind, id, name, job, run }: Leftover): Item => {
    const bytes = sizes.get(id);
    return { kind, name, about: `job ${job} of run ${run}`, ...(bytes === undefined ? {} : { bytes }) };
  };
  if (mode === 'list') return { items: leftovers.map(item), unremoved: [] };
  const { removed, unremoved } = await sweepLeftovers(engine);
  return { items: removed.map(item), unremoved: unremoved.map((each) => ({ ...item(each), why: each.why })) };
}

/** An address that somebody named, or a socket that is there. */
async function mayBeThere(location: EngineLocation): Promise<boolean> {
  if (location.host || location.context || location.configuredHost) return true;
  const candidates = await engineCandidates(location).catch(() => undefined);
  if (candidates === undefined) return true;
  return candidates.some(({ address }) => address.kind !== 'socket' || existsSync(address.path));
}
