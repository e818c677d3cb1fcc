import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { FileTree, TakenFiles } from '../model/files.ts';
import { SystemError } from '../model/outcome.ts';
import { errorCode } from '../util/files/file-problem.ts';
import { logicalPath, relativeTo } from '../util/home-path.ts';
import type { JobRun } from './job-run.ts';
import { pathIn, wholePaths } from './session-path.ts';

/** What lies where in a cache of a job whose paths may lead anywhere: directories `0`, `1`, … and this list of their places. */
const listName = 'places.json';

interface PlacedPaths {
  /** Directory, absolute or below `~`: true for any session. */
  readonly place: string;
  /** Relative to it. */
  readonly paths: readonly string[];
}

/**
 * Takes a cache's paths out of a job that has a home of its own, with the places where they have to be put back. What could not be
 * put back is left out, and told.
 */
export async function takePlaces(run: JobRun, written: readonly string[], into: string): Promise<TakenFiles> {
  const { session, spec, limits, log } = run;
  const places: string[] = [];
  const all: TakenFiles[] = [];
  for (const { place, paths } of placed(spec.directory ?? '/', written)) {
    const base = pathIn(spec, session, place);
    const refused = await session.files.refuses?.(base);
    if (refused !== undefined) {
      for (const path of paths) await log.warning(`${posix.join(place, path)}: not cached, since ${refused}`);
      continue;
    }
    const number = String(places.length);
    await mkdir(join(into, number));
    const inDirectory = base === session.directory ? {} : { base };
    const selection = { paths, exclude: [], untracked: false, ...wholePaths(spec), ...inDirectory };
    const taken = await session.files.get(selection, join(into, number), limits.taking);
    places.push(place);
    all.push(inPlace(taken, place, number));
  }
  await writeFile(join(into, listName), JSON.stringify(places));
  return together(all);
}

/** Puts a cache that `takePlaces` has filled back; what may not be put here is told. */
export async function putPlaces(run: JobRun, tree: FileTree): Promise<void> {
  const { session, spec, limits, log } = run;
  for (const [index, place] of (await readPlaces(tree)).entries()) {
    const at = pathIn(spec, session, place);
    const refused = await session.files.refuses?.(at);
    if (refused !== undefined) {
      await log.warning(`${place}: not restored, since ${refused}`);
      continue;
    }
    const part: FileTree = {
      root: join(tree.root, String(index)),
      immutable: tree.immutable,
      ...(tree.id === undefined ? {} : { id: `${tree.id}/${index}` }),
      ...(tree.hasHardLinks === undefined ? {} : { hasHardLinks: tree.hasHardLinks }),
    };
    await session.files.put(part, at, limits.soft);
  }
}

/**
 * Paths below the job's directory by that; of others each by the directory that it lies in, so that nothing above of what was
 * saved is touched when it is put back.
 */
function placed(directory: string, written: readonly string[]): readonly PlacedPaths[] {
  const own = logicalPath('/', directory);
  const places = new Map<string, string[]>();
  for (const path of written) {
    const wanted = logicalPath(directory, path);
    const below = relativeTo(own, wanted);
    const place = below === undefined ? aboveOf(wanted) : own;
    const name = below ?? (relativeTo(place, wanted) as string);
    places.set(place, [...(places.get(place) ?? []), name]);
  }
  return [...places].map(([place, paths]) => ({ place, paths }));
}

/** Of `~` and `/` themselves all that is in them. */
function aboveOf(path: string): string {
  return path === '~' || path === '/' ? path : posix.dirname(path);
}

async function readPlaces(tree: FileTree): Promise<readonly string[]> {
  try {
    const list = JSON.parse(await readFile(join(tree.root, listName), 'utf8')) as unknown;
    if (Array.isArray(list) && list.every((place) => typeof place === 'string')) return list;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
  }
  throw new SystemError('runner_system_failure', 'the cache does not say where its files belong');
}

function inPlace(taken: TakenFiles, place: string, number: string): TakenFiles {
  const named = (paths: readonly string[]): readonly string[] => paths.map((path) => posix.join(place, path));
  const { laid: _, ...rest } = taken;
  return {
    ...rest,
    entries: taken.entries.map((entry) => ({ ...entry, path: `${number}/${entry.path}` })),
    unmatched: named(taken.unmatched),
    outside: named(taken.outside),
    unreadable: named(taken.unreadable ?? []),
  };
}

function together(all: readonly TakenFiles[]): TakenFiles {
  return {
    entries: all.flatMap(({ entries }) => entries),
    totalBytes: all.reduce((sum, { totalBytes }) => sum + totalBytes, 0),
    hasHardLinks: all.some(({ hasHardLinks }) => hasHardLinks),
    unmatched: all.flatMap(({ unmatched }) => unmatched),
    outside: all.flatMap(({ outside }) => outside),
    unreadable: all.flatMap(({ unreadable = [] }) => unreadable),
  };
}
