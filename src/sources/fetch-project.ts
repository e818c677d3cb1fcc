import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileErrors } from '../model/file-errors.ts';
import { type GitNetworkResult, runGitOnNetwork } from '../util/git-network.ts';

/** How a project of a server is reached. */
export interface ProjectAddress {
  readonly url: string;
  readonly protocols: readonly string[];
  /** Tokens, pinned addresses. */
  readonly settings: readonly (readonly [key: string, value: string])[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a server's git said, or why it said nothing. */
export type Fetched<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'failed'; readonly why: 'no access' | 'no ref' | 'no answer' | 'no git'; readonly text: string };

/** Tags, branches and `HEAD` with their commits. */
export interface ServerRefs {
  readonly tags: Readonly<Record<string, string>>;
  readonly branches: Readonly<Record<string, string>>;
  readonly head?: string;
}

/** Files of a commit: contents of its YAML files, and all its paths. */
export interface ServerFiles {
  readonly yaml: ReadonlyMap<string, Buffer>;
  readonly paths: readonly string[];
}

const timeoutMs = 60_000;
/** A project has few pipeline files: more YAML files than this are data. */
const mostFiles = 5000;

/** Asks a server for refs; with a pattern such as `refs/tags/*` it sends no others. */
export async function listRefs(
  address: ProjectAddress,
  patterns: readonly string[],
  scratch: string,
): Promise<Fetched<ServerRefs>> {
  return inRepository(scratch, address, async (cwd) => {
    const listed = await git(['ls-remote', '--quiet', '--', address.url, ...patterns], cwd, address);
    return listed.kind === 'ok' ? { kind: 'ok', value: parseRefs(listed.value.toString('utf8')) } : listed;
  });
}

function parseRefs(text: string): ServerRefs {
  const tags: Record<string, string> = Object.create(null);
  const branches: Record<string, string> = Object.create(null);
  let head: string | undefined;
  for (const line of text.split('\n')) {
    const [sha = '', name = ''] = line.split('\t');
    if (name === 'HEAD') head = sha;
    // An annotated tag is listed twice; with `^{}` behind its name stands the commit.
    else if (name.startsWith('refs/tags/')) tags[name.slice('refs/tags/'.length).replace(/\^\{\}$/, '')] = sha;
    else if (name.startsWith('refs/heads/')) branches[name.slice('refs/heads/'.length)] = sha;
  }
  return { tags, branches, ...(head === undefined ? {} : { head }) };
}

/**
 * Fetches a commit without history: first its trees, then the YAML files among its files, all in one go, so that a file
 * more costs no further connection.
 */
export async function fetchCommit(
  address: ProjectAddress,
  sha: string,
  scratch: string,
): Promise<Fetched<ServerFiles>> {
  return inRepository(scratch, address, async (cwd) => {
    const fetch = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--recurse-submodules=no'];
    const trees = await git([...fetch, '--depth=1', '--filter=blob:none', 'origin', sha], cwd, address);
    if (trees.kind !== 'ok') return trees;
    const here = { ...address, protocols: ['none'] };
    const listed = await git(['ls-tree', '-r', '-z', sha], cwd, here);
    if (listed.kind !== 'ok') return listed;
    const files = listed.value
      .toString('utf8')
      .split('\0')
      .flatMap((line) => {
        const found = /^100(?:644|755|664) blob ([0-9a-f]+)\t([\s\S]*)$/.exec(line);
        return found ? [{ id: found[1]!, path: found[2]! }] : [];
      });
    const wanted = files.filter(({ path }) => /\.ya?ml$/i.test(path)).slice(0, mostFiles);
    const ids = [...new Set(wanted.map(({ id }) => id))];
    const settings = ['-c', 'fetch.negotiationAlgorithm=noop'];
    const blobs = [...settings, ...fetch, '--filter=blob:none', '--stdin', 'origin'];
    const got = ids.length === 0 ? undefined : await git(blobs, cwd, address, `${ids.join('\n')}\n`);
    if (got?.kind === 'failed') return got;
    const read = await git(['cat-file', '--batch'], cwd, here, `${ids.join('\n')}\n`);
    if (read.kind !== 'ok') return read;
    const contents = parseBatch(read.value);
    const yaml = new Map(
      wanted.flatMap(({ id, path }) => (contents.has(id) ? [[path, contents.get(id)!] as const] : [])),
    );
    return { kind: 'ok', value: { yaml, paths: files.map(({ path }) => path).sort() } };
  });
}

/** `<id> blob <size>\n<content>\n`, one after the other. */
function parseBatch(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const contents = new Map<string, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at);
    if (end < 0) break;
    const [id = '', type, size] = bytes.toString('latin1', at, end).split(' ');
    at = end + 1;
    if (type !== 'blob') continue;
    contents.set(id, bytes.subarray(at, at + Number(size)));
    at += Number(size) + 1;
  }
  return contents;
}

