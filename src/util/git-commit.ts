import { type GitOptions, type GitResult, runGit } from './git.ts';

/** Where a repository lies. */
export type RepositoryOptions = Pick<GitOptions, 'cwd' | 'env'>;

/**
 * The full id of the commit that a name stands for in a repository, as a server would find it: tag, branch, branch of
 * `origin` as last fetched, `HEAD`, (part of) a commit's id. Undefined: there is none.
 */
export function commitOf(ref: string, options: RepositoryOptions): string | undefined {
  if (ref === '' || ref.startsWith('-') || /[\0\n]/.test(ref)) return undefined;
  const candidates = [`refs/tags/${ref}`, `refs/heads/${ref}`, `refs/remotes/origin/${ref}`];
  if (ref === 'HEAD' || ref.startsWith('refs/') || /^[0-9a-f]{4,64}$/i.test(ref)) candidates.push(ref);
  for (const candidate of candidates) {
    const found = ask(['rev-parse', '--verify', '--quiet', '--end-of-options', `${candidate}^{commit}`], options);
    if (found.kind === 'ok') return found.stdout.trim().split('\n').at(-1);
  }
  return undefined;
}

/** Tags and branches of a repository, those of `origin` too, with the commits they stand for. */
export function refsOf(options: RepositoryOptions): {
  readonly tags: ReadonlyMap<string, string>;
  readonly branches: ReadonlyMap<string, string>;
} {
  const format = '%(refname)%00%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)';
  const listed = ask(['for-each-ref', `--format=${format}`, 'refs/tags', 'refs/remotes/origin', 'refs/heads'], options);
  const tags = new Map<string, string>();
  const branches = new Map<string, string>();
  // Sorted by name: local branches come first, and win.
  for (const line of listed.kind === 'ok' ? listed.stdout.split('\n') : []) {
    const [name = '', commit = ''] = line.split('\0');
    const found = /^refs\/(tags|heads|remotes\/origin)\/(.+)$/.exec(name);
    if (!found) continue;
    const into = found[1] === 'tags' ? tags : branches;
    if (!into.has(found[2]!)) into.set(found[2]!, commit);
  }
  return { tags, branches };
}

/** All paths of a commit's tree, sorted. */
export function filesOfCommit(commit: string, options: RepositoryOptions): readonly string[] {
  return [...blobsOfCommit(commit, options).keys()].sort();
}

/** The files of a commit: path → id of the content. Links and submodules are left out. */
export function blobsOfCommit(commit: string, options: RepositoryOptions): ReadonlyMap<string, string> {
  const listed = ask(['ls-tree', '-r', '-z', commit], options);
  const blobs = new Map<string, string>();
  for (const line of listed.kind === 'ok' ? listed.stdout.split('\0') : []) {
    const found = /^100(?:644|755|664) blob ([0-9a-f]+)\t([\s\S]*)$/.exec(line);
    if (found) blobs.set(found[2]!, found[1]!);
  }
  return blobs;
}

/** The content of a file by its id, byte for byte: no filter and no text conversion is run. */
export function readBlob(id: string, options: RepositoryOptions): string | undefined {
  const read = ask(['cat-file', 'blob', id], options);
  return read.kind === 'ok' ? read.stdout : undefined;
}

function ask(args: readonly string[], options: RepositoryOptions): GitResult {
  return runGit(args, { ...options, network: 'never' });
}
