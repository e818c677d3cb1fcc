import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { JobDescription } from '../gitlab-server/description.ts';
import { type GitlabServer, startGitlabServer } from '../gitlab-server/gitlab-server.ts';
import { isFinished, type Job, type Project } from '../gitlab-server/state/model.ts';
import { jobLog } from './job-log.ts';
import { removeOnceFree } from './remove-once-free.ts';
import { type RunnerProcess, smallRepository, startRunner, startRunnerCommand } from './runner-process.ts';

/** The file of one runner, and how its process is started. */
export interface RunnerGiven {
  /** The runner's, and that of its folder in the room; default `one`. */
  readonly name?: string;
  /** Lines before `[[runners]]`; default: two jobs at a time. */
  readonly global?: string;
  /** Default: of a new runner of the server. */
  readonly token?: string;
  /** Default `shell`. */
  readonly executor?: string;
  /** Lines at the end of the runner's table. */
  readonly table?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** `CI_RUNNER_PACE`, where that of `startRunner` won't do; `users`: as they have it. */
  readonly pace?: object | 'users';
}

/** What a test of runners takes place in: made anew for each. */
export interface RunnerRoom {
  /** A folder, in which each runner has one of its name. */
  readonly home: string;
  readonly server: GitlabServer;
  /** Writes a runner's file, and starts it. */
  readonly start: (given?: RunnerGiven) => RunnerProcess;
  /** Starts a runner of the file that is there. */
  readonly startAgain: (given?: Pick<RunnerGiven, 'name' | 'env' | 'pace'>) => RunnerProcess;
  /** Starts another command of `ci runner`. */
  readonly command: (args: readonly string[], given?: Pick<RunnerGiven, 'name' | 'env'>) => RunnerProcess;
  /** Starts a pipeline with stages `build` and `test`, in one project with one file. */
  readonly addJobs: (...jobs: JobDescription[]) => void;
  /** The same, without sources. */
  readonly addJobsWithoutSources: (...jobs: JobDescription[]) => void;
  /** The last try of a job. */
  readonly job: (name: string) => Job;
  /** What a job's log says, without the headers of its lines. */
  readonly logOf: (name: string) => string;
  /** Resolves when a job's log holds the text. */
  readonly says: (name: string, text: string) => Promise<void>;
  /** Resolves when the server knows how the jobs ended. */
  readonly ends: (...names: string[]) => Promise<void>;
}

/** A room for each test of the file, or of the `describe` in which it is called. */
export function runnerRoom(options: NonNullable<Parameters<typeof startGitlabServer>[0]> = {}): RunnerRoom {
  let home = '';
  let server: GitlabServer;
  let runners: RunnerProcess[];
  let project: Project | undefined;
  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'ci-room-'));
    server = await startGitlabServer({ relativeUrl: '/gitlab', rateLimits: 'off', ...options });
    runners = [];
    project = undefined;
  });
  afterEach(async () => {
    server.setFaults(undefined);
    await Promise.all(runners.map(ended));
    await server[Symbol.asyncDispose]();
    await removeOnceFree(home);
  });
  const kept = (runner: RunnerProcess): RunnerProcess => {
    runners.push(runner);
    return runner;
  };
  const room: RunnerRoom = {
    get home() {
      return home;
    },
    get server() {
      return server;
    },
    start: (given = {}) =>
      kept(startRunner(join(home, given.name ?? 'one'), fileOf(given, server), environment(given))),
    startAgain: (given = {}) => kept(startRunner(join(home, given.name ?? 'one'), undefined, environment(given))),
    command: (args, given = {}) => kept(startRunnerCommand(join(home, given.name ?? 'one'), args, given.env)),
    addJobs: (...jobs) => {
      project ??= server.addProject({ repository: smallRepository(join(home, 'project')) });
      server.addPipeline({ stages: ['build', 'test'], jobs }, project);
    },
    addJobsWithoutSources: (...jobs) => {
      server.addPipeline({ stages: ['build', 'test'], variables: { GIT_STRATEGY: 'none' }, jobs });
    },
    job: (name) => server.job(name),
    logOf: (name) => jobLog(room.job(name)),
    says: (name, text) => server.until(() => room.logOf(name).includes(text)),
    ends: (...names) => server.until(() => names.every((name) => isFinished(room.job(name)))),
  };
  return room;
}

function fileOf(given: RunnerGiven, server: GitlabServer): string {
  const { name = 'one', global = 'concurrent = 2', executor = 'shell', table = '' } = given;
  const { token = server.addRunner().token } = given;
  return `check_interval = 1
${global}
[[runners]]
name = "${name}"
url = "${server.url}"
token = "${token}"
executor = "${executor}"
${table}
`;
}

function environment({ env = {}, pace }: RunnerGiven): Readonly<Record<string, string>> {
  if (pace === undefined) return env;
  return { CI_RUNNER_PACE: pace === 'users' ? '' : JSON.stringify(pace), ...env };
}

/** Ends a runner so that it takes along what it has made; at once where it has to wait for something. */
async function ended({ child, ended }: RunnerProcess): Promise<void> {
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGTERM'), 5000);
  await ended;
  clearTimeout(late);
}
