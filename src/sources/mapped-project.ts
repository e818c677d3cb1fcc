import { join, relative } from 'node:path';
import type { FileOrigin, LoadedFile } from '../model/included-file.ts';
import type { Environment } from '../util/git.ts';
import { blobsOfCommit, commitOf, readBlob, refsOf } from '../util/git-commit.ts';
import { once } from '../util/once.ts';
import { type FoundFiles, includePath } from './include-path.ts';
import { type Had, had, trouble } from './include-trouble.ts';
import { readLocalFiles } from './local-files.ts';
import type { ProjectRepository, ProjectTree } from './project-repository.ts';
import { shortName } from './short-name.ts';
import { matchWildcardPath } from './wildcard-path.ts';

/** A project whose files lie in a folder of this machine. */
export interface MappedProject {
  readonly project: string;
  readonly host?: string;
  /** Absolute path of the folder. */
  readonly directory: string;
  /** Absolute path that names in messages are relative to. */
  readonly root: string;
  readonly env: Environment;
}

/**
 * Reads a project from a folder: the working tree as it is, or what a commit holds, straight from git's objects.
 * Nothing is checked out, and nothing that the folder's own configuration names is run.
 */
export function mappedProject(mapped: MappedProject): ProjectRepository {
  const git = { cwd: mapped.directory, env: mapped.env };
  const trees = new Map<string | undefined, Had<ProjectTree>>();
  const refs = once(() => refsOf(git));
  return {
    refs: async () => had(refs()),
    tree: async (ref) => {
      const known = trees.get(ref) ?? treeAt(mapped, ref);
      trees.set(ref, known);
      return known;
    },
  };
}

function treeAt(mapped: MappedProject, ref: string | undefined): Had<ProjectTree> {
  const { directory, env } = mapped;
  if (ref === undefined) return had(workingTree(mapped));
  const git = { cwd: directory, env };
  const sha = commitOf(ref, git);
  // The pipeline's own commit is its working tree, as for `local`: a component's project includes it as `@$CI_COMMIT_SHA`.
  if (directory === mapped.root && (/^0+$/.test(ref) || (sha !== undefined && sha === commitOf('HEAD', git)))) {
    return had(workingTree(mapped));
  }
  if (sha !== undefined) return had(commitTree(mapped, ref, sha));
  const hint = `\`git fetch\` in ${directory}, or leave out \`ref\` to read its working tree`;
  return trouble('missing', `${directory} has no tag, branch or commit \`${ref}\``, hint);
}

function originOf({ project, host }: MappedProject, ref: string | undefined): ProjectTree['origin'] {
  return { kind: 'project', project, ...(host === undefined ? {} : { host }), ...(ref === undefined ? {} : { ref }) };
}

function workingTree(mapped: MappedProject): ProjectTree {
  const { root, directory, env } = mapped;
  const origin = originOf(mapped, undefined);
  const named = (file: LoadedFile): LoadedFile => {
    const way = relative(root, join(directory, file.path)).split('\\').join('/');
    return { ...file, path: way, origin };
  };
  const sha = commitOf('HEAD', { cwd: directory, env });
  return {
    origin,
    ...(sha === undefined ? {} : { sha }),
    files: async (pattern) => {
      const { value, diagnostics } = await readLocalFiles(directory, pattern);
      return { value: value?.map(named), diagnostics };
    },
  };
}

function commitTree(mapped: MappedProject, ref: string, sha: string): ProjectTree {
  const git = { cwd: mapped.directory, env: mapped.env };
  const blobs = once(() => blobsOfCommit(sha, git));
  const origin: FileOrigin = originOf(mapped, sha);
  const read = (path: string): readonly LoadedFile[] => {
    const id = blobs().get(path);
    const text = id && readBlob(id, git);
    if (text === undefined) return [];
    return [{ path: `${mapped.project}@${shortName(ref)}:${path}`, text: text.replace(/^\uFEFF/, ''), origin }];
  };
  return { sha, origin, files: async (pattern) => filesIn([...blobs().keys()], pattern, read) };
}

/** What an `include:local` pattern matches among paths, sorted. */
export function filesIn(
  paths: Iterable<string>,
  pattern: string,
  read: (path: string) => readonly LoadedFile[],
): FoundFiles {
  const { path, refused } = includePath(pattern);
  if (refused !== undefined) return refused;
  if (!path.includes('*')) return { value: read(path), diagnostics: [] };
  const matching = [...paths].filter((each) => matchWildcardPath(path, each)).sort();
  return { value: matching.flatMap(read), diagnostics: [] };
}
