import type { Engine } from './engine.ts';
import type { Leftover } from './leftovers.ts';

/** Bytes that leftovers take, by id, as far as the engine tells. It has to count them, which may take seconds. */
export async function leftoverSizes(
  engine: Engine,
  leftovers: readonly Leftover[],
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  const containers = leftovers.filter(({ kind }) => kind === 'container').map(({ id }) => id);
  await Promise.allSettled([
    containers.length > 0 && lookAtContainers(engine, containers, sizes),
    leftovers.some(({ kind }) => kind === 'volume') && lookAtVolumes(engine, sizes),
  ]);
  return sizes;
}

async function lookAtContainers(engine: Engine, ids: readonly string[], sizes: Map<string, number>): Promise<void> {
  const found = await engine.api.listContainers({ all: true, size: true, filters: { id: [...ids] } });
  // Told only when it is more than nothing.
  for (const { Id, SizeRw = 0 } of found as readonly { Id: string; SizeRw?: number }[]) sizes.set(Id, SizeRw);
}

async function lookAtVolumes(engine: Engine, sizes: Map<string, number>): Promise<void> {
  const { Volumes } = (await engine.api.df()) as { readonly Volumes?: readonly VolumeUsage[] | null };
  for (const { Name, UsageData } of Volumes ?? []) {
    // -1: it does not know.
    if (UsageData && UsageData.Size >= 0) sizes.set(Name, UsageData.Size);
  }
}

interface VolumeUsage {
  readonly Name: string;
  readonly UsageData?: { readonly Size: number } | null;
}
