import { variableLookup } from '../../expressions/merge-variables.ts';
import type { Pipeline } from '../../model/pipeline.ts';
import type { VariableDefinition } from '../../model/variable.ts';
import { type MapEntry, type MapNode, withoutKeys } from '../../syntax/node.ts';
import type { Compiled, CompileInput, Downstream } from '../dialect.ts';
import { checkOnStop } from './check-on-stop.ts';
import { applyDefaults, readDefaults, readInherit } from './defaults.ts';
import { checkJobName, splitTopLevel } from './job-names.ts';
import { take } from './keyword.ts';
import { globalDefaultKeys } from './keywords/default.ts';
import { defaultStages, stages } from './keywords/stages.ts';
import { variables } from './keywords/variables.ts';
import { workflow } from './keywords/workflow.ts';
import { readJob } from './read-job.ts';
import { invalidValue, type Reading } from './reading.ts';
import type { AssumedRefs } from './ref-policy.ts';
import { field, kindOf } from './values.ts';
import type { Vocabulary } from './vocabulary.ts';

const mergedIntoJobs: ReadonlySet<string> = new Set([...globalDefaultKeys, 'default', 'spec', 'include']);

/** The pipeline and the file that it is made from. */
export type ReadPipeline = Omit<Compiled, 'originOf'>;

/** Makes the pipeline of a file whose includes, `extends` and references are resolved. */
export function readPipeline(
  root: MapNode,
  given: CompileInput,
  vocabulary: Vocabulary,
  reading: Reading,
): ReadPipeline {
  const { global, jobs: entries } = splitTopLevel(root, reading);
  const defaults = readDefaults(global, reading);
  const globalVariables = take(global, variables, reading) ?? [];
  const refs = assumedRefs(global, vocabulary);
  const jobs = readJobs(entries, defaults, { given, vocabulary, reading, globalVariables, refs });
  checkOnStop(
    jobs.map(({ definition }) => definition),
    reading,
  );
  const settings = take(global, workflow, reading);
  const { name, ...workflowSettings } = settings ?? { autoCancelOnJobFailure: 'none' as const };
  if (entries.length === 0) reportNoJobs(given, root, reading);
  const pipeline: Pipeline = {
    file: given.file,
    stages: ['.pre', ...(take(global, stages, reading) ?? defaultStages), '.post'],
    variables: globalVariables,
    workflow: workflowSettings,
    jobs: jobs.map(({ definition }) => definition),
    incomplete: reading.incomplete,
    ...(name === undefined ? {} : { name }),
  };
  const config = new Map(withoutKeys(global, mergedIntoJobs).entries);
  for (const { entry } of jobs) config.set(entry.key, entry);
  return { pipeline, config: { ...root, entries: config }, downstream: readDownstream(jobs) };
}

/** What bridges say about the pipelines that they start. */
function readDownstream(jobs: readonly ReadJob[]): ReadonlyMap<string, Downstream> {
  const found = new Map<string, Downstream>();
  for (const { entry, definition } of jobs) {
    const trigger = definition.kind === 'bridge' ? field(entry.value, 'trigger')?.value : undefined;
    if (trigger === undefined) continue;
    const include = field(trigger, 'include');
    const inputs = field(trigger, 'inputs')?.value;
    const content: MapNode | undefined = include && {
      kind: 'map',
      entries: new Map([['include', include]]),
      span: include.value.span,
    };
    found.set(definition.name, { ...(content ? { content } : {}), ...(inputs ? { inputs } : {}) });
  }
  return found;
}

interface JobSurroundings {
  readonly given: CompileInput;
  readonly vocabulary: Vocabulary;
  readonly reading: Reading;
  readonly globalVariables: readonly VariableDefinition[];
  readonly refs: AssumedRefs;
}

/** `workflow:rules` takes the place of what is assumed. Source: lib/gitlab/ci/config/entry/processable.rb (`compose!`) */
function assumedRefs(global: MapNode, { defaultRefs }: Vocabulary): AssumedRefs {
  if (defaultRefs === undefined) return {};
  const settings = field(global, 'workflow');
  const hasRules = settings !== undefined && field(settings.value, 'rules') !== undefined;
  return { withOnly: defaultRefs, ...(hasRules ? {} : { withoutOnly: defaultRefs }) };
}

interface ReadJob {
  readonly entry: MapEntry;
  readonly definition: Pipeline['jobs'][number];
}

function readJobs(
  entries: readonly MapEntry[],
  defaults: ReadonlyMap<string, MapEntry>,
  { given, vocabulary, reading, globalVariables, refs }: JobSurroundings,
): readonly ReadJob[] {
  return entries.flatMap((entry) => {
    checkJobName(entry, reading);
    if (entry.value.kind === 'reference') return [];
    if (entry.value.kind === 'scalar' && entry.value.value === null) {
      const empty: MapNode = { kind: 'map', entries: new Map(), span: entry.value.span };
      return [readOne({ ...entry, value: empty }, empty)];
    }
    if (entry.value.kind !== 'map') {
      const hint = 'jobs are maps; start the name with a dot to keep other things';
      invalidValue(reading, entry.keySpan, `the job \`${entry.key}\` must be a map, not ${kindOf(entry.value)}`, hint);
      return [];
    }
    const node = applyDefaults(entry.value, defaults, readInherit(entry.value, reading).default);
    return [readOne({ ...entry, value: node }, node)];
  });

  function readOne(entry: MapEntry, node: MapNode): ReadJob {
    const variable = (name: string): string | undefined => {
      const { predefined, projectVariables, pipelineVariables } = given.context;
      const own = take(node, variables, reading) ?? [];
      return variableLookup(predefined, globalVariables, own, projectVariables, pipelineVariables)(name);
    };
    const definition = readJob(entry, { name: entry.key, node, reading, variable }, vocabulary, refs);
    return { entry, definition };
  }
}

function reportNoJobs(given: CompileInput, root: MapNode, reading: Reading): void {
  // A child pipeline whose file is missing: that is enough to know.
  if (given.entryIs === 'bridge' && reading.incomplete) return;
  const { start } = root.span;
  reading.report({
    code: 'gitlab/no-jobs',
    severity: reading.incomplete ? 'warning' : 'error',
    message: `\`${given.file}\` has no visible job`,
    span: { file: root.span.file, start, end: Math.max(start + 1, Math.min(root.span.end, start + 1)) },
    hint: 'names that start with a dot are templates',
  });
}
