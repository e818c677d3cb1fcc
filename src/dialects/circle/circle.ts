import type { Checked, Diagnostic } from '../../diagnostics/diagnostic.ts';
import { validators } from '../../syntax/generated/circle-validators.js';
import type { MapNode, Node } from '../../syntax/node.ts';
import { validateSections } from '../../syntax/validate.ts';
import type { Compiled, CompileInput, Dialect, ParsedFile } from '../dialect.ts';
import { withContinuations } from './continuation.ts';
import { readOrbFiles } from './orb-files.ts';
import { booleanOf } from './parameters.ts';
import { pipelineValues } from './pipeline-values.ts';
import { type Processed, processConfig, withOrbReferences } from './process.ts';
import { readPipeline } from './read-pipeline.ts';
import { field, itemsOf, kindOf, type Reading, scalar, suggestion, textOf } from './reading.ts';
import type { StartedParameters } from './started-parameters.ts';

/** `.circleci/config.yml`. */
export const circle: Dialect = {
  name: 'circle',
  scalars: 'yaml-1.2',
  compile,
};

async function compile({ documents, text }: ParsedFile, given: CompileInput): Promise<Checked<Compiled>> {
  const [entry = { ...scalar(null, { file: given.file, start: 0, end: 0 }) }] = documents;
  const { reading, diagnostics } = collect(given.entryIs === 'bridge' ? [] : [[given.file, text]]);
  if (given.entryIs === 'bridge') {
    const { readContinued } = await import('./continued.ts');
    const continued = await readContinued(entry, given, reading);
    if (continued.kind === 'wrong') return { value: undefined, diagnostics };
    if (continued.kind === 'none') return { value: nothingToRun(entry, given, continued.because), diagnostics };
    const first = itemsOf(field(entry, 'workflows')?.value).map((name) => textOf(name)!);
    return compileMap(continued.entry, given, { reading, diagnostics }, { ...continued, workflows: first });
  }
  if (entry.kind !== 'map') {
    const span = { ...entry.span, end: Math.max(entry.span.end, entry.span.start + 1) };
    const message = `the configuration must be a map, not ${kindOf(entry)}`;
    reading.report({ code: 'circle/wrong-type', severity: 'error', message, span });
    return { value: undefined, diagnostics };
  }
  return compileMap(entry, given, { reading, diagnostics }, { parameters: new Map(), workflows: [] });
}

interface Collected {
  readonly reading: Reading;
  readonly diagnostics: readonly Diagnostic[];
}

function collect(sources: Iterable<readonly [path: string, text: string]>): Collected {
  const diagnostics: Diagnostic[] = [];
  const told = new Set<string>();
  const report = (diagnostic: Diagnostic): void => {
    const { code, span, message } = diagnostic;
    // One place may be expanded many times.
    const identity = `${code} ${span?.file} ${span?.start} ${message}`;
    if (told.has(identity)) return;
    told.add(identity);
    diagnostics.push(diagnostic);
  };
  return {
    reading: { report, sources: new Map(sources), left: { suggestions: 100, characters: 2 ** 27, orbs: 1000 } },
    diagnostics,
  };
}

/** What a setup configuration hands on: parameters that its job has given, and the names of its own workflows. */
interface Setup {
  readonly parameters: ReadonlyMap<string, Node>;
  readonly workflows: readonly string[];
}

async function compileMap(
  root: MapNode,
  given: CompileInput,
  { reading, diagnostics }: Collected,
  setup: Setup,
): Promise<Checked<Compiled>> {
  const form = validateSections(root, validators.circle);
  const started = { texts: given.parameters ?? new Map(), ...blameFor(given) };
  const pipeline = pipelineValues(root, given.context, { started, handed: setup.parameters }, reading);
  const entry = withOrbReferences(root, pipeline, reading);
  const orbFile = await readOrbFiles(entry, given.files, reading.report);
  const processed = processConfig(entry, { pipeline, orbFile, reading });
  const read = readPipeline(processed, { ...given, ...ownWorkflows(entry, processed, given) }, pipeline, reading);
  const continued = await withContinuations(read, processed, entry, { files: given.files, reading });
  const isContinued = given.entryIs === 'bridge';
  // One that this configuration lacks may be of the next.
  if (continued.downstream.size === 0) checkNamed(entry, processed, given, { setup, reading });
  const value: Compiled = {
    pipeline: { ...continued.pipeline, ...(isContinued ? { whyEmpty: 'no workflow of it is to be run' } : {}) },
    config: processed.config,
    downstream: continued.downstream,
    originOf: (_, span) => ({ span }),
  };
  return { value, diagnostics: [...form, ...diagnostics.filter((one) => !form.some((other) => saysSame(one, other)))] };
}

/** Of a pipeline in two parts, a workflow that is named is one of either: the other part runs as it does without names. */
function ownWorkflows(root: MapNode, { workflows }: Processed, given: CompileInput): Pick<CompileInput, 'workflows'> {
  const named = given.workflows ?? [];
  if (given.entryIs !== 'bridge' && booleanOf(field(root, 'setup')?.value) !== true) return { workflows: named };
  return { workflows: named.filter((name) => workflows.some((workflow) => workflow.name === name)) };
}

/** Nothing, or everything, would run where a name is mistyped. */
function checkNamed(
  root: MapNode,
  { workflows }: Processed,
  given: CompileInput,
  { setup, reading }: { readonly setup: Setup; readonly reading: Reading },
): void {
  const known = [...setup.workflows, ...workflows.map(({ name }) => name)];
  const { wrongIs } = blameFor(given);
  const section = field(root, 'workflows');
  const place = section === undefined || 'blames' in wrongIs ? wrongIs : { span: section.keySpan };
  for (const name of given.workflows ?? []) {
    if (known.includes(name)) continue;
    const others = known.length === 0 ? undefined : `there is ${known.slice(0, 10).join(', ')}`;
    const hint = suggestion(reading, name, () => known) ?? others;
    const message = `there is no workflow \`${name}\``;
    const code = 'circle/unknown-workflow';
    reading.report({ code, severity: 'error', message, ...place, ...(hint === undefined ? {} : { hint }) });
  }
}

function nothingToRun(entry: Node, given: CompileInput, whyEmpty: string): Compiled {
  const workflow = { autoCancelOnJobFailure: 'none' } as const;
  return {
    pipeline: { file: given.file, stages: [], variables: [], workflow, jobs: [], incomplete: false, whyEmpty },
    config: entry,
    downstream: new Map(),
    originOf: (_, span) => ({ span }),
  };
}

/** That the second configuration of a pipeline does not take what the first one takes is the file's mistake. */
function blameFor({ entryIs, file }: CompileInput): Pick<StartedParameters, 'wrongIs'> {
  return { wrongIs: entryIs === 'bridge' ? { span: { file, start: 0, end: 0 } } : { blames: 'command-line' } };
}

const formCodes: ReadonlySet<string> = new Set([
  'circle/job',
  'circle/matrix',
  'circle/parameter',
  'circle/step',
  'circle/wrong-type',
]);

/** What the schema has named once is not told again. */
function saysSame({ code, span }: Diagnostic, { span: told }: Diagnostic): boolean {
  if (!formCodes.has(code) || span === undefined || told === undefined || span.file !== told.file) return false;
  return span.start < told.end && told.start < span.end;
}
