import type { Pipeline } from '../model/pipeline.ts';
import type { Selection } from '../model/plan.ts';
import { indexJobs } from './job-index.ts';

/** What is asked of a pipeline itself, and of those that its bridges start. */
export interface SplitSelection {
  readonly own: Selection;
  /** By the bridge's name. */
  below(bridge: string): Selection;
}

/**
 * Takes `bridge/job` apart: of the pipeline itself the bridge is wanted, of the one that it starts the job. A bridge that is
 * wanted by its own name is wanted with all that it starts.
 */
export function splitSelection(pipeline: Pipeline, selection: Selection): SplitSelection {
  const { selectors, from, only, manual } = selection;
  const texts = [
    ...selectors,
    ...(only ?? []),
    ...(manual === 'all' ? [] : manual),
    ...(from === undefined ? [] : [from]),
  ];
  const plain: SplitSelection = { own: selection, below: () => everything(selection) };
  if (!texts.some((text) => text.includes('/'))) return plain;
  const part = partsOf(pipeline);
  const bridgeOf = (text: string): string => part(text)?.bridge ?? text;
  const restOf = (text: string, bridge: string): readonly string[] => {
    const found = part(text);
    return found?.bridge === bridge ? [found.rest] : [];
  };
  const unique = (list: readonly string[]): readonly string[] => [...new Set(list)];
  return {
    own: {
      ...selection,
      selectors: unique(selectors.map(bridgeOf)),
      ...(from === undefined ? {} : { from: bridgeOf(from) }),
      ...(only === undefined ? {} : { only: unique(only.map(bridgeOf)) }),
      manual: manual === 'all' ? manual : manual.filter((text) => part(text) === undefined),
    },
    below: (bridge) => {
      const all = everything(selection);
      const wanted = selectors.flatMap((text) => restOf(text, bridge));
      const again = (only ?? []).flatMap((text) => restOf(text, bridge));
      const first = from === undefined ? undefined : restOf(from, bridge)[0];
      return {
        ...all,
        selectors: selectors.includes(bridge) ? [] : wanted,
        ...(first === undefined ? {} : { from: first }),
        ...(again.length === 0 ? {} : { only: again }),
        manual: manual === 'all' ? manual : manual.flatMap((text) => restOf(text, bridge)),
      };
    },
  };
}

/** All of a pipeline, run in the same way. */
function everything({ withNeeds, manual, executor, defaultTimeoutMs }: Selection): Selection {
  const started = manual === 'all' ? manual : [];
  return { selectors: [], stages: [], withNeeds, manual: started, executor, defaultTimeoutMs };
}

interface Part {
  readonly bridge: string;
  readonly rest: string;
}

/** Finds the bridge that a text begins with; undefined: it is the name of a job, or begins with none. */
function partsOf(pipeline: Pipeline): (text: string) => Part | undefined {
  const index = indexJobs(pipeline);
  const bridges = index.jobs
    .filter(({ definition }) => definition.kind === 'bridge')
    .flatMap(({ definition, legs }) => [...legs.map(({ name }) => name), definition.name]);
  return (text) => {
    if (index.find(text) !== undefined) return undefined;
    const bridge = bridges.find((name) => text.startsWith(`${name}/`));
    return bridge === undefined ? undefined : { bridge, rest: text.slice(bridge.length).replace(/^\/+/, '') };
  };
}
