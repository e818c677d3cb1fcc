/** The sources of a job as a GitLab server names them; `GIT_*` variables of the job say how they are fetched. */
export interface Repository {
  /** With a login in it. Secret. */
  readonly url: string;
  readonly sha: string;
  /** Name of the branch or tag, for the log. */
  readonly ref: string;
  readonly refspecs: readonly string[];
  /** Commits of history; 0: all. */
  readonly depth: number;
  readonly objectFormat: 'sha1' | 'sha256';
  /** How it is fetched where `GIT_STRATEGY` says nothing. */
  readonly strategy: 'fetch' | 'clone';
}
