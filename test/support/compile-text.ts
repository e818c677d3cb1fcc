import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { compileFile } from '../../src/dialects/compile-file.ts';
import type { Compiled } from '../../src/dialects/dialect.ts';
import { dialectNamed, recogniseDialect } from '../../src/dialects/index.ts';
import type { Context, PipelineSource } from '../../src/model/context.ts';
import type { JobDefinition, ScriptJobDefinition } from '../../src/model/pipeline.ts';
import type { FileLoader } from '../../src/model/ports.ts';
import type { Variable } from '../../src/model/variable.ts';
import { matchWildcardPath } from '../../src/sources/wildcard-path.ts';

/** Values, or values with flags. */
type GivenVariables = Readonly<Record<string, string | Omit<Variable, 'name'>>>;

/** What a test may say about the surroundings of a file. */
export interface Surroundings {
  /** Name of the entry file; decides the dialect. Default: `.gitlab-ci.yml`. */
  readonly file?: string;
  /** Other files of the project: path → text. */
  readonly files?: Readonly<Record<string, string>>;
  readonly loader?: FileLoader;
  readonly maxIncludes?: number;
  readonly variables?: Readonly<Record<string, string>>;
  readonly changed?: readonly string[];
  /** Names that `compare_to` may have. Default: any. */
  readonly revisions?: readonly string[];
  /** What the pipeline is for. Default: a push to `main`. */
  readonly source?: PipelineSource;
  readonly git?: { readonly branch?: string; readonly tag?: string };
  /** Other projects on this machine: `group/name` → ref (`''`: the working tree) → paths. */
  readonly projects?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  readonly projectVariables?: GivenVariables;
  readonly pipelineVariables?: GivenVariables;
  readonly remarks?: 'all';
  /** As from `--input`. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** As from `--workflow`. */
  readonly workflows?: readonly string[];
}

export interface CompiledText {
  readonly compiled: Compiled | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** `severity code`, in the order they were told. */
  readonly codes: readonly string[];
  readonly jobs: readonly JobDefinition[];
  /** The job of a name, which must be one with a script. */
  readonly job: (name: string) => ScriptJobDefinition;
  /** The part of the source text that a diagnostic points at. */
  readonly pointedAt: (code: string) => string | undefined;
}

/** A context that comes from nowhere, for tests of what does not ask for it. */
export function testContext(surroundings: Surroundings = {}): Context {
  const predefined: readonly Variable[] = Object.entries({
    CI_PIPELINE_SOURCE: 'push',
    CI_COMMIT_BRANCH: 'main',
    CI_PROJECT_PATH: 'group/project',
    CI_SERVER_FQDN: 'gitlab.example.org',
    CI_SERVER_HOST: 'gitlab.example.org',
    ...surroundings.variables,
  }).map(([name, value]) => ({ name, value }));
  const { git = { branch: 'main' }, projects } = surroundings;
  return {
    source: surroundings.source ?? 'push',
    git: {
      real: false,
      topLevel: '/project',
      sha: '0'.repeat(40),
      shortSha: '0'.repeat(8),
      beforeSha: '0'.repeat(40),
      ...git,
      defaultBranch: 'main',
      message: 'message',
      author: 'A <a@example.org>',
      timestamp: '2026-01-01T00:00:00Z',
    },
    project: { root: '/project', path: 'group/project', name: 'project', namespace: 'group' },
    predefined,
    projectVariables: named(surroundings.projectVariables),
    pipelineVariables: named(surroundings.pipelineVariables),
    query: {
      changedPaths: () => surroundings.changed,
      knowsRevision: (name) => surroundings.revisions?.includes(name) ?? true,
      paths: () => Object.keys(surroundings.files ?? {}),
    },
    ...(projects
      ? {
          projects: {
            directory: (name) => (projects[name] ? `/projects/${name}` : undefined),
            paths: (name, ref = '') => projects[name]?.[ref],
          },
        }
      : {}),
  };
}

function named(written: GivenVariables = {}): readonly Variable[] {
  return Object.entries(written).map(([name, value]) => ({ name, ...(typeof value === 'string' ? { value } : value) }));
}

/** Compiles a text as the entry file of a project that exists in memory only. */
export async function compileText(text: string, surroundings: Surroundings = {}): Promise<CompiledText> {
  const { file = '.gitlab-ci.yml', files = {} } = surroundings;
  const loader: FileLoader = surroundings.loader ?? {
    local: async (pattern) => ({
      value: Object.entries(files)
        .filter(([path]) => matchWildcardPath(pattern.replace(/^\//, ''), path))
        .map(([path, content]) => ({ path, text: content })),
      diagnostics: [],
    }),
    foreign: async () => ({
      value: undefined,
      diagnostics: [{ code: 'gitlab/include-not-read', severity: 'warning', message: 'it lies elsewhere' }],
    }),
  };
  const dialect = await dialectNamed(recogniseDialect(file));
  const { value, diagnostics } = await compileFile(dialect, text, {
    file,
    files: loader,
    context: testContext(surroundings),
    ...(surroundings.maxIncludes === undefined ? {} : { limits: { maxIncludes: surroundings.maxIncludes } }),
    ...(surroundings.remarks ? { remarks: surroundings.remarks } : {}),
    ...(surroundings.inputs ? { inputs: { kind: 'texts', texts: new Map(Object.entries(surroundings.inputs)) } } : {}),
    ...(surroundings.workflows ? { workflows: surroundings.workflows } : {}),
  });
  const jobs = value?.pipeline.jobs ?? [];
  return {
    compiled: value,
    diagnostics,
    codes: diagnostics.map(({ severity, code }) => `${severity} ${code}`),
    jobs,
    job: (name) => {
      const job = jobs.find((candidate) => candidate.name === name);
      if (job?.kind !== 'job') throw new Error(`no job ${name}`);
      return job;
    },
    pointedAt: (code) => {
      const span = diagnostics.find((diagnostic) => diagnostic.code === code)?.span;
      const source = span?.file === file ? text : span && files[span.file];
      return span && source?.slice(span.start, span.end);
    },
  };
}
