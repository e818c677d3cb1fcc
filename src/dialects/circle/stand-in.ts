import type { MapEntry, MapNode } from '../../syntax/node.ts';
import { parseYaml } from '../../syntax/parse.ts';
import { entriesOf, entry, field, map } from './reading.ts';
import { continuationOrb } from './stand-ins/continuation-orb.ts';
import { orbToolsOrb } from './stand-ins/orb-tools-orb.ts';
import { pathFilteringOrb } from './stand-ins/path-filtering-orb.ts';

/** A step that only stand-ins have: it hands over what the pipeline goes on with. */
export const continueStep = 'continue_pipeline';

/** Orbs that call the service to continue a pipeline, with what is done here in place of that. `whole`: the orb's own source is not wanted. */
const standIns: Readonly<Record<string, { readonly text: string; readonly whole: boolean }>> = {
  'circleci/continuation': { text: continuationOrb, whole: true },
  'circleci/path-filtering': { text: pathFilteringOrb, whole: true },
  'circleci/orb-tools': { text: orbToolsOrb, whole: false },
};

function named(reference: string): (typeof standIns)[string] | undefined {
  const name = reference.replace(/@.*/s, '');
  return Object.hasOwn(standIns, name) ? standIns[name] : undefined;
}

/** Commands, jobs and executors that are used in place of those of an orb, whatever its version. */
export function standInFor(reference: string): MapNode | undefined {
  const text = named(reference)?.text;
  const [source] = text === undefined ? [] : parseYaml(`${reference} (built in)`, text, 'yaml-1.2').value!;
  return source?.kind === 'map' ? source : undefined;
}

/** True if nobody need be asked for the orb's source. */
export function isStoodInFor(reference: string): boolean {
  return named(reference)?.whole === true;
}

/** The source of an orb, as far as there is one, with a stand-in's elements in place of its own. */
export function overSource(standIn: MapNode, source: MapNode | undefined): MapNode {
  if (source === undefined) return standIn;
  const merged = new Map<string, MapEntry>(source.entries);
  for (const section of standIn.entries.values()) {
    const below = entriesOf(field(source, section.key)?.value);
    const value = map([...below, ...entriesOf(section.value)], section.value.span);
    merged.set(section.key, entry(section.key, value, section.keySpan));
  }
  return map(merged.values(), source.span);
}
