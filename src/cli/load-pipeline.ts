import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildContext } from '../context/build-context.ts';
import { type AnsweredGit, askFactsAhead } from '../context/gather-git-facts.ts';
import { lazyContext } from '../context/lazy-context.ts';
import { projectCheckouts } from '../context/project-checkouts.ts';
import { type Diagnostic, hasErrors } from '../diagnostics/diagnostic.ts';
import type { Sources } from '../diagnostics/locate.ts';
import { compileParsed, parseFile } from '../dialects/compile-file.ts';
import type { Compiled, CompileInput, Dialect } from '../dialects/dialect.ts';
import { dialectNamed, recogniseDialect } from '../dialects/index.ts';
import type { Context, VariableSets } from '../model/context.ts';
import type { FileLoader } from '../model/ports.ts';
import { fileLoader } from '../sources/file-loader.ts';
import type { FetchPolicy } from '../sources/include-access.ts';
import type { IncludeLock } from '../sources/include-lock.ts';
import { rememberTexts } from '../sources/remember-texts.ts';
import { gitTogether } from '../util/git.ts';
import { CommandError, exitCodes } from './exit-code.ts';
import { type GivenVariables, readGivenVariables } from './given-variables.ts';
import { includesFromElsewhere } from './include-access.ts';
import { readInputArguments } from './input-arguments.ts';
import type { Invocation } from './invocation.ts';
import { findLocations, type Locations } from './locations.ts';
import { readProjectFlags } from './mapped-projects.ts';
import type { EventOptions, FileOptions } from './options.ts';
import { displayPath, findPipelineFile, type PipelineFile } from './pipeline-file.ts';
import { projectSources } from './project-sources.ts';
import { loadSettings, type Settings } from './settings.ts';

/** Where the pipeline file is, and the settings that hold for it. */
export interface FoundPipeline {
  readonly file: PipelineFile;
  readonly settings: Settings;
  readonly locations: Locations;
}

/** A pipeline file read and compiled, with all that was found wrong. */
export interface LoadedPipeline extends FoundPipeline {
  /** As messages show it. */
  readonly name: string;
  readonly context: Context;
  readonly dialect: Dialect;
  /** What the file may include. */
  readonly files: FileLoader;
  readonly limits: NonNullable<CompileInput['limits']>;
  /** What was given on the command line and counts for what goes on with it, too. */
  readonly given: Pick<CompileInput, 'parameters' | 'workflows' | 'platform' | 'arch'>;
  /** Undefined when the file is too broken to say anything about it. */
  readonly compiled: Compiled | undefined;
  /** Texts of the files that diagnostics name. */
  readonly sources: Sources;
  readonly diagnostics: readonly Diagnostic[];
  /** What of other machines was read, for a lock file. */
  readonly includesUsed: IncludeLock;
  /** What of other machines was asked for in vain, and may be done without. */
  readonly includesMissing: readonly { readonly name: string; readonly why: string }[];
  /** Remarks on the surroundings: no repository, unknown settings. */
  readonly notices: readonly string[];
}

/** Options of all commands that read a pipeline; without an event's it is a push of the current branch. */
export type LoadOptions = FileOptions & Partial<EventOptions>;

/**
 * Finds the pipeline file and reads the settings; starts nothing.
 * @throws CommandError exit 3 when there is no file, exit 2 for settings that are wrong.
 */
export async function findPipeline(invocation: Invocation, { file: given }: FileOptions): Promise<FoundPipeline> {
  const file = findPipelineFile(invocation.cwd, given);
  const locations = findLocations(invocation.env);
  return { file, locations, settings: await loadSettings(locations, file.root, invocation.env) };
}

interface More {
  readonly facts?: 'gathered' | 'when wanted';
  readonly remarks?: 'all';
  /** When servers are asked for included files; default: never. */
  readonly fetch?: FetchPolicy;
  readonly found?: FoundPipeline;
  /** Answers of `askFactsAhead`, which are on their way. */
  readonly answers?: Promise<AnsweredGit> | undefined;
}

/**
 * Reads and compiles the pipeline file, which it finds first unless it is given. Starts `git`, nothing else.
 * @param more.facts `when wanted`: facts of the repository are only looked up for a file that depends on them; then there
 * are no notices of them, and options of events count for nothing.
 * @param more.remarks see CompileInput.
 * @throws CommandError exit 3 when there is no file, exit 2 when options contradict each other.
 */
