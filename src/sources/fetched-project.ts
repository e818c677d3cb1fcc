import type { LoadedFile } from '../model/included-file.ts';
import { commitIn, isCommit } from './commit-in.ts';
import { type Fetched, fetchCommit, listRefs, type ProjectAddress } from './fetch-project.ts';
import { type IncludeAccess, usualAgeMs } from './include-access.ts';
import type { IncludeRecords } from './include-store.ts';
import { type Had, had, trouble } from './include-trouble.ts';
import { filesIn } from './mapped-project.ts';
import type { ProjectRefs, ProjectRepository, ProjectTree } from './project-repository.ts';
import { shortName } from './short-name.ts';

/** A project of a server. */
export interface FetchedProject {
  readonly project: string;
  /** Of its server, as messages and the lock file name it. */
  readonly host: string;
  /** Is it the server of the pipeline's project? Then includes need not name it. */
  readonly isHome: boolean;
  /** How it is reached. */
  readonly address: () => Promise<Had<ProjectAddress>>;
}

type Refs = IncludeRecords['refs'];

/**
 * A project that is read from the store, and fetched from its server where that is needed and allowed: refs are asked for
 * once for each that is wanted, a commit is fetched once for all its files.
 */
export function fetchedProject(from: FetchedProject, access: IncludeAccess): ProjectRepository {
  const asked = new Map<string, Promise<Had<Refs>>>();
  const trees = new Map<string, Promise<Had<ProjectTree>>>();
  const refs = (wanted: string): Promise<Had<Refs>> => memo(asked, wanted, () => readRefs(from, wanted, access));
  const treeOf = (sha: string, ref: string): Promise<Had<ProjectTree>> =>
    memo(trees, sha, () => readTree(from, sha, ref, access));
  const onUsed: ProjectRepository['onUsed'] = (wanted, used) => access.onLocked('projects', keyOf(from, wanted), used);
  return {
    refs: async (wanted) => {
      // A whole commit needs no name.
      if (isCommit(wanted)) return had({ tags: new Map(), branches: new Map() });
      const found = await refs(wanted);
      return found.kind === 'had' ? had(asMaps(found.value)) : found;
    },
    tree: async (ref, known) => {
      const wanted = ref ?? 'HEAD';
      if (known !== undefined || isCommit(wanted)) return treeOf(known ?? wanted, wanted);
      const found = await refs(shortName(wanted));
      if (found.kind === 'trouble') return found;
      const sha = commitIn(found.value, wanted);
      if (sha !== undefined) return treeOf(sha, wanted);
      const hint = /^[0-9a-f]{4,39}$/.test(wanted) ? 'write a commit with all 40 digits' : undefined;
      return trouble('missing', `${from.host} has no tag, branch or commit \`${wanted}\` of it`, hint);
    },
    onUsed,
  };
}

function keyOf({ host, project }: FetchedProject, wanted: string): string {
  return `${host}/${project}@${wanted}`;
}

function memo<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;
}

function asMaps({ tags, branches }: Refs): ProjectRefs {
  return { tags: new Map(Object.entries(tags)), branches: new Map(Object.entries(branches)) };
}

async function readRefs(from: FetchedProject, wanted: string, access: IncludeAccess): Promise<Had<Refs>> {
  const { policy, store, lock, nowMs } = access;
  const key = keyOf(from, wanted);
  const locked = policy === 'always' || !Object.hasOwn(lock.projects, key) ? undefined : lock.projects[key];
  if (locked !== undefined) return had(lockedRefs(wanted, locked));
  const record = store.read('refs', key);
  const isFresh = record !== undefined && nowMs - record.fetchedAtMs < usualAgeMs;
  if (record !== undefined && (policy === 'never' || (policy === 'when-needed' && isFresh))) return had(record);
  if (policy === 'never') return trouble('not-read', undefined, hintFor(from));
  const address = await from.address();
  if (address.kind === 'trouble') return address;
  const got = await access.limit(() => listRefs(address.value, patternsFor(wanted), access.scratch));
  if (got.kind === 'ok') {
    const fresh = { ...got.value, fetchedAtMs: nowMs };
    await store.write('refs', key, fresh);
    return had(fresh);
  }
  if (record === undefined || got.why !== 'no answer') return failed(from, got);
  access.onNotice(`the last copy of project ${from.project} is used: ${got.text}`);
  return had(record);
}

