import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { FileSelection, TakenFiles } from '../model/files.ts';

/** What to take out of a session and where it goes in the artifact. */
export interface Taking {
  readonly selection: FileSelection;
  /** Path in the artifact. Absent: files keep their own relative paths. */
  readonly destination: string | undefined;
  /** May a path lead out of the project directory? */
  readonly reach: 'project' | 'anywhere';
  /** Absolute path of the project in the session. */
  readonly project: string;
  /** Absolute path of the job's home in the session, if it has one of its own. */
  readonly home: string | undefined;
  /** An empty directory on this machine. */
  readonly into: string;
  get(selection: FileSelection, into: string): Promise<TakenFiles>;
}

/**
 * Takes files. A single path with a destination is renamed to it, or its directory's content goes there; of several
 * paths, or of a pattern, the files go below it.
 */
export async function takeFiles(taking: Taking): Promise<TakenFiles> {
  const { selection, project, into, get } = taking;
  const [path] = selection.paths;
  if (selection.paths.length !== 1 || path === undefined) return takeBelow(taking, taking.destination ?? '');
  const from = posix.resolve(project, path);
  const isInside = from === project || from.startsWith(`${project}/`);
  const destination = taking.destination ?? (isInside || taking.reach === 'project' ? undefined : nameOf(from, taking));
  if (destination === undefined) return get(selection, into);
  const name = posix.basename(from);
  const staging = join(into, '.staging');
  await mkdir(staging);
  const taken = await get({ ...selection, paths: [name], base: posix.dirname(from) }, staging);
  const target = join(into, posix.join('/', destination));
  const names = await readdir(staging);
  const isOne = names.length === 1 && names[0] === name;
  if (isOne) await move(join(staging, name), target);
  else if (names.length > 0) await move(staging, target);
  await rm(staging, { recursive: true, force: true });
  return renamed(taken, (each) => posix.join(destination, isOne ? each.slice(name.length) : each));
}

/** Where files from outside of the project go: of the job's home, which may be called anything, only what is below it. */
function nameOf(from: string, { home }: Taking): string {
  return home !== undefined && from.startsWith(`${home}/`) ? posix.relative(home, from) : from;
}

async function takeBelow({ selection, into, get }: Taking, destination: string): Promise<TakenFiles> {
  if (destination === '') return get(selection, into);
  const directory = join(into, posix.join('/', destination));
  await mkdir(directory, { recursive: true });
  return renamed(await get(selection, directory), (each) => posix.join(destination, each));
}

/** Moves a file or directory; of a directory whose target is there already, the entries one by one. */
async function move(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const isThere = await readdir(to).then(
    () => true,
    () => false,
  );
  if (!isThere) await rename(from, to);
  else for (const entry of await readdir(from)) await rename(join(from, entry), join(to, entry));
}

function renamed({ laid: _, ...taken }: TakenFiles, name: (path: string) => string): TakenFiles {
  const entries = taken.entries.map((entry) => ({ ...entry, path: posix.join('/', name(entry.path)).slice(1) }));
  return { ...taken, entries: entries.filter(({ path }) => path !== '') };
}
