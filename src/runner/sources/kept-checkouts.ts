import { join } from 'node:path';
import { SystemError } from '../../model/outcome.ts';
import type { FetchedSources, SourcePort, SourceRequest } from '../../model/ports.ts';
import type { Repository } from '../../model/repository.ts';
import type { Clock } from '../../util/clock.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import { fetchRepository, GitFailed, type GitPlace, NoSpaceForSources } from './fetch-repository.ts';
import { type GitWishes, gitWishes } from './git-wishes.ts';
import { jobGitConfig, jobGitConfigPath } from './job-git-config.ts';
import { pathParts } from './path-parts.ts';

/** Between two tries, doubled each time. */
const firstPauseMs = 5000;
const longestPauseMs = 300_000;

/** Where the sources of one job are kept, and what git needs to get them. */
export interface KeptCheckout extends Pick<GitPlace, 'env' | 'tls' | 'fetchesAs'> {
  /** Absolute; of one job at a time. */
  readonly directory: string;
  readonly clock: Clock;
}

/**
 * The directory of a project's sources: of one runner, and of one job of the project at a time. The path of one project
 * may lead through another's, and become another's when it is free again: none may lie in, or find, what is another's.
 * @param given.buildsDir absolute.
 */
export function checkoutDirectory(given: {
  readonly buildsDir: string;
  readonly shortToken: string;
  readonly concurrentProjectId: number;
  /** `group/name`. */
  readonly projectPath: string;
  readonly projectId: number;
}): string {
  const { buildsDir, shortToken, concurrentProjectId, projectPath, projectId } = given;
  const ofRunner = join(buildsDir, shortToken.replace(/[^\w.-]/g, '_'), String(concurrentProjectId));
  // No group and no project has an `@` in its name.
  return join(ofRunner, ...pathParts(projectPath), `@${projectId}`);
}

/**
 * Sources that are fetched by git on this machine into a directory that stays: jobs get the tree as a layer or copy and
 * never write into it, so that only what is new must be fetched for the next one.
 */
export function keptCheckouts({ directory, clock, ...place }: KeptCheckout): SourcePort {
  return {
    async fetch(repository, request): Promise<FetchedSources | undefined> {
      const { say, warn } = request;
      const { wishes, warnings, error } = gitWishes(repository, request.variable);
      if (error !== undefined) throw new SystemError('runner_configuration_error', error);
      for (const warning of warnings) await warn(warning);
      if (wishes.strategy === 'none' || wishes.strategy === 'empty') {
        const empty = wishes.strategy === 'empty' ? ' and creating an empty build directory' : '';
        await say(`Skipping Git repository setup${empty}`);
        return undefined;
      }
      const { output, signal } = request;
      const include = jobGitConfigPath(request.temporaryDirectory);
      const git: GitPlace = { ...place, directory, include, say, signal, take: (bytes) => output.write(bytes) };
      await withRetries(wishes.attempts, request, clock, async (attempt) => {
        if (attempt > 0) await removeTree(directory);
        await fetchRepository(repository, wishes, git).catch(async (error: unknown) => {
          // What was fetched so far would leave no space for the next job either.
          if (error instanceof NoSpaceForSources) await removeTree(directory);
          throw error;
        });
      });
      const config = forJobs(repository, wishes, request);
      return { tree: { root: directory, immutable: true }, secrets: [{ path: include, content: config }] };
    },
  };
}

/** What the job's own git reads, so that its scripts can fetch and push as the job. */
function forJobs({ url }: Repository, { submodules }: GitWishes, { variable }: SourceRequest): string {
  const [caFile, certFile, keyFile] = ['CA', 'CERT', 'KEY'].map((what) => variable(`CI_SERVER_TLS_${what}_FILE`));
  const tls = {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
  return jobGitConfig({ url, forceHttps: submodules?.forceHttps === true, tls });
}

async function withRetries(
  attempts: number,
  { warn, signal }: Pick<SourceRequest, 'warn' | 'signal'>,
  clock: Clock,
  work: (attempt: number) => Promise<void>,
): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await work(attempt);
      return;
    } catch (error) {
      if (!(error instanceof GitFailed) || attempt + 1 >= attempts) throw error;
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** attempt);
      await warn(`${error.message}; trying again in ${pauseMs / 1000} s`);
      await clock.sleep(pauseMs, signal);
      signal.throwIfAborted();
    }
  }
}
