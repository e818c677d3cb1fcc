import type { Checked, Diagnostic } from '../diagnostics/diagnostic.ts';
import type { FileOrigin, ForeignFile, LoadedFile, ProjectCheckouts } from '../model/included-file.ts';
import type { FileLoader } from '../model/ports.ts';
import type { Environment } from '../util/git.ts';
import { badAddress, parseComponentAddress, readComponent } from './component.ts';
import type { FoundFiles } from './include-path.ts';
import { readLocalFiles } from './local-files.ts';
import { mappedProject } from './mapped-project.ts';
import type { ProjectRepository } from './project-repository.ts';

/** Where included files come from. */
export interface FileSources {
  /** Absolute path of the project's root. */
  readonly root: string;
  /** As `process.env` has it; for git. */
  readonly env: Environment;
  /** Other projects that lie on this machine. */
  readonly projects?: ProjectCheckouts;
}

/** Gives the repository of a project; undefined: it is not known where that lies. */
type FindRepository = (project: string, host?: string) => ProjectRepository | undefined;

/** Where GitLab's templates lie in GitLab's own project. */
const templates = { project: 'gitlab-org/gitlab', host: 'gitlab.com', folder: 'lib/gitlab/ci/templates' };

/** The loader of a pipeline's included files. Files are read when they are asked for; what is where is looked up once. */
export function fileLoader(sources: FileSources): FileLoader {
  const repositories = new Map<string, ProjectRepository | undefined>();
  const find: FindRepository = (project, host) => {
    const key = `${host ?? ''}/${project}`;
    if (!repositories.has(key)) repositories.set(key, repositoryOf(sources, project, host));
    return repositories.get(key);
  };
  return {
    local: (pattern, origin = { kind: 'own' }) => {
      switch (origin.kind) {
        case 'own':
          return readLocalFiles(sources.root, pattern);
        case 'project':
          return localOf(find, origin, pattern);
        case 'nowhere':
          return Promise.resolve({ value: undefined, diagnostics: [withoutProject(pattern)] });
      }
    },
    foreign: (file) => foreign(find, file),
  };
}

async function localOf(
  find: FindRepository,
  origin: Extract<FileOrigin, { readonly kind: 'project' }>,
  pattern: string,
): Promise<FoundFiles> {
  const repository = find(origin.project, origin.host);
  if (repository === undefined) return notRead(`project ${origin.project}: ${pattern}`);
  const { value: tree, diagnostics } = await repository.tree(origin.ref);
  if (tree === undefined) return { value: undefined, diagnostics };
  const found = await tree.files(pattern);
  return { ...found, value: found.value?.map((file) => ({ ...file, origin })) };
}

async function foreign(find: FindRepository, file: ForeignFile): Promise<Checked<LoadedFile>> {
  switch (file.kind) {
    case 'project': {
      const repository = find(file.project);
      return repository ? readProjectFile(repository, file) : notRead(`project ${file.project}: ${file.file}`);
    }
    case 'component': {
      const address = parseComponentAddress(file.address);
      if (address === undefined) return { value: undefined, diagnostics: [badAddress(file.address)] };
      const repository = find(address.project, address.host);
      return repository ? readComponent(address, repository) : notRead(`component ${file.address}`);
    }
    case 'remote':
      return notRead(`remote ${file.url}`);
    case 'template': {
      const repository = find(templates.project, templates.host);
      return repository ? readTemplate(repository, file.name) : notRead(`template ${file.name}`);
    }
  }
}

function repositoryOf(sources: FileSources, project: string, host?: string): ProjectRepository | undefined {
  const { root, env, projects } = sources;
  const directory = (host && projects?.directory(`${host}/${project}`)) || projects?.directory(project);
  if (directory === undefined) return undefined;
  return mappedProject({ project, directory, root, env, ...(host === undefined ? {} : { host }) });
}

async function readProjectFile(
  repository: ProjectRepository,
  file: Extract<ForeignFile, { readonly kind: 'project' }>,
): Promise<Checked<LoadedFile>> {
  const { value: tree, diagnostics } = await repository.tree(file.ref);
  if (tree === undefined) return { value: undefined, diagnostics };
  const wildcard = file.file.includes('*');
  const found = wildcard ? { value: [], diagnostics: [] } : await tree.files(file.file);
  const [first] = found.value ?? [];
  if (first !== undefined || found.diagnostics.length > 0) return { value: first, diagnostics: found.diagnostics };
  const at = file.ref === undefined ? '' : ` at \`${file.ref}\``;
  return {
    value: undefined,
    diagnostics: [
      {
        code: 'gitlab/include-not-found',
        severity: 'error',
        message: `the project \`${file.project}\` has no file \`${file.file}\`${at}`,
        hint: wildcard
          ? 'wildcards can only be used in `local`'
          : "paths start at the root of the project's repository",
      },
    ],
  };
}

async function readTemplate(repository: ProjectRepository, name: string): Promise<Checked<LoadedFile>> {
  const { project, folder } = templates;
  const { value, diagnostics } = await readProjectFile(repository, {
    kind: 'project',
    project,
    file: `${folder}/${name}`,
  });
  return { value: value && { ...value, origin: { kind: 'nowhere' } }, diagnostics };
}

function withoutProject(pattern: string): Diagnostic {
  return {
    code: 'gitlab/include-without-project',
    severity: 'error',
    message: `the local file \`${pattern}\` is included by a file that belongs to no project`,
    hint: 'a remote file or a template can include others by `remote`, `project` or `template`',
  };
}

function notRead(name: string): Checked<never> {
  return {
    value: undefined,
    diagnostics: [
      {
        code: 'gitlab/include-not-read',
        severity: 'warning',
        message: `the include of ${name} is not read; what it defines is missing`,
      },
    ],
  };
}
