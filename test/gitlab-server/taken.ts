import type { JobDescription } from './description.ts';
import { type GitlabServer, startGitlabServer } from './gitlab-server.ts';
import type { GitlabServerOptions } from './options.ts';
import { allFeatures, askForJob } from './raw.ts';
import type { Job } from './state/model.ts';

export interface Taken extends AsyncDisposable {
  readonly server: GitlabServer;
  readonly job: Job;
}

/** A server with one job that runs. */
export async function taken(
  options: GitlabServerOptions = {},
  features: object = allFeatures,
  job?: JobDescription,
): Promise<Taken> {
  const server = await startGitlabServer(options);
  const runner = server.addRunner();
  server.addPipeline({ jobs: [job ?? { name: 'one' }] });
  await askForJob(server, runner.token, { features });
  return { server, job: server.job('one'), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
