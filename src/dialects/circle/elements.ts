import type { MapEntry, MapNode, Node, Scalar } from '../../syntax/node.ts';
import { checkPlaces } from './check-places.ts';
import { type Declarations, readDeclarations } from './parameters.ts';
import { entriesOf, field, kindOf, problem, type Reading, textOf } from './reading.ts';
import { overSource, standInFor } from './stand-in.ts';

/** A command, job or executor that can be called with arguments. */
export interface Element {
  /** As callers write it at the root: `build`, `node/install`. */
  readonly name: string;
  readonly node: MapNode;
  readonly declared: Declarations;
  /** Where the names that it uses are looked up. */
  readonly home: Namespace;
}

/** What can be defined once and called with arguments; each kind has names of its own. */
export type ElementKind = 'command' | 'job' | 'executor';

/** What the file, or one orb, defines. */
export interface Namespace {
  /** Empty at the root; else the orb's name, with a slash behind it. */
  readonly prefix: string;
  readonly elements: Readonly<Record<ElementKind, ReadonlyMap<string, Element>>>;
  /** Other names for elements: `commands: { install: node/install }`. */
  readonly aliases: Readonly<Record<ElementKind, ReadonlyMap<string, string>>>;
  /** An orb that can't be had is here by its reference. */
  readonly orbs: ReadonlyMap<string, Namespace | MissingOrb>;
  /** Some of it is this program's own doing: see stand-in.ts. `partOf`: the orb that it is a part of, which can't be had whole. */
  readonly standIn?: { readonly partOf?: MissingOrb };
}

/** An orb that is not on this machine. */
export interface MissingOrb {
  readonly kind: 'missing';
  /** `circleci/node@5.1`; the mere alias of one that is not declared. */
  readonly reference: string;
  /** Why it can't be had, one clause. Absent: nobody was asked for it. */
  readonly why?: string;
  readonly hint?: string;
}

/** What a name stands for: an element, one of an orb that is not here (perhaps it would be there), or nothing. */
export type Found = { readonly kind: 'element'; readonly element: Element } | MissingOrb | { readonly kind: 'none' };

/** The file of an orb of the registry. */
export type OrbFile = (reference: string, alias: string) => MapNode | MissingOrb;

const sections: Readonly<Record<ElementKind, string>> = { command: 'commands', job: 'jobs', executor: 'executors' };

const maxOrbDepth = 20;

/** Everything that a file or the source of an orb defines; what is wrong with its form is told. */
export function readNamespace(
  source: MapNode,
  prefix: string,
  orbFile: OrbFile,
  reading: Reading,
  depth = 0,
  standIn?: Namespace['standIn'],
): Namespace {
  const elements = perKind<Element>();
  const aliases = perKind<string>();
  const written: { kind: ElementKind; each: MapEntry }[] = [];
  const orbs = new Map<string, Namespace | MissingOrb>();
  const home: Namespace = { prefix, elements, aliases, orbs, ...(standIn === undefined ? {} : { standIn }) };
  for (const kind of Object.keys(sections) as ElementKind[]) {
    for (const each of sectionOf(source, sections[kind], reading)) {
      const alias = typeof scalarOf(each.value) === 'string' ? textOf(each.value) : undefined;
      if (alias !== undefined) {
        aliases[kind].set(each.key, alias);
        written.push({ kind, each });
        continue;
      }
      const node = elementNode(each, kind, reading);
      if (node === undefined) continue;
      if (kind !== 'command') checkPlaces(node, `the ${kind} \`${each.key}\``, reading);
      const declared = readDeclarations(node, 'element', reading);
      elements[kind].set(each.key, { name: `${prefix}${each.key}`, node, declared, home });
    }
  }
  for (const each of sectionOf(source, 'orbs', reading)) {
    const orb = readOrb(each, prefix, orbFile, reading, depth);
    if (orb !== undefined) orbs.set(each.key, orb);
  }
  for (const { kind, each } of written) checkAlias(kind, each, home, reading);
  return home;
}

function perKind<T>(): Record<ElementKind, Map<string, T>> {
  return { command: new Map(), job: new Map(), executor: new Map() };
}

function scalarOf(node: Node): Scalar | undefined {
  return node.kind === 'scalar' ? node.value : undefined;
}

/** An alias of nothing does no harm until something uses it. */
function checkAlias(kind: ElementKind, { key, value }: MapEntry, home: Namespace, reading: Reading): void {
  if (findElement(home, kind, key).kind !== 'none') return;
  reading.report({
    code: 'circle/alias',
    severity: 'warning',
    message: `the ${kind} \`${key}\` is another name for \`${textOf(value)}\`, which there is not`,
    span: value.span,
    hint: `write a map, or the name of an orb's ${kind} as in \`orb/${kind}\``,
  });
}

