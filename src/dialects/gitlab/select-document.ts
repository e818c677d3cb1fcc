import type { Diagnostic, Report, Span } from '../../diagnostics/diagnostic.ts';
import type { ComponentContext } from '../../model/included-file.ts';
import { child, type MapNode, type Node } from '../../syntax/node.ts';
import { validateSchema } from '../../syntax/validate.ts';
import type { GivenInputs } from '../dialect.ts';
import { readGivenInputs } from './inputs/given-inputs.ts';
import { type HeaderFile, mergeHeaderInputs } from './inputs/header-files.ts';
import { plainNode } from './inputs/plain-node.ts';
import { resolveInputs, unknownInput } from './inputs/resolve-inputs.ts';
import type { AccessRoots } from './interpolation/access.ts';
import type { KnownVariable } from './interpolation/functions.ts';
import { interpolate } from './interpolation/interpolate.ts';
import { take } from './keyword.ts';
import { type Header, spec } from './keywords/spec.ts';
import { isAbsent } from './merge.ts';
import { startReading, tidy } from './reading.ts';

/** A parsed file and its surroundings. */
export interface FileDocuments {
  /** As messages name it. */
  readonly path: string;
  readonly source: string;
  readonly documents: readonly Node[];
  /** What the include, the trigger or the command line gives. */
  readonly inputs?: GivenInputs;
  /** Where it is included. Absent: it is the entry file. */
  readonly includedAt?: Span;
  /** Values of `$[[ component.NAME ]]`, for a file that belongs to a component. */
  readonly component?: ComponentContext;
  readonly variable: (name: string) => KnownVariable | undefined;
  /** The files of `spec:include`; undefined: not all of them could be read, and that was told. */
  readonly headerFiles: (include: Node) => Promise<readonly HeaderFile[] | undefined>;
}

/** The pipeline of a file, its inputs filled in. */
export interface SelectedDocument {
  /** Undefined: there is none, or something is wrong with header, inputs or blocks; errors say what. */
  readonly value: Node | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** The file has a header, so what comes out depends on the inputs that it is included with. */
  readonly hasHeader: boolean;
}

/**
 * The document of a file that holds the pipeline: the second where the first is a `spec:` header, else the first. The
 * header's inputs are resolved and put in the place of the document's blocks.
 * Source: https://docs.gitlab.com/ci/yaml/#header-keywords
 */
export async function selectDocument(file: FileDocuments): Promise<SelectedDocument> {
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void diagnostics.push(diagnostic);
  const [first, second, third] = withoutEmpty(file.documents);
  const header = first?.kind === 'map' && child(first, 'spec') !== undefined ? first : undefined;
  tellDocuments(file, header, [first, second, third], report);
  if (header === undefined) {
    const given = readGivenInputs(file.inputs, report);
    for (const [name, input] of given)
      report(withHint(unknownInput(name, input, file.path), 'declare it in a `spec:` header'));
    return { value: given.size > 0 ? undefined : first, diagnostics, hasHeader: false };
  }
  const read = readHeader(header, report);
  const value = second && read && (await fillIn(file, second, read, report));
  const failed = diagnostics.some(({ severity }) => severity === 'error');
  return { value: failed ? undefined : value, diagnostics: tidy(diagnostics), hasHeader: true };
}

/** GitLab takes no notice of empty documents, as one before a leading `---`. */
function withoutEmpty(documents: readonly Node[]): readonly Node[] {
  const filled = documents.filter((node) => node.kind === 'reference' || !isAbsent(node));
  return filled.length > 0 ? filled : documents.slice(0, 1);
}

function withHint(diagnostic: Diagnostic, hint: string): Diagnostic {
  return { ...diagnostic, hint };
}

function tellDocuments(
  { path }: FileDocuments,
  header: MapNode | undefined,
  [, second, third]: readonly (Node | undefined)[],
  report: Report,
): void {
  const code = 'gitlab/header';
  const extra = header ? third : second;
  if (extra !== undefined) {
    const message = header
      ? `\`${path}\` has more than two documents`
      : `\`${path}\` has two documents, of which only the first is read: it is no \`spec:\` header`;
    report({ code, severity: header || third ? 'error' : 'warning', message, span: extra.span });
  }
  if (header === undefined) return;
  for (const { key, keySpan } of header.entries.values()) {
    if (key === 'spec') continue;
    const message = `\`${key}\` stands in the header`;
    const hint = 'put a line `---` between the header with `spec` and the jobs';
    report({ code, severity: 'error', message, span: keySpan, hint });
  }
  if (second === undefined && header.entries.size === 1) {
    const message = `\`${path}\` holds a \`spec:\` header and no jobs`;
    const hint = 'put a line `---` below the header, and the jobs below that';
    report({ code, severity: 'error', message, span: header.entries.get('spec')!.keySpan, hint });
  }
}

function readHeader(header: MapNode, report: Report): Header | undefined {
  const entries = new Map([['spec', header.entries.get('spec')!]]);
  const alone: MapNode = { ...header, entries };
  for (const diagnostic of validateSchema(alone, 'gitlab')) report(diagnostic);
  if (isAbsent(entries.get('spec')!.value)) return { inputs: [], component: [] };
  return take(alone, spec, startReading(report, { incomplete: false }));
}

async function fillIn(file: FileDocuments, content: Node, header: Header, report: Report): Promise<Node | undefined> {
  const files = header.include && (await file.headerFiles(header.include));
  if (header.include && files === undefined) return undefined;
  const specs = files === undefined ? header.inputs : mergeHeaderInputs(header, files, report);
  const given = readGivenInputs(file.inputs, report);
  const { includedAt } = file;
  const inputs = resolveInputs(specs, given, {
    report,
    path: file.path,
    ...(includedAt === undefined ? {} : { includedAt }),
  });
  if (inputs === undefined) return undefined;
  return interpolate(content, {
    roots: { inputs, component: componentValues(file, header, content.span) } satisfies AccessRoots,
    variable: file.variable,
    source: file.source,
    report,
    related: includedAt === undefined ? [] : [{ message: 'the file is included here', span: includedAt }],
  });
}

/** What the header asks for; a fact that is not known, as the version where a branch is used, is null. */
function componentValues({ component }: FileDocuments, header: Header, span: Span): ReadonlyMap<string, Node> {
  if (component === undefined) return new Map();
  const facts: Readonly<Record<string, string | undefined>> = { ...component };
  return new Map(header.component.map((name) => [name, plainNode(facts[name] ?? null, span)!]));
}
