import type { Checked, Diagnostic, Report, Span } from '../../diagnostics/diagnostic.ts';
import type { FileOrigin, LoadedFile } from '../../model/included-file.ts';
import type { FileLoader } from '../../model/ports.ts';
import type { MapNode, Node } from '../../syntax/node.ts';
import { parseYaml } from '../../syntax/parse.ts';
import { validateSchema } from '../../syntax/validate.ts';
import { type IncludeEntry, readIncludes } from './include-entry.ts';
import { type IncludeRequest, nameOf, type PlacedRequest, requestsOf } from './include-request.ts';
import { isIncluded, type Known, knownIn } from './include-rules.ts';
import { mergeMaps, withoutKeys } from './merge.ts';
import type { ReadFile } from './origins.ts';
import { startReading } from './reading.ts';
import { selectDocument } from './select-document.ts';
import { field } from './values.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Unless the user sets another. Source: https://docs.gitlab.com/ci/yaml/#include */
const gitlabMaxIncludes = 150;
const includeKey: ReadonlySet<string> = new Set(['include']);

const ownProject: FileOrigin = { kind: 'own' };

interface Includer {
  readonly vocabulary: Vocabulary;
  readonly files: FileLoader;
  readonly known: Known;
  readonly report: Report;
  /** Parsed files; a file may be included often. Undefined: it is not usable, and that was told. */
  readonly parsed: Map<string, MapNode | undefined>;
  readonly unread: Node[];
  readonly read: ReadFile[];
  readonly maxIncludes: number;
  included: number;
  incomplete: boolean;
}

/** The top level with all its includes merged in. */
export interface MergedFiles {
  readonly root: MapNode;
  /** Something could not be read. */
  readonly incomplete: boolean;
  /** Entries of `include` that lie elsewhere and are not read, as they are written. */
  readonly unread: readonly Node[];
  /** What was read, the entry file first. A file that is included often stands there often. */
  readonly read: readonly ReadFile[];
}

/**
 * Merges what a file includes, in order, below the file itself: later files win, the including file wins over all.
 * Every file is checked against the schema by itself.
 * @param entry without a path: it is no file, and was checked where it stands.
 */
export async function mergeIncludes(
  entry: { readonly path?: string; readonly node: MapNode },
  given: {
    readonly vocabulary: Vocabulary;
    readonly files: FileLoader;
    readonly known: Known;
    readonly report: Report;
    readonly maxIncludes?: number;
  },
): Promise<MergedFiles> {
  const { maxIncludes = gitlabMaxIncludes } = given;
  const includer: Includer = {
    ...given,
    maxIncludes,
    parsed: new Map(),
    unread: [],
    read: [],
    included: 0,
    incomplete: false,
  };
  const { path, node } = entry;
  const place: Place = { chain: path === undefined ? [] : [path], origin: ownProject };
  const root = await mergeFile(includer, path === undefined ? node : prepare(includer, node), place);
  const { incomplete, unread, read } = includer;
  return { root, incomplete, unread, read };
}

/** Checks one file's content and brings it into GitLab's shape. */
function prepare({ vocabulary, report }: Includer, node: MapNode): MapNode {
  for (const diagnostic of validateSchema(node, vocabulary.schema)) report(diagnostic);
  return vocabulary.normalise(node, report);
}

/** Where a file stands: the files from the entry to it, and whose it is. */
interface Place {
  readonly chain: readonly string[];
  readonly origin: FileOrigin;
}

/** How many files are read before their turn. */
const readAhead = 16;

/** A file that an entry asks for. */
interface Asked extends PlacedRequest {
  readonly entry: IncludeEntry;
}

type Found = Checked<readonly LoadedFile[]>;

async function mergeFile(includer: Includer, node: MapNode, place: Place): Promise<MapNode> {
  if (place.chain.length > 0) includer.read.push({ chain: place.chain, root: node });
  const include = field(node, 'include');
  const own = withoutKeys(node, includeKey);
  if (include === undefined) return own;
  const asked = readAsked(includer, include.value, place);
  const found: Promise<Found>[] = [];
  let merged: MapNode | undefined;
  for (const [index, one] of asked.entries()) {
    for (const { request } of asked.slice(found.length, index + readAhead)) {
      const loading = load(includer.files, request, place.origin);
      // Whoever comes first to its turn throws; the others' failures are then nobody's business any more.
      loading.catch(() => {});
      found.push(loading);
    }
    for (const content of await mergeFound(includer, one, await found[index]!, place)) {
      merged = merged ? mergeMaps(merged, content) : content;
    }
    if (includer.included > includer.maxIncludes) break;
  }
  return merged ? mergeMaps(merged, own) : own;
}

