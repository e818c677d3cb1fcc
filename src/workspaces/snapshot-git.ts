import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { copyFile, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type AskGit, answerOf } from './git-question.ts';
import { type GitSetting, sanitisedSettings, settingsText } from './git-settings.ts';

/** What is known of the user's repository, enough to make a small one like it. */
export interface RepositoryFacts {
  /** Absolute; this and what it refers to itself. */
  readonly objects: readonly string[];
  readonly objectFormat: 'sha1' | 'sha256';
  /** `ref: refs/heads/main` or an object name. */
  readonly head: string;
  /** Lines `object ref`, sorted by ref. */
  readonly refs: string;
  readonly settings: readonly GitSetting[];
  /** Absolute paths of files that may not exist. */
  readonly index: string;
  readonly shallow: string;
  readonly exclude: string;
  readonly sparseCheckout: string;
  /** Changes whenever anything above does, or the index. */
  readonly state: string;
}

const refsQuestion = [
  ...['for-each-ref', '--format=%(HEAD)%(objectname) %(refname)'],
  ...['refs/heads', 'refs/tags', 'refs/remotes'],
];
const settingsQuestion = ['config', '--local', '--no-includes', '-z', '--list'];

/** What `readRepository` asks of every repository. */
export const repositoryQuestions = [refsQuestion, settingsQuestion] as const;

/** Asks git; undefined without git or without a repository whose top is `root`. */
export async function readRepository(root: string, ask: AskGit): Promise<RepositoryFacts | undefined> {
  const [places, listed, config] = await Promise.all([
    placesOf(root, ask),
    answerOf(ask, root, refsQuestion),
    answerOf(ask, root, settingsQuestion),
  ]);
  if (places === undefined || listed === undefined || config === undefined) return undefined;
  const { objects, ...others } = places;
  const isSha256 = /^extensions\.objectformat\nsha256$/im.test(config.replaceAll('\0', '\n\n'));
  const branch = /^\*\S+ (.+)$/m.exec(listed)?.[1];
  const facts = {
    objects: withAlternates(objects),
    objectFormat: isSha256 ? ('sha256' as const) : ('sha1' as const),
    head: branch === undefined ? await headOf(root, ask) : `ref: ${branch}`,
    // The mark of the branch that is checked out, a space before all others.
    refs: listed.replaceAll(/^./gm, ''),
    settings: sanitisedSettings(config),
    ...others,
  };
  return {
    ...facts,
    state: JSON.stringify([
      facts,
      endOf(facts.index),
      ...[facts.shallow, facts.exclude, facts.sparseCheckout].map(stampOf),
    ]),
  };
}

type Places = Pick<RepositoryFacts, 'index' | 'shallow' | 'exclude' | 'sparseCheckout'> & { readonly objects: string };

const placeNames = ['objects', 'index', 'shallow', 'info/exclude', 'info/sparse-checkout'] as const;

/**
 * Where `.git` is a directory with all that is a repository's, git's documented layout answers; linked worktrees and
 * submodules have a file there. Source: https://git-scm.com/docs/gitrepository-layout
 */
async function placesOf(root: string, ask: AskGit): Promise<Places | undefined> {
  const own = join(root, '.git');
  const isWhole = statSync(own, { throwIfNoEntry: false })?.isDirectory() && !existsSync(join(own, 'commondir'));
  const answer = isWhole
    ? placeNames.map((name) => join(own, name)).join('\n')
    : await answerOf(ask, root, ['rev-parse', ...placeNames.flatMap((path) => ['--git-path', path])]);
  if (answer === undefined) return undefined;
  const [objects, index, shallow, exclude, sparseCheckout] = answer.split('\n').map((path) => resolve(root, path));
  return {
    objects: objects!,
    index: index!,
    shallow: shallow!,
    exclude: exclude!,
    sparseCheckout: sparseCheckout!,
  };
}

