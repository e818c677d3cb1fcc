import type { Session } from '../executors/executor.ts';
import { expandVariables } from '../expressions/expand-variables.ts';
import { uniqueVariables } from '../expressions/merge-variables.ts';
import type { JobSpec } from '../model/job-spec.ts';
import type { FactVariable, Variable } from '../model/variable.ts';
import { once } from '../util/once.ts';
import { haltFile, testTimingsFile } from './fact-files.ts';

/** What the program tells jobs about itself (`CI_RUNNER_*`). */
export interface RunnerFacts {
  readonly name: string;
  readonly version: string;
  readonly revision: string;
  /** `linux/amd64`. */
  readonly platform: string;
  /** `CI_RUNNER_SHORT_TOKEN`, where there is one. */
  readonly shortToken?: string;
}

/** Where the job runs; known once its session is open. */
export type Place = Pick<Session, 'directory' | 'temporaryDirectory' | 'home'>;

/** A variable whose value the job finds in a file. */
export interface FileVariable {
  readonly name: string;
  /** Absolute, inside the session. */
  readonly path: string;
  readonly content: string;
}

/** The variables of one try of a job, expanded once as a runner does it. */
export interface JobVariables {
  /** Each name once; file variables hold their path. */
  readonly all: readonly Variable[];
  readonly files: readonly FileVariable[];
  get(name: string): string | undefined;
  /** Replaces `$NAME` in a text of the job's; unknown names become empty. */
  expand(text: string): string;
  /** The environment for a command; later variables win and are expanded too. */
  env(further?: readonly Variable[]): Readonly<Record<string, string>>;
}

/** What the variables of a job are made of: the job itself, the runner, and where it runs. */
export interface VariableInput {
  readonly spec: JobSpec;
  readonly runner: RunnerFacts;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly concurrentId: number;
  /** Among the jobs of one project; absent: all are. */
  readonly concurrentProjectId?: number;
  /** Absent while the session is not open yet: its directories are not known then. */
  readonly place?: Place;
}

/**
 * Runner-made variables around the job's own, worked out when they are first wanted. Where the job lies (`CI_PROJECT_DIR`, `CI_BUILDS_DIR`) can't be
 * overridden: nothing else would be true.
 */
export function jobVariables(input: VariableInput): JobVariables {
  const { spec, place } = input;
  const written = once(() => uniqueVariables(runnerDefaults(input), spec.variables, runnerFacts(input)));
  const pathOf = (name: string): string => `${place?.temporaryDirectory ?? ''}/${name}`;
  // Most values refer to nothing.
  const given = once(() => new Map(written().map(({ name, file, value }) => [name, file ? pathOf(name) : value])));
  const options = { shell: spec.facts === undefined ? 'empty' : 'keep' } as const;
  const expandedValue = ({ name: own, value, raw }: Variable, lookup: () => ReadonlyMap<string, string>): string => {
    if (raw) return value;
    // A reference to itself stays, as it does on the server.
    return expandVariables(value, (name, text) => (name === own ? text : lookup().get(name)), options);
  };
  const resolve = (variable: Variable, lookup: () => ReadonlyMap<string, string>): string =>
    variable.file ? pathOf(variable.name) : expandedValue(variable, lookup);
  const all = once(() =>
    written().map((variable) =>
      variable.raw && !variable.file ? variable : { ...variable, value: resolve(variable, given), raw: true },
    ),
  );
  const values = once(() => {
    const byName = new Map<string, string>();
    for (const { name, value } of all()) byName.set(name, value);
    return byName;
  });
  const fileOf = (variable: Variable): FileVariable => {
    const { name, value } = variable;
    // What people keep in files of their own stays as it is; a server's is expanded, as GitLab Runner does it.
    return {
      name,
      path: pathOf(name),
      content: spec.source.kind === 'repository' ? expandedValue(variable, given) : value,
    };
  };
  return {
    get all() {
      return all();
    },
    get files() {
      return written()
        .filter(({ file }) => file)
        .map(fileOf);
    },
    get: (name) => values().get(name),
    expand: (text) => expandVariables(text, (name) => values().get(name), options),
    env(further = []) {
      const env: Record<string, string> = {};
      for (const { name, value } of all()) env[name] = value;
      for (const variable of further) env[variable.name] = resolve(variable, values);
      return env;
    },
  };
}

