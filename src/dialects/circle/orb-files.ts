import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { FileLoader } from '../../model/ports.ts';
import type { MapNode } from '../../syntax/node.ts';
import { parseYaml } from '../../syntax/parse.ts';
import type { OrbFile } from './elements.ts';
import { entriesOf, field, textOf } from './reading.ts';

const maxOrbs = 100;

/** Where the source of an orb is looked for, the first that is there counts. */
function placesOf(reference: string, alias: string): readonly string[] {
  const [name, version] = reference.split('@');
  const names = [alias, ...(version === undefined ? [] : [`${name}@${version}`, name!])].filter(isFileName);
  return names.map((each) => `.circleci/orbs/${each}.yml`);
}

function isFileName(name: string): boolean {
  return /^[\w.@/-]+$/.test(name) && !name.split('/').includes('..');
}

/**
 * Reads the sources of the registry's orbs that a file, or an orb of it, names, as far as they lie beside it in
 * `.circleci/orbs`. What is wrong with their YAML is told.
 */
export async function readOrbFiles(
  root: MapNode,
  files: FileLoader,
  report: (diagnostic: Diagnostic) => void,
): Promise<OrbFile> {
  const known = new Map<string, MapNode | undefined>();
  // The version may be a parameter of the pipeline.
  const identity = (reference: string, alias: string): string => `${alias} ${reference.replace(/@.*/s, '')}`;
  const read = async (source: MapNode): Promise<void> => {
    for (const { key: alias, value } of entriesOf(field(source, 'orbs')?.value)) {
      if (value.kind === 'map' && value.entries.size > 0) {
        await read(value);
        continue;
      }
      const reference = textOf(value) ?? alias;
      const id = identity(reference, alias);
      if (known.has(id) || known.size >= maxOrbs) continue;
      known.set(id, undefined);
      const found = await readFirst(placesOf(reference, alias), files, report);
      known.set(id, found);
      if (found !== undefined) await read(found);
    }
  };
  await read(root);
  return (reference, alias) => known.get(identity(reference, alias));
}

async function readFirst(
  places: readonly string[],
  files: FileLoader,
  report: (diagnostic: Diagnostic) => void,
): Promise<MapNode | undefined> {
  for (const place of places) {
    const { value } = await files.local(place);
    const file = value?.[0];
    if (file === undefined) continue;
    const parsed = parseYaml(file.path, file.text, 'yaml-1.2');
    for (const diagnostic of parsed.diagnostics) report(diagnostic);
    const [source] = parsed.value ?? [];
    return source?.kind === 'map' ? source : undefined;
  }
  return undefined;
}
