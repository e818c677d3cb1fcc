import type { FileOrigin, LoadedFile } from '../../model/included-file.ts';
import { type MapNode, type Node, withoutKeys } from '../../syntax/node.ts';
import { validateSchema } from '../../syntax/validate.ts';
import { nameOf } from './include-request.ts';
import {
  type Asked,
  type Found,
  filesOf,
  type Includer,
  loadFiles,
  mayInclude,
  type Place,
  parseOnce,
  readAsked,
} from './includer.ts';
import { mergeMaps } from './merge.ts';
import type { ReadFile } from './origins.ts';
import { readDocument } from './read-document.ts';
import { field } from './values.ts';

const includeKey: ReadonlySet<string> = new Set(['include']);

/** The project of the pipeline itself. */
export const ownProject: FileOrigin = { kind: 'own' };

/** How many files are read before their turn. */
const readAhead = 16;

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
  includer: Includer,
  entry: { readonly path?: string; readonly node: MapNode },
): Promise<MergedFiles> {
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
      const loading = loadFiles(includer.files, request, place.origin);
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

async function mergeFound(includer: Includer, asked: Asked, found: Found, place: Place): Promise<readonly MapNode[]> {
  const { request, span } = asked;
  const merged: MapNode[] = [];
  const files = filesOf(includer, asked, found);
  for (const file of files ?? []) {
    // A wildcard that also fits the file it stands in does not mean that file.
    if (nameOf(request).includes('*') && place.chain.includes(file.path)) continue;
    if (!mayInclude(includer, file, span, place.chain)) return merged;
    const inside = { chain: [...place.chain, file.path], origin: file.origin ?? ownProject };
    const node = await readFile(includer, file, asked, inside);
    if (node) merged.push(await mergeFile(includer, node, inside));
    else includer.incomplete = true;
  }
  return merged;
}

/** An included file, checked and in GitLab's shape. Undefined: it is not usable, and that was told. */
async function readFile(
  includer: Includer,
  file: LoadedFile,
  { entry, span }: Asked,
  place: Place,
): Promise<MapNode | undefined> {
  const plain = entry.inputs === undefined;
  if (plain && includer.prepared.has(file.path)) return includer.prepared.get(file.path);
  const documents = parseOnce(includer, file);
  if (documents === undefined) return undefined;
  const inputs = entry.inputs ? { inputs: { kind: 'node', node: entry.inputs } as const } : {};
  const given = { path: file.path, source: file.text, documents, includedAt: span, ...inputs };
  const { value: node, hasHeader } = await readDocument(includer, given, place);
  if (node && node.kind !== 'map') {
    includer.report({
      code: 'gitlab/include-empty',
      severity: 'error',
      message: `the included file \`${file.path}\` holds no map of jobs or keywords`,
      span,
    });
  }
  const prepared = node?.kind === 'map' ? prepare(includer, node) : undefined;
  if (plain && !hasHeader) includer.prepared.set(file.path, prepared);
  return prepared;
}