/** No branch that exists is checked out: there is no commit yet, or HEAD is detached. */
async function headOf(root: string, ask: AskGit): Promise<string> {
  const symbolic = await ask(root, ['symbolic-ref', '-q', 'HEAD']);
  if (symbolic.kind === 'ok') return `ref: ${symbolic.stdout.trim()}`;
  return (await detachedHead(root, ask)) ?? 'ref: refs/heads/main';
}

async function detachedHead(root: string, ask: AskGit): Promise<string | undefined> {
  const result = await ask(root, ['rev-parse', '--verify', '-q', 'HEAD']);
  return result.kind === 'ok' ? result.stdout.trim() : undefined;
}

/** The checksum git writes at the end of its index, with the length; the time where git leaves the checksum out. */
function endOf(path: string): string {
  if (!existsSync(path)) return '';
  const file = openSync(path, 'r');
  try {
    const { size, mtimeMs } = fstatSync(file);
    const end = Buffer.alloc(Math.min(20, size));
    readSync(file, end, 0, end.length, size - end.length);
    return `${size}:${end.every((byte) => byte === 0) ? mtimeMs : end.toString('hex')}`;
  } finally {
    closeSync(file);
  }
}

function stampOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.size}:${stats.mtimeMs}`;
}

/** An object directory and those its `info/alternates` names, as git follows them (relative ones, 5 levels). */
function withAlternates(objects: string): string[] {
  const found = new Set([objects]);
  let level = [objects];
  for (let depth = 0; depth < 5 && level.length > 0; depth++) {
    const next: string[] = [];
    for (const directory of level) {
      for (const line of readIfThere(join(directory, 'info/alternates')).split('\n')) {
        if (line === '' || line.startsWith('#') || line.startsWith('"')) continue;
        const path = isAbsolute(line) ? line : resolve(directory, line);
        if (!found.has(path)) next.push(path);
        found.add(path);
      }
    }
    level = next;
  }
  return [...found];
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/**
 * Makes a `.git` in `directory` that shows the same branch, commits and index as the user's repository, takes its
 * objects from there, and has none of the user's hooks or settings: nothing in it makes git run a program.
 */
export async function writeRepository(facts: RepositoryFacts, directory: string): Promise<void> {
  const at = (path: string): string => join(directory, '.git', path);
  // No more than git wants to see: each directory is made once for every job.
  for (const path of ['objects/info', 'refs']) await mkdir(at(path), { recursive: true });
  await writeFile(at('HEAD'), `${facts.head}\n`);
  await writeFile(at('packed-refs'), `# pack-refs with: sorted \n${facts.refs}`);
  await writeFile(at('config'), settingsText(facts.settings, facts.objectFormat));
  await writeFile(at('objects/info/alternates'), `${quotedPath(facts.objects[0]!)}\n`);
  await copyIfThere(facts.shallow, at('shallow'));
  if (hasPatterns(facts.exclude) || existsSync(facts.sparseCheckout)) await mkdir(at('info'));
  if (hasPatterns(facts.exclude)) await copyIfThere(facts.exclude, at('info/exclude'));
  await copyIfThere(facts.sparseCheckout, at('info/sparse-checkout'));
  await copyIfThere(facts.index, at('index'));
  for (const name of await sharedIndexes(facts.index)) await copyIfThere(join(dirname(facts.index), name), at(name));
}

/** Git's template of such a file has comments only. */
function hasPatterns(path: string): boolean {
  return readIfThere(path)
    .split('\n')
    .some((line) => line.trim() !== '' && !line.startsWith('#'));
}

async function sharedIndexes(index: string): Promise<string[]> {
  if (!existsSync(index)) return [];
  return (await readdir(dirname(index))).filter((name) => /^sharedindex\.[0-9a-f]+$/.test(name));
}

/** With its time, by which git knows which entries of an index it can trust. */
async function copyIfThere(from: string, to: string): Promise<void> {
  const stats = statSync(from, { throwIfNoEntry: false });
  if (!stats?.isFile()) return;
  await copyFile(from, to);
  await utimes(to, stats.atimeMs / 1000, stats.mtimeMs / 1000);
}

function quotedPath(path: string): string {
  if (!/["\n\\]/.test(path)) return path;
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
