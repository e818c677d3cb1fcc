import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { JobProgram } from '../../model/job-program.ts';
import type { JobSpec } from '../../model/job-spec.ts';
import { errorCode } from '../../util/files/file-problem.ts';
import { logicalPath, withHome } from '../../util/home-path.ts';
import { programFile, programMode, programsDirectory } from '../job-programs.ts';

/** Where a job in the shell lives. All absolute. */
export interface JobDirectories {
  /** The job's own, removed with it. */
  readonly own: string;
  readonly directory: string;
  readonly temporaryDirectory: string;
  /** Of a job with a home of its own. */
  readonly home?: string;
  /** A name in the home for a directory that is not the job's own. */
  readonly link?: string;
}

/** Decides where a job lives; nothing is made. */
export function jobDirectories(own: string, job: JobSpec): JobDirectories {
  const { source } = job;
  if (job.directory === undefined) {
    const directory = source.kind === 'in-place' ? source.directory : join(own, job.projectPath);
    const temporary = source.kind === 'in-place' ? join(own, basename(directory)) : directory;
    return { own, directory, temporaryDirectory: `${temporary}.tmp` };
  }
  const home = join(own, 'home');
  const written = logicalPath('~', job.directory);
  // Nobody but root could make an absolute one where it says, and root should not.
  const wanted = written.startsWith('~') ? withHome(home, written) : join(own, 'root', written);
  const places = { own, home, temporaryDirectory: join(own, 'tmp') };
  if (source.kind !== 'in-place') return { ...places, directory: wanted };
  const hasName = wanted.startsWith(`${home}/`);
  return { ...places, directory: source.directory, ...(hasName ? { link: wanted } : {}) };
}

/**
 * Synchronous: through the thread pool these few calls take four times as long.
 * @param sh absolute path of a shell for the job's programs.
 */
export function makeJobDirectories(root: string, job: JobSpec, places: JobDirectories, sh: string): void {
  makeOwn(root, places.own);
  if (places.home !== undefined) mkdirSync(places.home, { mode: 0o700 });
  if (job.source.kind !== 'in-place') mkdirSync(places.directory, { recursive: true });
  mkdirSync(places.temporaryDirectory, { recursive: true, mode: 0o700 });
  if (job.programs !== undefined) putPrograms(job.programs, programsDirectory(places.temporaryDirectory), sh);
  if (places.link === undefined) return;
  mkdirSync(dirname(places.link), { recursive: true });
  symlinkSync(places.directory, places.link);
}

function putPrograms(programs: readonly JobProgram[], directory: string, sh: string): void {
  mkdirSync(directory);
  for (const program of programs) {
    const path = join(directory, program.name);
    writeFileSync(path, programFile(program, sh));
    // Whatever the umask.
    chmodSync(path, programMode);
  }
}

/** What all jobs share is there already but for the first one. */
function makeOwn(root: string, own: string): void {
  try {
    mkdirSync(own, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    mkdirSync(root, { recursive: true, mode: 0o700 });
    mkdirSync(own, { mode: 0o700 });
  }
}