/** Values that must not show: masked variables, as written and as expanded. */
export function maskedValues(spec: JobSpec, variables: JobVariables): readonly string[] {
  const masked = spec.variables.filter((variable) => variable.masked);
  if (masked.length === 0) return [];
  const names = new Set(masked.map(({ name }) => name));
  const expanded = variables.all.filter(({ name, file }) => names.has(name) && !file);
  const contents = variables.files.filter(({ name }) => names.has(name)).map(({ content }) => content);
  return [...[...masked, ...expanded].map(({ value }) => value), ...contents];
}

/** A job's variable of the same name wins over these. */
function runnerDefaults(input: VariableInput): readonly Variable[] {
  const { spec, runner, concurrentId, concurrentProjectId = concurrentId, place } = input;
  if (spec.facts !== undefined) return place?.home === undefined ? [] : [literal('HOME', place.home)];
  return [
    ...(spec.image === undefined ? [] : [{ name: 'CI_JOB_IMAGE', value: spec.image.name }]),
    ...(runner.shortToken === undefined ? [] : [literal('CI_RUNNER_SHORT_TOKEN', runner.shortToken)]),
    literal('CI_RUNNER_DESCRIPTION', runner.name),
    literal('CI_CONCURRENT_ID', String(concurrentId)),
    literal('CI_CONCURRENT_PROJECT_ID', String(concurrentProjectId)),
    literal('CI_SERVER', 'yes'),
    literal('CI_JOB_TIMEOUT', String(Math.round(spec.timeoutMs / 1000))),
  ];
}

/** These win over the job's own. */
function runnerFacts({ spec, runner, startedAt, place }: VariableInput): readonly Variable[] {
  if (spec.facts !== undefined) return place === undefined ? [] : toldPlace(spec, spec.facts, place);
  const startedAtText = new Date(startedAt).toISOString().replace(/\.\d+Z$/, 'Z');
  return [
    ...(place === undefined ? [] : placeVariables(spec, place)),
    ...statusVariables(spec, 'running'),
    // The server's own is the better one.
    ...(isTold(spec, 'CI_JOB_STARTED_AT') ? [] : [literal('CI_JOB_STARTED_AT', startedAtText)]),
    literal(spec.executor === 'docker' ? 'CI_DISPOSABLE_ENVIRONMENT' : 'CI_SHARED_ENVIRONMENT', 'true'),
    literal('CI_RUNNER_VERSION', runner.version),
    literal('CI_RUNNER_REVISION', runner.revision),
    literal('CI_RUNNER_EXECUTABLE_ARCH', runner.platform),
  ];
}

function isTold({ source, variables }: JobSpec, name: string): boolean {
  return source.kind === 'repository' && variables.some((variable) => variable.name === name && variable.value !== '');
}

/** How the job stands, for a script that is about to run. */
export function statusVariables({ facts }: Pick<JobSpec, 'facts'>, status: string): readonly Variable[] {
  return facts === undefined ? [literal('CI_JOB_STATUS', status)] : [];
}

function toldPlace(spec: JobSpec, facts: readonly FactVariable[], place: Place): readonly Variable[] {
  const { directory, temporaryDirectory } = place;
  const isAsWritten = spec.directory?.startsWith('~') && spec.source.kind !== 'in-place';
  const told: Readonly<Record<Exclude<FactVariable['fact'], 'number'>, string>> = {
    // As the file writes it, which stays true wherever the home is; as it is, where the place is another one.
    directory: isAsWritten ? spec.directory! : directory,
    temporary: temporaryDirectory,
    'halt-file': haltFile(temporaryDirectory),
    'test-timings-file': testTimingsFile(temporaryDirectory),
  };
  return facts.flatMap(({ name, fact }) => (fact === 'number' ? [] : [literal(name, told[fact])]));
}

function placeVariables(spec: JobSpec, { directory, temporaryDirectory }: Place): readonly Variable[] {
  const below = `/${spec.projectPath}`;
  const builds = directory.endsWith(below) ? directory.slice(0, -below.length) : directory.replace(/\/[^/]*$/, '');
  return [
    literal('CI_PROJECT_DIR', directory),
    literal('CI_BUILDS_DIR', builds === '' ? '/' : builds),
    literal('RUNNER_TEMP_PROJECT_DIR', temporaryDirectory),
    literal('GITLAB_ENV', `${temporaryDirectory}/gitlab_runner_env`),
  ];
}

const literal = (name: string, value: string): Variable => ({ name, value, raw: true });
