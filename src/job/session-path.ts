import { posix } from 'node:path';
import type { Session } from '../executors/executor.ts';
import type { FileSelection } from '../model/files.ts';
import type { JobSpec } from '../model/job-spec.ts';
import type { Outcome } from '../model/outcome.ts';
import { logicalPath, relativeTo, withHome } from '../util/home-path.ts';

type Home = Pick<Session, 'directory' | 'home'>;

/**
 * Where in a session a path of a job's file is: absolute. A relative one is below the job's directory; of a job with a
 * home of its own `~` is that, and what its file calls the job's directory is it, wherever that lies here.
 */
export function pathIn({ directory: written }: Pick<JobSpec, 'directory'>, session: Home, path: string): string {
  const isRelative = !posix.isAbsolute(path) && !/^~(\/|$)/.test(path);
  if (session.home === undefined || written === undefined || isRelative) return posix.resolve(session.directory, path);
  const wanted = logicalPath('~', path);
  const own = logicalPath('~', written);
  // In place the job's directory may be called `~` without being its home.
  const below = own === '~' ? undefined : relativeTo(own, wanted);
  if (below !== undefined) return posix.join(session.directory, below);
  return withHome(session.home, wanted);
}

/** A pattern with `~` as a path of the session; any other one as it is. */
export function homePath(spec: Pick<JobSpec, 'directory'>, session: Home, pattern: string): string {
  return session.home !== undefined && /^~(\/|$)/.test(pattern) ? pathIn(spec, session, pattern) : pattern;
}

/** The job's end when it wants files where none may be put. */
export function notPut(what: string, at: string, because: string): Outcome {
  const message = `${what} can't be put into ${at}: ${because}`;
  const hint = 'name a directory of the job, below `~` or `/tmp`, or give the job an image';
  return { status: 'failed', reason: 'runner_unsupported', message, hint };
}

/** What a selection of such a job takes besides: repositories, which GitLab Runner leaves out. */
export function wholePaths({ directory }: Pick<JobSpec, 'directory'>): Pick<FileSelection, 'repositories'> {
  return directory === undefined ? {} : { repositories: 'all' };
}
