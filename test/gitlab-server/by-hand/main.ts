import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type GitlabServer, startGitlabServer } from '../gitlab-server.ts';
import { readPipeline } from './read-pipeline.ts';
import { isGood, isOver, watchJobs } from './watch.ts';

const usage = `usage: npm run test:gitlab-server -- --project DIR [options]
  --project DIR     a git repository; its commits are served, not its working tree
  --pipeline FILE   .gitlab-ci.yml, or a pipeline in JSON (default: DIR/.gitlab-ci.yml)
  --port N          default: any free one
  --host ADDRESS    where it listens and what runners are told (default: 127.0.0.1)
  --token T         the runner's authentication token (default: a new glrt-…)
  --tags A,B        the runner's tags
  --until-done      ends when the pipeline has; exit code 1 if it failed
Jobs, logs and what a runner does wrong are written as they come. Ctrl-C ends it.
`;

/** Starts the server by hand; the exit code. */
export async function main(args: readonly string[], root: string): Promise<number> {
  const values = readArguments(args);
  if (values === undefined || values.project === undefined || values.help) {
    process.stderr.write(usage);
    return values?.help ? 0 : 2;
  }
  const project = resolve(values.project);
  if (!existsSync(project) || !isRepository(project)) {
    process.stderr.write(`${project} is no git repository\n`);
    return 2;
  }
  const description = await readPipeline(project, values.pipeline, root).catch((error: Error) => error);
  if (description instanceof Error) {
    process.stderr.write(`${description.message}\n`);
    return 2;
  }
  await using server = await startGitlabServer({ host: values.host, port: Number(values.port) });
  const tags = values.tags.split(',').filter((tag) => tag !== '');
  const runner = server.addRunner({ tags, ...(values.token === undefined ? {} : { token: values.token }) });
  watchJobs(server, (text) => process.stdout.write(text));
  const pipeline = server.addPipeline(description, server.addProject({ repository: project }));
  const asked = interrupted();
  process.stdout.write(invitation(server, runner.token));
  const ended = values['until-done'] ? server.until(() => isOver(pipeline)) : undefined;
  const timer = setInterval(() => server.sweep(), 1000);
  await Promise.race([asked, ...(ended === undefined ? [] : [ended])]);
  clearInterval(timer);
  return values['until-done'] && !(isOver(pipeline) && isGood(pipeline)) ? 1 : 0;
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        project: { type: 'string' },
        pipeline: { type: 'string' },
        port: { type: 'string', default: '0' },
        host: { type: 'string', default: '127.0.0.1' },
        token: { type: 'string' },
        tags: { type: 'string', default: '' },
        'until-done': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return undefined;
  }
}

function isRepository(directory: string): boolean {
  try {
    execFileSync('git', ['-C', directory, 'rev-parse', '--verify', '--quiet', 'HEAD'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function invitation({ url, store }: GitlabServer, token: string): string {
  const registration = store.settings.registrationToken;
  return `GitLab's side of the runner protocol at ${url}
  runner token        ${token}
  registration token  ${registration}
attach a runner:
  ci runner register --non-interactive --url ${url} --token ${token} --executor shell && ci runner run
  gitlab-runner run-single --url ${url} --token ${token} --executor shell
`;
}

function interrupted(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done());
  });
}
