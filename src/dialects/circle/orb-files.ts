import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { LoadedFile } from '../../model/included-file.ts';
import type { FileLoader } from '../../model/ports.ts';
import type { MapNode, Node } from '../../syntax/node.ts';
import { parseYaml } from '../../syntax/parse.ts';
import { isOrbReference, type MissingOrb, type OrbFile } from './elements.ts';
import { entriesOf, field, textOf } from './reading.ts';
import { isStoodInFor } from './stand-in.ts';

const maxOrbs = 100;

/** Where the source of an orb is looked for in the repository, the first that is there counts. */
function placesOf(reference: string, alias: string): readonly string[] {
  const [name, version] = reference.split('@');
  const names = [alias, ...(version === undefined ? [] : [`${name}@${version}`, name!])].filter(isFileName);
  return names.map((each) => `.circleci/orbs/${each}.yml`);
}

/** Where people should put the source of an orb. */
export function vendorPath(reference: string): string {
  return `.circleci/orbs/${isFileName(reference) ? reference.replace(/@.*/, '') : 'ALIAS'}.yml`;
}

function isFileName(name: string): boolean {
  return /^[\w.@/-]+$/.test(name) && !name.split('/').some((part) => part === '' || /^\.+$/.test(part));
}

/**
 * Reads the sources of the registry's orbs that a file, or an orb of it, names: from `.circleci/orbs` beside it, else from
 * where the loader has them. What is wrong with their YAML is told.
 * @param root with its references filled in: their versions may be parameters of the pipeline.
 */
export async function readOrbFiles(
  root: MapNode,
  files: FileLoader,
  report: (diagnostic: Diagnostic) => void,
): Promise<OrbFile> {
  const known = new Map<string, MapNode | MissingOrb>();
  const identity = (reference: string, alias: string): string => `${alias} ${reference}`;
  const read = async (source: MapNode): Promise<void> => {
    await Promise.all(entriesOf(field(source, 'orbs')?.value).map(({ key, value }) => readOne(key, value)));
  };
  const readOne = async (alias: string, value: Node): Promise<void> => {
    if (value.kind === 'map' && value.entries.size > 0) return read(value);
    const reference = textOf(value) ?? alias;
    const id = identity(reference, alias);
    if (known.has(id) || known.size >= maxOrbs) return;
    known.set(id, { kind: 'missing', reference });
    const found = await readFile(reference, alias, files);
    if (found.kind === 'missing') return void known.set(id, found);
    const parsed = parseYaml(found.file.path, found.file.text, 'yaml-1.2');
    for (const diagnostic of parsed.diagnostics) report(diagnostic);
    const [orb] = parsed.value ?? [];
    if (orb?.kind !== 'map') return;
    known.set(id, orb);
    await read(orb);
  };
  await read(root);
  return (reference, alias) => known.get(identity(reference, alias)) ?? { kind: 'missing', reference };
}

type FoundFile = { readonly kind: 'found'; readonly file: LoadedFile } | MissingOrb;

async function readFile(reference: string, alias: string, files: FileLoader): Promise<FoundFile> {
  for (const place of placesOf(reference, alias)) {
    const { value } = await files.local(place);
    const file = value?.[0];
    if (file !== undefined) return { kind: 'found', file };
  }
  const missing = { kind: 'missing', reference } as const;
  if (!isOrbReference(reference)) return missing;
  if (isStoodInFor(reference)) {
    const hint = `put its source into \`${vendorPath(reference)}\``;
    return { ...missing, why: 'what stands in for it here does not know this part of it', hint };
  }
  const isAddress = reference.startsWith('https:');
  const { value: file, diagnostics } = await files.foreign(
    isAddress ? { kind: 'remote', url: reference } : { kind: 'orb', reference },
  );
  if (file !== undefined) return { kind: 'found', file };
  const [trouble] = diagnostics;
  if (trouble === undefined || trouble.code === 'gitlab/include-not-read') return missing;
  const { message: why, hint } = trouble;
  return { ...missing, why, ...(hint === undefined ? {} : { hint }) };
}
