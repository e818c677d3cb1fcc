import { type Diagnostic, hasErrors, type Span } from '../../diagnostics/diagnostic.ts';
import type { LoadedFile } from '../../model/included-file.ts';
import type { MapNode, Node } from '../../syntax/node.ts';
import { toValue } from '../../syntax/node.ts';
import { parseYaml } from '../../syntax/parse.ts';
import type { CompileInput } from '../dialect.ts';
import { handedOver } from './continuation.ts';
import { type PlaceOf, readHandedParameters } from './handed-parameters.ts';
import { booleanOf } from './parameters.ts';
import { entriesOf, field, itemsOf, kindOf, problem, type Reading, textOf } from './reading.ts';

/** What a pipeline goes on with. */
export type Continued =
  | {
      readonly kind: 'read';
      readonly entry: MapNode;
      /** What the job gave, besides what the pipeline was started with. */
      readonly parameters: ReadonlyMap<string, Node>;
    }
  | { readonly kind: 'none'; readonly because: string }
  /** It was told why. */
  | { readonly kind: 'wrong' };

/**
 * Reads what a job handed over: a configuration and parameters. Before the job has run (`lint`, `plan`), the file that it is
 * expected to hand over.
 * @param content what `withContinuations` says of the bridge.
 */
export async function readContinued(content: Node, given: CompileInput, reading: Reading): Promise<Continued> {
  const job = textOf(field(content, 'job')?.value)!;
  const { span } = content;
  const artifact = (path: string, from = job) => given.files.foreign({ kind: 'artifact', path, job: from });
  const left = await artifact(handedOver.configuration);
  // Nobody has even looked: the job has not run.
  if (left.diagnostics.some(({ code }) => code === 'gitlab/include-not-read'))
    return readAhead(content, given, reading);
  if (left.value === undefined) return { kind: 'none', because: `${job} has not continued the pipeline` };
  for (const rival of itemsOf(field(content, 'rivals')?.value)) {
    const other = textOf(rival)!;
    if ((await artifact(handedOver.configuration, other)).value === undefined) continue;
    problem(
      reading,
      'circle/continuation',
      span,
      `both ${job} and ${other} continue the pipeline: that can be done once`,
    );
    return { kind: 'wrong' };
  }
  const expected = await localFile(content, given);
  const entryNode = readConfiguration(expected?.text === left.value.text ? expected : left.value, reading);
  const parameters = await artifact(handedOver.parameters);
  const texts = parameters.value;
  if (entryNode === undefined || texts === undefined) return { kind: 'wrong' };
  return withParameters(content, entryNode, readHandedParameters(texts.text, placeIn(texts), reading), given, reading);
}

async function readAhead(content: Node, given: CompileInput, reading: Reading): Promise<Continued> {
  const expected = await localFile(content, given);
  const entryNode = expected && readConfiguration(expected, reading);
  if (entryNode === undefined) return { kind: 'wrong' };
  const literal = field(content, 'parameters')?.value;
  const parameters =
    literal === undefined ? new Map() : readHandedParameters(textOf(literal)!, () => literal.span, reading);
  return withParameters(content, entryNode, parameters, given, reading);
}

async function localFile(content: Node, { files }: CompileInput): Promise<LoadedFile | undefined> {
  const path = textOf(field(content, 'expected')?.value);
  return path === undefined ? undefined : (await files.local(path)).value?.[0];
}

/** Several documents of a file are laid over each other: that is how path filters put several files into one. */
function readConfiguration({ path, text }: LoadedFile, reading: Reading): MapNode | undefined {
  const { value, diagnostics } = parseYaml(path, text, 'yaml-1.2');
  for (const diagnostic of diagnostics) reading.report(diagnostic);
  if (value === undefined || hasErrors(diagnostics)) return undefined;
  const [first, ...more] = value;
  const whole = more.reduce((below, above) => merged(below, above), first!);
  if (whole.kind !== 'map') {
    const span = { ...whole.span, end: Math.max(whole.span.end, whole.span.start + 1) };
    problem(reading, 'circle/wrong-type', span, `the configuration must be a map, not ${kindOf(whole)}`);
    return undefined;
  }
  const setup = field(whole, 'setup');
  if (booleanOf(setup?.value) !== true) return whole;
  problem(reading, 'circle/setup', setup!.keySpan, 'a pipeline can not be continued with another setup configuration');
  return undefined;
}

function merged(below: Node, above: Node): Node {
  if (below.kind !== 'map' || above.kind !== 'map') return above;
  const all = new Map(below.entries);
  for (const each of above.entries.values()) {
    const known = all.get(each.key);
    all.set(each.key, known === undefined ? each : { ...each, value: merged(known.value, each.value) });
  }
  return { ...above, entries: all };
}

/** The place of a name in a JSON file; the file's beginning, where it is not found. */
function placeIn({ path: file, text }: LoadedFile): PlaceOf {
  return (name) => {
    const quoted = JSON.stringify(name ?? '');
    const at = name === undefined ? -1 : text.indexOf(quoted);
    return at < 0 ? { file, start: 0, end: Math.min(1, text.length) } : { file, start: at, end: at + quoted.length };
  };
}

/**
 * Checks what a job gives against what the pipeline was started with.
 * Source: https://circleci.com/docs/guides/orchestrate/dynamic-config/#config-continuation-constraints
 */
function withParameters(
  content: Node,
  configuration: MapNode,
  parameters: ReadonlyMap<string, Node> | undefined,
  given: CompileInput,
  reading: Reading,
): Continued {
  if (parameters === undefined) return { kind: 'wrong' };
  for (const [name, { span }] of parameters) {
    if (!given.parameters?.has(name)) continue;
    const message = `the parameter \`${name}\` is given twice: the pipeline was started with it, and the setup job sets it`;
    const hint = 'give the two different names, one for the setup configuration and one for the other';
    problem(reading, 'circle/continuation', span, message, { hint });
  }
  compareDeclarations(field(content, 'declared')?.value, configuration, reading);
  return { kind: 'read', entry: configuration, parameters };
}

/** Both configurations have to declare what the first does, with the same defaults. */
function compareDeclarations(declared: Node | undefined, configuration: MapNode, reading: Reading): void {
  const section = field(configuration, 'parameters');
  for (const first of entriesOf(declared)) {
    const second = field(section?.value, first.key);
    const related = [{ message: 'the setup configuration declares it here', span: first.keySpan }];
    const warn = (message: string, span: Span): void =>
      reading.report({ code: 'circle/continuation', severity: 'warning', message, span, related } satisfies Diagnostic);
    if (second === undefined) {
      const start = { ...configuration.span, end: configuration.span.start + 1 };
      warn(`the parameter \`${first.key}\` of the setup configuration is not declared here`, section?.keySpan ?? start);
      continue;
    }
    const [one, other] = [first, second].map(({ value }) => field(value, 'default')?.value);
    const same = (node: Node | undefined): string => JSON.stringify(node === undefined ? null : toValue(node));
    if (same(one) !== same(other)) {
      warn(`the default of \`${first.key}\` is another one than in the setup configuration`, second.keySpan);
    }
  }
}