/** All files that the entries ask for whose rules let them in. */
function readAsked(includer: Includer, include: Node, { origin }: Place): readonly Asked[] {
  const reading = startReading(includer.report, { incomplete: false });
  const known = knownIn(includer.known, origin);
  const entries = readIncludes(include, reading).filter((entry) => isIncluded(entry.rules, known));
  return entries.flatMap((entry) => {
    const { asked, diagnostics } = requestsOf(entry, known.variable);
    tellTrouble(includer, diagnostics, { entry, span: entry.span });
    return asked.map((each) => ({ ...each, entry }));
  });
}

async function load(files: FileLoader, request: IncludeRequest, origin: FileOrigin): Promise<Found> {
  if (request.kind === 'local') return files.local(request.path, origin);
  const { value, diagnostics } = await files.foreign(request, origin);
  return { value: value && [value], diagnostics };
}

async function mergeFound(includer: Includer, asked: Asked, found: Found, place: Place): Promise<readonly MapNode[]> {
  const { request, span } = asked;
  const merged: MapNode[] = [];
  const files = filesOf(includer, asked, found);
  for (const file of files ?? []) {
    // A wildcard that also fits the file it stands in does not mean that file.
    if (nameOf(request).includes('*') && place.chain.includes(file.path)) continue;
    if (!mayInclude(includer, file, span, place.chain)) return merged;
    const node = parse(includer, file, asked);
    const inside = { chain: [...place.chain, file.path], origin: file.origin ?? ownProject };
    if (node) merged.push(await mergeFile(includer, node, inside));
    else includer.incomplete = true;
  }
  return merged;
}

/** Undefined: it can't be had, and that was told. */
function filesOf(includer: Includer, asked: Asked, { value, diagnostics }: Found): readonly LoadedFile[] | undefined {
  const { request } = asked;
  tellTrouble(includer, diagnostics, asked);
  if (diagnostics.length > 0) return value && value.length > 0 ? value : undefined;
  // A wildcard that matches nothing is no mistake on GitLab either.
  if (value?.length !== 0 || nameOf(request).includes('*')) return value;
  const message = `the included file \`${nameOf(request)}\` does not exist`;
  const hint = 'paths start at the root of the project';
  tellTrouble(includer, [{ code: 'gitlab/include-not-found', severity: 'error', message, hint }], asked);
  return undefined;
}

/** What an entry asks for can't be had, so names may be missing that are defined there. */
function tellTrouble(
  includer: Includer,
  diagnostics: readonly Diagnostic[],
  { entry, span }: Pick<Asked, 'entry' | 'span'>,
): void {
  for (const diagnostic of diagnostics) {
    includer.incomplete = true;
    includer.report(diagnostic.span ? diagnostic : { ...diagnostic, span });
    const isUnread = diagnostic.code === 'gitlab/include-not-read';
    if (isUnread && !includer.unread.includes(entry.node)) includer.unread.push(entry.node);
  }
}

function mayInclude(includer: Includer, file: LoadedFile, span: Span, chain: readonly string[]): boolean {
  if (chain.includes(file.path)) {
    const circle = [...chain.slice(chain.indexOf(file.path)), file.path].map((path) => `\`${path}\``).join(' → ');
    includer.report({
      code: 'gitlab/include-cycle',
      severity: 'error',
      message: `files include each other in a circle: ${circle}`,
      span,
    });
    return false;
  }
  includer.included++;
  if (includer.included === includer.maxIncludes + 1) {
    includer.report({
      code: 'gitlab/include-too-many',
      severity: 'error',
      message: `more than ${includer.maxIncludes} files are included`,
      span,
      hint: '`max-includes` in your own settings file or CI_CLI_MAX_INCLUDES allows more',
    });
  }
  return includer.included <= includer.maxIncludes;
}

function parse(includer: Includer, file: LoadedFile, { entry, span }: Asked): MapNode | undefined {
  if (includer.parsed.has(file.path)) return includer.parsed.get(file.path);
  const documents = parseYaml(file.path, file.text, includer.vocabulary.scalars);
  const content = documents.value && selectDocument(documents.value, entry.inputs);
  for (const diagnostic of [...documents.diagnostics, ...(content?.diagnostics ?? [])]) includer.report(diagnostic);
  const node = content?.value;
  if (content && node?.kind !== 'map') {
    includer.report({
      code: 'gitlab/include-empty',
      severity: 'error',
      message: `the included file \`${file.path}\` holds no map of jobs or keywords`,
      span,
    });
  }
  const prepared = node?.kind === 'map' ? prepare(includer, node) : undefined;
  if (!content?.hasHeader) includer.parsed.set(file.path, prepared);
  return prepared;
}