/** What a lock file says that was chosen, in the form of what a server says. */
function lockedRefs(wanted: string, { sha, version }: { readonly sha: string; readonly version?: string }): Refs {
  const tags = version === undefined ? {} : { [version]: sha };
  const branches = version === undefined && wanted !== 'HEAD' ? { [wanted]: sha } : {};
  return { fetchedAtMs: 0, tags, branches, head: sha };
}

/** `~latest` and shortened versions can stand for any tag. */
function patternsFor(wanted: string): readonly string[] {
  if (wanted === 'HEAD') return ['HEAD'];
  if (wanted === '~latest' || /^\d+(\.\d+)?$/.test(wanted)) return ['refs/tags/*', `refs/heads/${wanted}`];
  return [`refs/tags/${wanted}`, `refs/tags/${wanted}^{}`, `refs/heads/${wanted}`];
}

async function readTree(
  from: FetchedProject,
  sha: string,
  ref: string,
  access: IncludeAccess,
): Promise<Had<ProjectTree>> {
  const { policy, store, scratch } = access;
  const key = `${from.host}/${from.project} ${sha}`;
  const known = store.read('commit', key);
  if (known !== undefined && Object.values(known.files).every((hash) => store.content(hash))) {
    return had(treeOf(from, sha, ref, known, access));
  }
  if (policy === 'never') return trouble('not-read', undefined, hintFor(from));
  const address = await from.address();
  if (address.kind === 'trouble') return address;
  const got = await access.limit(() => fetchCommit(address.value, sha, scratch));
  if (got.kind === 'failed') return failed(from, got);
  const files: Record<string, string> = Object.create(null);
  for (const [path, content] of got.value.yaml) files[path] = await store.keep(content);
  const paths = await store.keep(Buffer.from(got.value.paths.join('\0')));
  const record = { files, paths };
  await store.write('commit', key, record);
  return had(treeOf(from, sha, ref, record, access));
}

function treeOf(
  { project, host, isHome }: FetchedProject,
  sha: string,
  ref: string,
  { files }: IncludeRecords['commit'],
  { store }: IncludeAccess,
): ProjectTree {
  const origin = { kind: 'project', project, ref: sha, ...(isHome ? {} : { host }) } as const;
  const at = shortName(ref) === sha ? sha.slice(0, 8) : shortName(ref);
  const read = (path: string): readonly LoadedFile[] => {
    const content = Object.hasOwn(files, path) ? store.content(files[path]!) : undefined;
    if (content === undefined) return [];
    const text = content.toString('utf8').replace(/^\uFEFF/, '');
    return [{ path: `${isHome ? '' : `${host}/`}${project}@${at}:${path}`, text, origin }];
  };
  return { sha, origin, files: async (pattern) => filesIn(Object.keys(files), pattern, read) };
}

function failed(from: FetchedProject, { why, text }: Extract<Fetched<never>, { kind: 'failed' }>): Had<never> {
  const map = `say where it lies on this machine: --project ${from.project}=PATH`;
  switch (why) {
    case 'no access': {
      const login = `set GITLAB_TOKEN and GITLAB_HOST=${from.host}, or let git log in by itself (credential helper, ssh)`;
      return trouble('not-fetched', `${from.host} does not give it (${text})`, `${login}, or ${map}`);
    }
    case 'no ref':
      return trouble('missing', `${from.host} has no such commit of it (${text})`);
    case 'no answer':
      return trouble('not-fetched', text, map);
    case 'no git':
      return trouble('not-fetched', text, `install git, or ${map}`);
  }
}

function hintFor({ project }: FetchedProject): string {
  return `\`ci fetch\` reads it, or say where it lies on this machine: --project ${project}=PATH`;
}