export async function loadPipeline(
  invocation: Invocation,
  options: LoadOptions,
  more: More = {},
): Promise<LoadedPipeline> {
  const found = more.found ?? (await findPipeline(invocation, options));
  const { file, settings } = found;
  const name = displayPath(file.root, file.path);
  const answers =
    more.facts === 'when wanted' ? undefined : (more.answers ?? askFactsAhead(file.root, gitTogether(invocation.env)));
  const dialect = await dialectNamed(options.dialect ?? recogniseDialect(name));
  // While git answers.
  const parsed = parseFile(dialect, name, readFileSync(file.path, 'utf8'));
  const given = readGivenVariables(invocation, options, settings.variables);
  const { context, projects, elsewhere, notices } = await lookAround(
    invocation,
    options,
    { ...more, answers },
    { found, name, given },
  );
  const { files, textOf } = rememberTexts(
    fileLoader({ root: file.root, env: invocation.env, projects, elsewhere: elsewhere.open }),
  );
  const limits = pick(settings.options as { readonly maxIncludes?: number }, ['maxIncludes']);
  const inputs = readInputArguments(options.input ?? []);
  const handedOn = {
    platform: process.platform,
    arch: process.arch,
    parameters: readParameters(options.param ?? []),
    workflows: options.workflow ?? [],
  };
  const compiled = await compileParsed(dialect, parsed, {
    ...{ file: name, context, files, limits, ...handedOn },
    ...pick(more, ['remarks']),
    ...(inputs === undefined ? {} : { inputs }),
  });
  const onDisk = projectSources(file.root);
  return {
    ...{ ...found, name, dialect, files, limits, given: handedOn },
    context,
    compiled: compiled.value,
    sources: (path) => textOf(path) ?? onDisk(path),
    diagnostics: compiled.diagnostics,
    includesUsed: elsewhere.used(),
    includesMissing: elsewhere.missing,
    notices: [...settings.warnings, ...given.warnings, ...notices, ...elsewhere.notices],
  };
}

/** What the pipeline depends on besides its file; of other machines nothing is read before somebody asks for it. */
async function lookAround(
  invocation: Invocation,
  options: LoadOptions,
  { facts, fetch, answers }: More,
  { found, name, given }: { readonly found: FoundPipeline; readonly name: string; readonly given: GivenVariables },
) {
  const { root } = found.file;
  let context: Context | undefined;
  const elsewhere = includesFromElsewhere(invocation, {
    ...found,
    root,
    policy: fetch ?? 'never',
    allowPrivateIncludes: options.allowPrivateIncludes,
    remoteUrl: () => context!.git.remoteUrl,
  });
  const projects = projectCheckouts({
    mapped: new Map([...found.settings.projects, ...readProjectFlags(invocation.cwd, options.project ?? [])]),
    own: () => context!.project,
    env: invocation.env,
    elsewhere: elsewhere.paths,
  });
  const surroundings = {
    root,
    configPath: name,
    env: invocation.env,
    nowMs: Date.now(),
    version: invocation.version,
    projectVariables: given.project,
    pipelineVariables: given.pipeline,
    projects,
    variableSets: await readContexts(found),
  };
  const event = pick(options, ['event', 'branch', 'tag', 'targetBranch', 'changedSince']);
  const built =
    facts === 'when wanted'
      ? { kind: 'context' as const, context: lazyContext(surroundings), notices: [] }
      : buildContext({ ...surroundings, ...event, answered: await answers });
  if (built.kind === 'usage-error') throw new CommandError(exitCodes.usage, built.message, built.hint);
  context = built.context;
  return { context, projects, elsewhere, notices: built.notices };
}

/** CircleCI's contexts, as the user's settings have them. */
async function readContexts({ settings, locations }: FoundPipeline): Promise<VariableSets> {
  const definedIn = join(locations.config, 'config.toml');
  if (settings.contexts === undefined) return { definedIn, get: () => undefined };
  const { variableSets } = await import('./variable-sets.ts');
  return variableSets(settings.contexts, definedIn);
}

/** `--param NAME=VALUE`, by name. */
function readParameters(given: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    given.map((text) => {
      const split = text.indexOf('=');
      if (split > 0) return [text.slice(0, split), text.slice(split + 1)];
      throw new CommandError(exitCodes.usage, `--param ${text} is no NAME=VALUE`);
    }),
  );
}

/** True if the pipeline can be worked with. */
export function isValid(loaded: LoadedPipeline): loaded is LoadedPipeline & { readonly compiled: Compiled } {
  return loaded.compiled !== undefined && !hasErrors(loaded.diagnostics);
}

function pick<T extends object, K extends keyof T>(from: T, names: readonly K[]): { [P in K]?: NonNullable<T[P]> } {
  const picked: { [P in K]?: NonNullable<T[P]> } = {};
  for (const name of names) {
    const value = from[name];
    if (value !== undefined && value !== null) picked[name] = value as NonNullable<T[K]>;
  }
  return picked;
}
