import type { Diagnostic, Report, Span } from '../../diagnostics/diagnostic.ts';
import { expandVariables } from '../../expressions/expand-variables.ts';
import type { FileLoader, LoadedFile } from '../../model/ports.ts';
import type { MapNode, Node } from '../../syntax/node.ts';
import { parseYaml } from '../../syntax/parse.ts';
import { validateSchema } from '../../syntax/validate.ts';
import { type IncludeEntry, readIncludes } from './include-entry.ts';
import { isIncluded, type Known } from './include-rules.ts';
import { mergeMaps, withoutKeys } from './merge.ts';
import { startReading } from './reading.ts';
import { selectDocument } from './select-document.ts';
import { field } from './values.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Unless the user sets another. Source: https://docs.gitlab.com/ci/yaml/#include */
const gitlabMaxIncludes = 150;
const includeKey: ReadonlySet<string> = new Set(['include']);

type LocalInclude = Extract<IncludeEntry, { readonly kind: 'local' }>;

interface Includer {
  readonly vocabulary: Vocabulary;
  readonly files: FileLoader;
  readonly known: Known;
  readonly report: Report;
  /** Parsed files; a file may be included often. Undefined: it is not usable, and that was told. */
  readonly parsed: Map<string, MapNode | undefined>;
  readonly unread: Node[];
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
}

/**
 * Merges what a file includes, in order, below the file itself: later files win, the including file wins over all.
 * Every file is checked against the schema by itself.
 */
export async function mergeIncludes(
  entry: { readonly path: string; readonly node: MapNode },
  given: {
    readonly vocabulary: Vocabulary;
    readonly files: FileLoader;
    readonly known: Known;
    readonly report: Report;
    readonly maxIncludes?: number;
  },
): Promise<MergedFiles> {
  const { maxIncludes = gitlabMaxIncludes } = given;
  const includer: Includer = { ...given, maxIncludes, parsed: new Map(), unread: [], included: 0, incomplete: false };
  const root = await mergeFile(includer, prepare(includer, entry.node), [entry.path]);
  return { root, incomplete: includer.incomplete, unread: includer.unread };
}

/** Checks one file's content and brings it into GitLab's shape. */
function prepare({ vocabulary, report }: Includer, node: MapNode): MapNode {
  for (const diagnostic of validateSchema(node, vocabulary.schema)) report(diagnostic);
  return vocabulary.normalise(node, report);
}

/** @param chain the files from the entry to this one. */
async function mergeFile(includer: Includer, node: MapNode, chain: readonly string[]): Promise<MapNode> {
  const include = field(node, 'include');
  const own = withoutKeys(node, includeKey);
  if (include === undefined) return own;
  const reading = startReading(includer.report, { incomplete: false });
  let merged: MapNode | undefined;
  for (const entry of readIncludes(include.value, reading)) {
    if (!isIncluded(entry.rules, includer.known)) continue;
    for (const content of await mergeEntry(includer, entry, chain)) {
      merged = merged ? mergeMaps(merged, content) : content;
    }
  }
  return merged ? mergeMaps(merged, own) : own;
}

async function mergeEntry(
  includer: Includer,
  entry: IncludeEntry,
  chain: readonly string[],
): Promise<readonly MapNode[]> {
  if (entry.kind === 'foreign') {
    includer.incomplete = true;
    includer.unread.push(entry.node);
    includer.report({
      code: 'gitlab/include-not-read',
      severity: 'warning',
      message: `the include of ${entry.name} is not read; what it defines is missing`,
      span: entry.span,
    });
    return [];
  }
  const merged: MapNode[] = [];
  const files = await load(includer, entry.path, entry.span);
  if (files === undefined) {
    includer.incomplete = true;
    return [];
  }
  for (const file of files) {
    // A wildcard that also fits the file it stands in does not mean that file.
    if (entry.path.includes('*') && chain.includes(file.path)) continue;
    if (!mayInclude(includer, file, entry.span, chain)) return merged;
    const node = parse(includer, file, entry);
    if (node) merged.push(await mergeFile(includer, node, [...chain, file.path]));
    else includer.incomplete = true;
  }
  return merged;
}

/** Undefined: there is no such file, and that was told. */
async function load(includer: Includer, written: string, span: Span): Promise<readonly LoadedFile[] | undefined> {
  const path = expandVariables(written, includer.known.variable);
  if (!/\.ya?ml$/.test(path)) {
    includer.report({
      code: 'gitlab/include-extension',
      severity: 'error',
      message: `the included file \`${path}\` does not end in \`.yml\` or \`.yaml\``,
      span,
    });
    return undefined;
  }
  const { value = [], diagnostics } = await includer.files.local(path);
  for (const diagnostic of diagnostics) includer.report(withSpan(diagnostic, span));
  if (diagnostics.length > 0) return undefined;
  // A wildcard that matches nothing is no mistake on GitLab either.
  if (value.length === 0 && !path.includes('*')) {
    includer.report({
      code: 'gitlab/include-not-found',
      severity: 'error',
      message: `the included file \`${path}\` does not exist`,
      span,
      hint: 'paths start at the root of the project',
    });
    return undefined;
  }
  return value;
}

function withSpan(diagnostic: Diagnostic, span: Span): Diagnostic {
  return diagnostic.span ? diagnostic : { ...diagnostic, span };
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

function parse(includer: Includer, file: LoadedFile, entry: LocalInclude): MapNode | undefined {
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
      span: entry.span,
    });
  }
  const prepared = node?.kind === 'map' ? prepare(includer, node) : undefined;
  if (!content?.hasHeader) includer.parsed.set(file.path, prepared);
  return prepared;
}