function sectionOf(source: MapNode, key: string, reading: Reading): readonly MapEntry[] {
  const section = field(source, key);
  if (section === undefined || section.value.kind === 'map') return entriesOf(section?.value);
  problem(reading, 'circle/wrong-type', section.value.span, `\`${key}\` must be a map, not ${kindOf(section.value)}`);
  return [];
}

function elementNode(each: MapEntry, kind: ElementKind, reading: Reading): MapNode | undefined {
  if (each.value.kind === 'map') return each.value;
  problem(
    reading,
    'circle/wrong-type',
    each.keySpan,
    `the ${kind} \`${each.key}\` must be a map, not ${kindOf(each.value)}`,
  );
  return undefined;
}

function readOrb(
  each: MapEntry,
  prefix: string,
  orbFile: OrbFile,
  reading: Reading,
  depth: number,
): Namespace | MissingOrb | undefined {
  const inner = `${prefix}${each.key}/`;
  const isEmpty = each.value.kind === 'map' && each.value.entries.size === 0;
  if (each.value.kind === 'map' && !isEmpty) return readNamespace(each.value, inner, orbFile, reading, depth);
  // `orb: {}` is filled from outside when an orb's own tests are run.
  const reference = isEmpty ? each.key : textOf(each.value);
  if (reference === undefined || !(isEmpty || isOrbReference(reference))) {
    const hint = 'write it as `namespace/orb@1.2.3`, or define the orb in place';
    problem(reading, 'circle/orb', each.value.span, `\`${each.key}\` refers to no orb`, { hint });
    return undefined;
  }
  if (depth >= maxOrbDepth || !mayReadOrb(each, reading)) return { kind: 'missing', reference };
  const file = orbFile(reference, each.key);
  const own = standInFor(reference);
  if (own !== undefined) {
    const source = file.kind === 'missing' ? undefined : file;
    const standIn = file.kind === 'missing' ? { partOf: file } : {};
    return readNamespace(overSource(own, source), inner, orbFile, reading, depth + 1, standIn);
  }
  return file.kind === 'missing' ? file : readNamespace(file, inner, orbFile, reading, depth + 1);
}

/** Is there room for one more orb? That there is none is told once. */
function mayReadOrb({ keySpan }: MapEntry, reading: Reading): boolean {
  const { left } = reading;
  if (left === undefined || left.orbs-- > 0) return true;
  if (left.orbs === -1) {
    const hint = 'let orbs use fewer others';
    problem(reading, 'circle/orb', keySpan, 'the file and its orbs use too many orbs', { hint });
  }
  return false;
}

/** `namespace/orb@1.2.3`, `@1`, `@volatile`, `@dev:first`, or the address of a file. */
export function isOrbReference(text: string): boolean {
  return /^[\w.-]+\/[\w.-]+@(?:\d+(?:\.\d+){0,2}|volatile|dev:\S+)$/.test(text) || /^https:\/\/\S+$/.test(text);
}

/** An alias names an element of an orb; that of an executor one of its own file, too. */
const aliasForms: Readonly<Record<ElementKind, RegExp>> = {
  command: /^[^/]+\/[^/]+$/,
  job: /^[^/]+\/[^/]+$/,
  executor: /^[^/]+(?:\/[^/]+)?$/,
};

const maxAliases = 20;

/** The element of a name as it is written in `home`: its own, one that it has another name for, or `orb/name`. */
export function findElement(home: Namespace, kind: ElementKind, name: string, aliased = 0): Found {
  const own = home.elements[kind].get(name);
  if (own !== undefined) return { kind: 'element', element: own };
  const alias = home.aliases[kind].get(name);
  if (alias !== undefined) {
    const isGood = aliased < maxAliases && aliasForms[kind].test(alias);
    return isGood ? findElement(home, kind, alias, aliased + 1) : { kind: 'none' };
  }
  const slash = name.indexOf('/');
  const orb = slash < 0 ? undefined : home.orbs.get(name.slice(0, slash));
  // An orb's own tests get the orb from outside (`orb-tools`), so one that nobody declares is missing, not wrong.
  if (orb === undefined) return slash > 0 ? { kind: 'missing', reference: name.slice(0, slash) } : { kind: 'none' };
  if ('kind' in orb) return orb;
  const found = findElement(orb, kind, name.slice(slash + 1), aliased);
  const partOf = orb.standIn?.partOf;
  return found.kind === 'none' && partOf !== undefined ? partOf : found;
}

/** All names of a kind that can be written in `home`, for "did you mean". */
export function elementNames(home: Namespace, kind: ElementKind): readonly string[] {
  const inner = [...home.orbs].flatMap(([alias, orb]) =>
    'kind' in orb ? [] : [...orb.elements[kind].keys()].map((name) => `${alias}/${name}`),
  );
  return [...home.elements[kind].keys(), ...home.aliases[kind].keys(), ...inner];
}
