import type { Checked, Diagnostic, Report, Span } from '../../diagnostics/diagnostic.ts';
import type { FileOrigin, LoadedFile } from '../../model/included-file.ts';
import type { FileLoader } from '../../model/ports.ts';
import type { MapNode, Node } from '../../syntax/node.ts';
import { parseYaml } from '../../syntax/parse.ts';
import { hideMasked } from './hide-masked.ts';
import { type IncludeEntry, readIncludes } from './include-entry.ts';
import { type IncludeRequest, nameOf, type PlacedRequest, requestsOf } from './include-request.ts';
import { isIncluded, type Known, knownIn } from './include-rules.ts';
import type { KnownVariable } from './interpolation/functions.ts';
import type { ReadFile } from './origins.ts';
import { startReading } from './reading.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Unless the user sets another. Source: https://docs.gitlab.com/ci/yaml/#include */
const gitlabMaxIncludes = 150;

/** Reads all files of one pipeline. */
export interface Includer {
  readonly vocabulary: Vocabulary;
  readonly files: FileLoader;
  readonly known: Known;
  /** The variables of `known`, with what else is known of them. */
  readonly variable: (name: string) => KnownVariable | undefined;
  readonly report: Report;
  /** Documents of files, by path. */
  readonly documents: Map<string, Checked<readonly Node[]>>;
  /** Prepared files without inputs; a file may be included often. Undefined: it is not usable, and that was told. */
  readonly prepared: Map<string, MapNode | undefined>;
  readonly unread: Node[];
  readonly read: ReadFile[];
  readonly maxIncludes: number;
  included: number;
  incomplete: boolean;
}

/** Starts to read the files of a pipeline. */
export function startIncluder(
  given: Pick<Includer, 'vocabulary' | 'files' | 'known' | 'variable' | 'report'> & { readonly maxIncludes?: number },
): Includer {
  const { maxIncludes = gitlabMaxIncludes } = given;
  const nothing = { documents: new Map(), prepared: new Map(), unread: [], read: [], included: 0, incomplete: false };
  const { variable, report } = hideMasked(given);
  return { ...given, ...nothing, known: { ...given.known, variable }, report, maxIncludes };
}

/** Where a file stands: the files from the entry to it, and whose it is. */
export interface Place {
  readonly chain: readonly string[];
  readonly origin: FileOrigin;
}

/** A file that an entry asks for. */
export interface Asked extends PlacedRequest {
  readonly entry: IncludeEntry;
}

/** What became of a request. */
export type Found = Checked<readonly LoadedFile[]>;

/** All files that the entries ask for whose rules let them in. */
export function readAsked(includer: Includer, include: Node, { origin }: Place): readonly Asked[] {
  const reading = startReading(includer.report, { incomplete: false });
  const known = knownIn(includer.known, origin);
  const entries = readIncludes(include, reading).filter((entry) => isIncluded(entry.rules, known, includer.report));
  return entries.flatMap((entry) => {
    const { asked, diagnostics } = requestsOf(entry, known.variable);
    tellTrouble(includer, diagnostics, { entry, span: entry.span });
    return asked.map((each) => ({ ...each, entry }));
  });
}

/** Asks for the files of a request; `filesOf` tells what is wrong. */
export async function loadFiles(files: FileLoader, request: IncludeRequest, origin: FileOrigin): Promise<Found> {
  if (request.kind === 'local') return files.local(request.path, origin);
  const { value, diagnostics } = await files.foreign(request, origin);
  return { value: value && [value], diagnostics };
}

/** The files that were found. Undefined: they can't be had, and that was told. */
export function filesOf(
  includer: Includer,
  asked: Asked,
  { value, diagnostics }: Found,
): readonly LoadedFile[] | undefined {
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

/** May one more file be read? If it is one too many, or closes a circle, that is told. */
export function mayInclude(includer: Includer, file: LoadedFile, span: Span, chain: readonly string[]): boolean {
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

/** The documents of a file, which may be included often; what is wrong is told once. */
export function parseOnce(includer: Includer, file: LoadedFile): readonly Node[] | undefined {
  let documents = includer.documents.get(file.path);
  if (documents === undefined) {
    documents = parseYaml(file.path, file.text, includer.vocabulary.scalars);
    includer.documents.set(file.path, documents);
    for (const diagnostic of documents.diagnostics) includer.report(diagnostic);
  }
  return documents.value;
}
