import type { Spanned } from '../../src/diagnostics/diagnostic.ts';
import type { Context, RepositoryQuery } from '../../src/model/context.ts';
import type {
  BridgeDefinition,
  JobDefinition,
  Need,
  Parallel,
  Pipeline,
  Rule,
  ScriptJobDefinition,
} from '../../src/model/pipeline.ts';
import type { Selection } from '../../src/model/plan.ts';
import type { Step } from '../../src/model/step.ts';
import type { Variable, VariableDefinition } from '../../src/model/variable.ts';

const file = '.ci.yml';
let offset = 0;

/** A span of its own for everything that is built, so that diagnostics can be told apart. */
export function span() {
  offset += 10;
  return { file, start: offset, end: offset + 5 };
}

function spanned<T>(value: T): Spanned<T> {
  return { value, span: span() };
}

type Written = Readonly<Record<string, string>>;

/** Variables as a file defines them. */
export function defined(written: Written): readonly VariableDefinition[] {
  return Object.entries(written).map(([name, value]) => ({ name, value, span: span() }));
}

/** Variables as a context holds them. */
export function given(written: Written, flags: Partial<Variable> = {}): readonly Variable[] {
  return Object.entries(written).map(([name, value]) => ({ name, value, ...flags }));
}

export interface RuleWords extends Omit<Partial<Rule>, 'if' | 'changes' | 'exists' | 'variables' | 'needs'> {
  readonly if?: string;
  readonly changes?: readonly string[];
  readonly compareTo?: string;
  readonly exists?: readonly string[];
  readonly variables?: Written;
  readonly needs?: readonly NeedWords[];
}

/** `build`, or a need with what differs from the default. */
export type NeedWords = string | (Partial<Need> & { readonly job: string });

function need(words: NeedWords): Need {
  const parts = typeof words === 'string' ? { job: words } : words;
  return { span: span(), artifacts: true, optional: false, ...parts };
}

export function rule(words: RuleWords): Rule {
  const { if: condition, changes, compareTo, exists, variables, needs, ...rest } = words;
  return {
    span: span(),
    ...rest,
    ...(condition === undefined ? {} : { if: spanned(condition) }),
    ...(changes
      ? { changes: { paths: changes, span: span(), ...(compareTo === undefined ? {} : { compareTo }) } }
      : {}),
    ...(exists ? { exists: { paths: exists, span: span() } } : {}),
    ...(variables ? { variables: defined(variables) } : {}),
    ...(needs ? { needs: needs.map(need) } : {}),
  };
}

type Shared = Omit<
  Partial<ScriptJobDefinition>,
  'kind' | 'stage' | 'rules' | 'needs' | 'variables' | 'dependencies' | 'parallel' | 'image'
>;

export interface JobWords extends Shared {
  readonly kind?: 'job' | 'bridge' | 'approval';
  readonly stage?: string;
  readonly rules?: readonly RuleWords[];
  readonly needs?: readonly NeedWords[];
  readonly variables?: Written;
  readonly dependencies?: readonly string[];
  readonly image?: string;
  /** A number, or matrix entries. */
  readonly parallel?: number | readonly Readonly<Record<string, readonly string[]>>[];
  /** Uploads artifacts. Default: true. */
  readonly uploads?: boolean;
}

const upload: Step = {
  kind: 'upload-artifacts',
  phase: 'finish',
  when: 'on_success',
  type: 'archive',
  paths: ['out'],
  exclude: [],
  untracked: false,
};

function parallel(words: NonNullable<JobWords['parallel']>): Parallel {
  if (typeof words === 'number') return { kind: 'count', count: words, span: span() };
  const entries = words.map((entry) => Object.entries(entry).map(([name, values]) => ({ name, values })));
  return { kind: 'matrix', entries, span: span() };
}

export function job(name: string, words: JobWords = {}): JobDefinition {
  const {
    kind = 'job',
    stage = 'test',
    rules,
    needs,
    variables = {},
    dependencies,
    image,
    parallel: legs,
    uploads = true,
    ...rest
  } = words;
  const common: Omit<ScriptJobDefinition, 'kind'> = {
    name,
    span: span(),
    stage: spanned(stage),
    when: 'on_success',
    inheritVariables: true,
    interruptible: false,
    services: [],
    steps: uploads ? [upload] : [],
    retry: { max: 0 },
    tags: [],
    ...rest,
    variables: defined(variables),
    ...(rules ? { rules: rules.map(rule) } : {}),
    ...(needs ? { needs: needs.map(need) } : {}),
    ...(dependencies ? { dependencies: dependencies.map(spanned) } : {}),
    ...(legs === undefined ? {} : { parallel: parallel(legs) }),
    ...(image === undefined ? {} : { image: { name: image, span: span() } }),
  };
  const forward = { yamlVariables: true, pipelineVariables: false };
  if (kind === 'bridge')
    return { ...common, kind, trigger: { kind: 'child', files: [], strategy: 'none', forward } } as BridgeDefinition;
  return { ...common, kind } as JobDefinition;
}

export interface PipelineWords extends Omit<Partial<Pipeline>, 'jobs' | 'workflow' | 'variables'> {
  readonly variables?: Written;
  readonly workflowRules?: readonly RuleWords[];
}

/** A pipeline with the stages `build`, `test`, `deploy`. */
export function pipeline(jobs: readonly JobDefinition[], words: PipelineWords = {}): Pipeline {
  const { variables = {}, workflowRules, stages = ['build', 'test', 'deploy'], ...rest } = words;
  return {
    file,
    incomplete: false,
    ...rest,
    stages: ['.pre', ...stages, '.post'],
    jobs,
    variables: defined(variables),
    workflow: { autoCancelOnJobFailure: 'none', ...(workflowRules ? { rules: workflowRules.map(rule) } : {}) },
  };
}

export interface ContextWords {
  readonly predefined?: Written;
  readonly project?: readonly Variable[];
  readonly pipeline?: readonly Variable[];
  readonly changed?: readonly string[] | undefined;
  readonly paths?: readonly string[];
  /** Names that `compare_to` may have. Default: any. */
  readonly revisions?: readonly string[];
  readonly query?: RepositoryQuery;
}

export function context(words: ContextWords = {}): Context {
  const { predefined = { CI_COMMIT_BRANCH: 'main' }, project = [], pipeline: own = [], paths = [] } = words;
  return {
    source: 'push',
    git: {
      real: true,
      topLevel: '/project',
      sha: 'a'.repeat(40),
      shortSha: 'a'.repeat(8),
      beforeSha: 'b'.repeat(40),
      branch: 'main',
      defaultBranch: 'main',
      message: 'Message',
      author: 'Ann <ann@example.com>',
      timestamp: '2024-01-01T00:00:00Z',
    },
    project: { root: '/project', path: 'group/project', name: 'project', namespace: 'group' },
    predefined: given(predefined, { raw: true }),
    projectVariables: project,
    pipelineVariables: own,
    query: words.query ?? {
      changedPaths: () => words.changed,
      knowsRevision: (name) => words.revisions?.includes(name) ?? true,
      paths: () => paths,
    },
  };
}

export function selection(words: Partial<Selection> = {}): Selection {
  return {
    selectors: [],
    stages: [],
    withNeeds: true,
    manual: [],
    executor: 'auto',
    defaultTimeoutMs: 3_600_000,
    ...words,
  };
}
