import { basename } from 'node:path';
import type { Project } from '../model/context.ts';
import { parseRemote } from './remote-url.ts';

/**
 * Names the project by its remote's URL, else `local/<folder>`.
 * @param root absolute path of the project's root.
 * @param known the path, where somebody has said it.
 * @param repositoryRoot absolute path that gives the folder's name where there is no remote.
 */
export function projectFacts(
  root: string,
  repositoryRoot: string,
  remoteUrl: string | undefined,
  known?: string,
): Project {
  const path =
    known ??
    (remoteUrl === undefined ? undefined : parseRemote(remoteUrl)?.path) ??
    `local/${folderName(repositoryRoot)}`;
  const parts = path.split('/').map(sanitized);
  if (parts.length === 1) parts.unshift('local');
  return { root, path: parts.join('/'), name: parts.at(-1)!, namespace: parts.slice(0, -1).join('/') };
}

function folderName(directory: string): string {
  return basename(directory) || 'project';
}

/** As GitLab allows in a project's path: letters, digits, `_`, `-`, `.`, not at the start a `-` or `.`. */
function sanitized(part: string): string {
  // What most names are, without the tables of Unicode.
  if (/^\w[\w.-]*(?<!\.|-)$/.test(part)) return part;
  return part.replace(/[^\p{L}\p{N}_.-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '') || 'project';
}
