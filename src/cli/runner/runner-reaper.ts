import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineLocation } from '../../executors/docker/engine-address.ts';
import type { Invocation } from '../invocation.ts';
import { reaperOrder, startReaper } from '../run/reaper.ts';
import { orderFile, type RunnerPlaces } from './runner-places.ts';

/** Removes what a runner leaves, should it be killed: also at engines that it comes to know later. */
export interface RunnerReaper {
  /** Containers are about to be made at an engine. */
  watch(engine: EngineLocation): void;
  /** Nothing is left to be removed. */
  dismiss(): void;
}

/** Starts it. What it would do is also written down for the next start, since it may be killed as well. */
export function runnerReaper(invocation: Invocation, { own }: Pick<RunnerPlaces, 'own'>): RunnerReaper {
  const directories = { workspaces: own };
  const engines = new Map<string, EngineLocation>();
  let reaper = startReaper(invocation, directories, []);
  return {
    watch: (engine) => {
      const { environment: _, ...where } = engine;
      const key = JSON.stringify(where);
      if (engines.has(key)) return;
      engines.set(key, engine);
      const all = [...engines.values()];
      writeFileSync(join(own, orderFile), JSON.stringify(reaperOrder(invocation, directories, all)), { mode: 0o600 });
      const before = reaper;
      reaper = startReaper(invocation, directories, all);
      before?.dismiss();
    },
    dismiss: () => reaper?.dismiss(),
  };
}
