import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildContext } from '../../context/build-context.ts';
import { projectCheckouts } from '../../context/project-checkouts.ts';
import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { compileFile } from '../../dialects/compile-file.ts';
import type { Compiled, CompileInput, Dialect } from '../../dialects/dialect.ts';
import { dialectNamed, recogniseDialect } from '../../dialects/index.ts';
import type { Context } from '../../model/context.ts';
import type { FileLoader } from '../../model/ports.ts';
import { fileLoader } from '../../sources/file-loader.ts';
import type { FetchPolicy } from '../../sources/include-access.ts';
import { rememberTexts } from '../../sources/remember-texts.ts';
import type { Node } from '../../syntax/node.ts';
import { includesFromElsewhere } from '../include-access.ts';
import type { Invocation } from '../invocation.ts';
import type { LoadedPipeline } from '../load-pipeline.ts';
import { type MappedProjects, readProjectFlags } from '../mapped-projects.ts';
import { projectSources } from '../project-sources.ts';
import { loadSettings } from '../settings.ts';

/** Another project on this machine, its pipeline file compiled. */
export interface OpenedProject {
  /** Absolute path. */
  readonly root: string;
  /** The pipeline file, relative to `root`. */
  readonly name: string;
  readonly dialect: Dialect;
  readonly context: Context;
  readonly compiled: Compiled | undefined;
  readonly files: FileLoader;
  readonly sources: (file: string) => string | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** How a pipeline of another project is wanted. */
export interface ProjectRequest {
  /** Absolute path of the folder that holds the project. */
  readonly directory: string;
  /** `group/name` */
  readonly project: string;
  /** Absent: the one that is checked out. */
  readonly branch?: string;
  readonly inputs?: Node;
  /** Makes the context of the pipeline from that of a pipeline that somebody starts by hand. */
  readonly within: (context: Context) => Context;
  readonly limits: NonNullable<CompileInput['limits']>;
}

/** Undefined: the folder holds no pipeline file. */
export type OpenProject = (request: ProjectRequest) => Promise<OpenedProject | undefined>;

/** GitLab's own name first: the others are what this program reads besides. */
const fileNames = ['.gitlab-ci.yml', '.ci.yml', '.ci.yaml'];

/** Opens other projects as if `ci` was called there, with the same mapping of projects to folders. */
export function projectOpener(
  invocation: Invocation,
  { locations, settings }: LoadedPipeline,
  given: { readonly flags: readonly string[]; readonly policy: FetchPolicy },
): OpenProject {
  const mapped: MappedProjects = new Map([...settings.projects, ...readProjectFlags(invocation.cwd, given.flags)]);
  const { env, version } = invocation;
  return async ({ directory: root, project, branch, inputs, within, limits }) => {
    const name = fileNames.find((each) => existsSync(join(root, each)));
    if (name === undefined) return undefined;
    const own = await loadSettings(locations, root, env);
    const projects = projectCheckouts({ mapped, own: () => ({ path: project, root }), env });
    const built = buildContext({
      ...{ root, configPath: name, env, nowMs: Date.now(), version, projects, projectPath: project, event: 'api' },
      projectVariables: Object.entries(own.variables).map(([key, value]) => ({ name: key, value })),
      ...(branch === undefined ? {} : { branch }),
    });
    if (built.kind === 'usage-error') throw new Error(built.message);
    const context = within(built.context);
    const { policy } = given;
    const remoteUrl = (): string | undefined => context.git.remoteUrl;
    const elsewhere = includesFromElsewhere(invocation, { policy, root, settings: own, locations, remoteUrl });
    const { files, textOf } = rememberTexts(fileLoader({ root, env, projects, elsewhere: elsewhere.open }));
    const dialect = await dialectNamed(recogniseDialect(name));
    const input = {
      file: name,
      context,
      files,
      limits,
      ...(inputs ? { inputs: { kind: 'node', node: inputs } as const } : {}),
    };
    const { value, diagnostics } = await compileFile(dialect, readFileSync(join(root, name), 'utf8'), input);
    const onDisk = projectSources(root);
    const sources = (file: string): string | undefined => textOf(file) ?? onDisk(file);
    return { root, name, dialect, context, compiled: value, files, sources, diagnostics };
  };
}
