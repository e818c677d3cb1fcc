import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { FileOrigin, ForeignFile, LoadedFile, ProjectCheckouts } from '../model/included-file.ts';
import type { FileLoader } from '../model/ports.ts';
import type { Environment } from '../util/git.ts';
import { badAddress, type ComponentAddress, parseComponentAddress, readComponent } from './component.ts';
import type { Elsewhere } from './elsewhere.ts';
import { type FoundFiles, includePath } from './include-path.ts';
import { type Had, had, told, trouble } from './include-trouble.ts';
import { readLocalFiles } from './local-files.ts';
import { mappedProject } from './mapped-project.ts';
import type { ProjectRepository } from './project-repository.ts';
import type { RemoteFile } from './remote-file.ts';

/** Where included files come from. */
export interface FileSources {
  /** Absolute path of the project's root. */
  readonly root: string;
  /** As `process.env` has it; for git. */
  readonly env: Environment;
  /** Other projects that lie on this machine. */
  readonly projects?: ProjectCheckouts;
  /** What lies on other machines; absent: nothing of it is read. Called when the first of it is asked for. */
  readonly elsewhere?: () => Promise<Elsewhere>;
}

/** What the loader looks up. */
interface Places {
  /** The repository of a project; undefined: it is not known where that lies. */
  readonly repository: (project: string, host?: string) => Promise<ProjectRepository | undefined>;
  /** The same for one that lies on this machine. */
  readonly mapped: (project: string, host?: string) => ProjectRepository | undefined;
  readonly remote: (file: RemoteFile) => Promise<Had<LoadedFile>>;
}

/** Where GitLab's templates lie in GitLab's own project. */
const templates = { project: 'gitlab-org/gitlab', host: 'gitlab.com', folder: 'lib/gitlab/ci/templates' };
const nowhere = trouble('not-read', undefined);

/** The loader of a pipeline's included files. Files are read when they are asked for; what is where is looked up once. */
export function fileLoader(sources: FileSources): FileLoader {
  const repositories = new Map<string, Promise<ProjectRepository | undefined>>();
  const places: Places = {
    repository: (project, host) => {
      const key = `${host ?? ''}/${project}`;
      const known = repositories.get(key) ?? findRepository(sources, project, host);
      repositories.set(key, known);
      return known;
    },
    mapped: (project, host) => mappedRepository(sources, project, host),
    remote: async (file) => (sources.elsewhere ? (await sources.elsewhere()).remote(file) : nowhere),
  };
  return {
    local: (pattern, origin = { kind: 'own' }) => {
      switch (origin.kind) {
        case 'own':
          return readLocalFiles(sources.root, pattern);
        case 'project':
          return localOf(places, origin, pattern);
        case 'nowhere':
          return Promise.resolve({ value: undefined, diagnostics: [withoutProject(pattern)] });
      }
    },
    foreign: async (file) => {
      if (file.kind === 'orb' && sources.elsewhere) return (await sources.elsewhere()).orb(file.reference);
      const address = file.kind === 'component' ? parseComponentAddress(file.address) : undefined;
      if (file.kind === 'component' && address === undefined) {
        return { value: undefined, diagnostics: [badAddress(file.address)] };
      }
      const found = await readForeign(places, file, address);
      return found.kind === 'had' ? { value: found.value, diagnostics: [] } : told(found.trouble, nameOf(file));
    },
  };
}

async function findRepository(
  sources: FileSources,
  project: string,
  host: string | undefined,
): Promise<ProjectRepository | undefined> {
  return mappedRepository(sources, project, host) ?? (await sources.elsewhere?.())?.repository(project, host);
}

function mappedRepository(
  { root, env, projects }: FileSources,
  project: string,
  host: string | undefined,
): ProjectRepository | undefined {
  const directory = (host && projects?.directory(`${host}/${project}`)) || projects?.directory(project);
  if (directory === undefined) return undefined;
  return mappedProject({ project, directory, root, env, ...(host === undefined ? {} : { host }) });
}

async function localOf(
  { repository }: Places,
  origin: Extract<FileOrigin, { readonly kind: 'project' }>,
  pattern: string,
): Promise<FoundFiles> {
  const name = `project ${origin.project}: ${pattern}`;
  const tree = (await (await repository(origin.project, origin.host))?.tree(origin.ref)) ?? nowhere;
  if (tree.kind === 'trouble') return told(tree.trouble, name);
  const { value, diagnostics } = await tree.value.files(pattern);
  return { value: value?.map((file) => ({ ...file, origin })), diagnostics };
}

async function readForeign(
  places: Places,
  file: ForeignFile,
  address: ComponentAddress | undefined,
): Promise<Had<LoadedFile>> {
  switch (file.kind) {
    case 'project': {
      const repository = await places.repository(file.project);
      return repository ? readProjectFile(repository, file.file, file.ref) : nowhere;
    }
    case 'component': {
      const repository = await places.repository(address!.project, address!.host);
      return repository ? readComponent(address!, repository) : nowhere;
    }
    case 'remote':
      return places.remote(file);
    case 'template':
      return readTemplate(places, file.name);
    // Read before; where it isn't, nobody may be asked.
    case 'orb':
    // Only known to the run in which the job has left it.
    case 'artifact':
      return nowhere;
  }
}

/** As messages name it. */
function nameOf(file: ForeignFile): string {
  switch (file.kind) {
    case 'project':
      return `project ${file.project}: ${file.file}${file.ref === undefined ? '' : ` at ${file.ref}`}`;
    case 'remote':
      return `remote ${file.url}`;
    case 'template':
      return `template ${file.name}`;
    case 'component':
      return `component ${file.address}`;
    case 'orb':
      return file.reference;
    case 'artifact':
      return `${file.path} among the artifacts of ${file.job}`;
  }
}

async function readProjectFile(
  repository: ProjectRepository,
  file: string,
  ref: string | undefined,
): Promise<Had<LoadedFile>> {
  const tree = await repository.tree(ref);
  if (tree.kind === 'trouble') return tree;
  const { sha, files } = tree.value;
  if (sha !== undefined) repository.onUsed?.(ref ?? 'HEAD', { sha });
  if (file.includes('*')) return trouble('missing', 'there is no such file', 'wildcards can only be used in `local`');
  const { value, diagnostics } = await files(file);
  const [first] = value ?? [];
  if (first !== undefined) return had(first);
  const [problem] = diagnostics;
  if (problem !== undefined) return trouble('outside', problem.message, problem.hint);
  return trouble('missing', 'there is no such file', "paths start at the root of the project's repository");
}

/** From a folder that GitLab's own project is mapped to, else from gitlab.com. */
async function readTemplate(places: Places, name: string): Promise<Had<LoadedFile>> {
  const { project, host, folder } = templates;
  const { path, refused } = includePath(name);
  if (refused !== undefined || !/^[\w./-]+$/.test(path)) return trouble('missing', 'it is no name of a template');
  const mapped = await places.mapped(project, host);
  const found = mapped
    ? await readProjectFile(mapped, `${folder}/${path}`, undefined)
    : await places.remote({ url: `https://${host}/${project}/-/raw/master/${folder}/${path}` });
  return found.kind === 'had' ? had({ ...found.value, origin: { kind: 'nowhere' } }) : found;
}

function withoutProject(pattern: string): Diagnostic {
  return {
    code: 'gitlab/include-without-project',
    severity: 'error',
    message: `the local file \`${pattern}\` is included by a file that belongs to no project`,
    hint: 'a remote file or a template can include others by `remote`, `project` or `template`',
  };
}
