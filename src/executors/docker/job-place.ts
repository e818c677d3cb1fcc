import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { logicalPath, withHome } from '../../util/home-path.ts';
import { existsInContainer, openArchive } from './container-file.ts';
import type { Engine } from './engine.ts';

/** Where a job lives in its container. All absolute, in the container. */
export interface JobPlace {
  readonly directory: string;
  /** For file variables. */
  readonly temporaryDirectory: string;
  /** Of a job with a home of its own. */
  readonly home?: string;
  /** Directories that the image does not have and the job's user has to own, parents first. */
  readonly missing: readonly string[];
  /** May the directory be hidden by what is mounted there? Not when the image has something in it. */
  readonly isFree: boolean;
}

/** The place of a job that leaves it to us. */
export function ourPlace(builds: string, projectPath: string): JobPlace {
  const directory = `${builds}/${projectPath}`;
  return { directory, temporaryDirectory: `${directory}.tmp`, missing: [directory], isFree: true };
}

/** The place of a job that says where it works: by what is in the image. */
export async function namedPlace(given: {
  readonly engine: Engine;
  /** Any container of the image. */
  readonly container: string;
  /** `~`, `~/…` or absolute. */
  readonly directory: string;
  readonly home: string;
  readonly temporaryDirectory: string;
}): Promise<JobPlace> {
  const { engine, container, home, temporaryDirectory } = given;
  const directory = withHome(home, logicalPath('~', given.directory));
  const missing = [...(await missingOf(engine, container, home)), ...(await missingOf(engine, container, directory))];
  const isMissing = missing.includes(directory);
  const isFree = isMissing || (directory !== '/' && (await isEmpty(engine, container, directory)));
  return { directory, home, temporaryDirectory, missing: [...new Set(missing)], isFree };
}

async function missingOf(engine: Engine, container: string, path: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let at = path; at !== '/' && !(await existsInContainer(engine, container, at)); at = posix.dirname(at)) {
    missing.unshift(at);
  }
  return missing;
}

/** A link is not: what it leads to may be anything. */
async function isEmpty(engine: Engine, container: string, directory: string): Promise<boolean> {
  const archive = await openArchive(engine, container, directory);
  if (archive === undefined) return false;
  const entries = archive.pipe(extract());
  archive.on('error', (error: Error) => entries.destroy(error));
  let count = 0;
  try {
    for await (const entry of entries as AsyncIterable<Readable & { readonly header: { readonly type?: string } }>) {
      if (++count > 1 || entry.header.type !== 'directory') return false;
      entry.resume();
    }
    return true;
  } finally {
    archive.destroy();
  }
}