/** A bare repository of our own that is thrown away afterwards. */
async function inRepository<T>(
  scratch: string,
  address: ProjectAddress,
  work: (directory: string) => Promise<Fetched<T>>,
): Promise<Fetched<T>> {
  const directory = await withFileErrors({ doing: 'fetching an included file', path: scratch }, async () => {
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    await removeForgotten(scratch);
    return mkdtemp(join(scratch, 'fetch-'));
  });
  try {
    const made = await git(['init', '--quiet', '--bare', '--template='], directory, {
      ...address,
      protocols: ['none'],
    });
    return made.kind === 'ok' ? await work(directory) : made;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What was left by who was killed: no fetch takes an hour. */
async function removeForgotten(scratch: string): Promise<void> {
  for (const name of await readdir(scratch)) {
    const path = join(scratch, name);
    const changed = await stat(path).catch(() => undefined);
    if (changed && Date.now() - changed.mtimeMs > 3_600_000) await rm(path, { recursive: true, force: true });
  }
}

async function git(
  args: readonly string[],
  cwd: string,
  { url, protocols, settings, env }: ProjectAddress,
  input?: string,
): Promise<Fetched<Buffer>> {
  const result = await runGitOnNetwork(args, {
    cwd,
    env,
    protocols,
    timeoutMs,
    settings: [['remote.origin.url', url], ...settings],
    ...(input === undefined ? {} : { input }),
  });
  return toFetched(result);
}

function toFetched(result: GitNetworkResult): Fetched<Buffer> {
  switch (result.kind) {
    case 'ok':
      return { kind: 'ok', value: result.stdout };
    case 'missing':
      return { kind: 'failed', why: 'no git', text: 'git was not found' };
    case 'timeout':
      return { kind: 'failed', why: 'no answer', text: `no answer within ${timeoutMs / 1000} s` };
    case 'failed': {
      const lines = result.stderr.split('\n').map((line) => line.trim());
      const told = lines.filter((line) => /^(fatal|error|ERROR|remote):|denied|refused/.test(line));
      const text = (
        told.find((line) => !/Could not read from remote repository/.test(line)) ??
        told[0] ??
        lines[0] ??
        ''
      )
        .replace(/^(fatal|error|ERROR|remote): /, '')
        .replaceAll(/\/\/[^/@\s]*@/g, '//');
      return { kind: 'failed', why: kindOfFailure(result.stderr), text };
    }
  }
}

function kindOfFailure(stderr: string): 'no access' | 'no ref' | 'no answer' {
  if (/not our ref|couldn't find remote ref|no such remote ref|upload-pack: not our ref/i.test(stderr)) return 'no ref';
  const access =
    /could not read Username|Authentication failed|HTTP Basic|error: 40[134]|not found|Permission denied|access denied|does not appear to be a git repository|could not be found|terminal prompts disabled/i;
  return access.test(stderr) ? 'no access' : 'no answer';
}
