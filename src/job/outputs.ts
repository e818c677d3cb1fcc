import { expandVariables } from '../expressions/expand-variables.ts';
import type { Deployment, PagesSite, Release } from '../model/deployment.ts';
import type { Outcome, Outputs, ResourceUse } from '../model/outcome.ts';
import type { JobRun } from './job-run.ts';
import { testResultsOf } from './test-results.ts';

/** What a job leaves, fit to leave the program: variables for other jobs as they are, all else without secrets. */
export async function outputsOf(run: JobRun, outcome: Outcome, resources: ResourceUse | undefined): Promise<Outputs> {
  const tests = await testResultsOf(run);
  const succeeded = outcome.status === 'success';
  const deployment = succeeded ? await deploymentOf(run) : undefined;
  const release = succeeded ? run.release : undefined;
  const pages = succeeded ? run.pages : undefined;
  return {
    ...{ dotenv: run.dotenv, artifacts: run.artifacts },
    ...(tests === undefined ? {} : { tests }),
    ...(deployment === undefined ? {} : { deployment: await masked(run, deployment) }),
    ...(release === undefined ? {} : { release: await masked(run, release) }),
    ...(pages === undefined ? {} : { pages: await masked(run, pages) }),
    ...(run.haltedBy === undefined ? {} : { haltedBy: await run.log.masked(run.haltedBy) }),
    ...(resources === undefined ? {} : { resources }),
  };
}

/**
 * Of a job that deploys or takes down; others only look at the environment. The URL may use what the job itself left by dotenv.
 * Source: https://docs.gitlab.com/ci/environments/#set-a-dynamic-environment-url
 */
async function deploymentOf({ spec, variables, dotenv, log }: JobRun): Promise<Deployment | undefined> {
  const { environment } = spec;
  if (environment === undefined || !(environment.action === 'start' || environment.action === 'stop')) return undefined;
  const left = new Map(dotenv.map(({ name, value }) => [name, value]));
  const url = expandVariables(environment.url ?? '', (name) => left.get(name) ?? variables.get(name));
  const { onStop } = environment;
  const autoStopIn = variables.expand(environment.autoStopIn ?? '').trim();
  const deployment: Deployment = {
    environment: variables.expand(environment.name),
    state: environment.action === 'start' ? 'started' : 'stopped',
    tier: variables.get('CI_ENVIRONMENT_TIER') ?? 'other',
    ...(url === '' ? {} : { url }),
    ...(onStop === undefined ? {} : { onStop: onStop.value }),
    ...(autoStopIn === '' || autoStopIn === 'never' ? {} : { autoStopIn }),
  };
  const where = url === '' ? '' : ` (${url})`;
  await log.info(`Environment ${deployment.environment} ${deployment.state}${where}`);
  return deployment;
}

/** All texts of it, those in lists and maps too. */
async function masked<T extends Deployment | Release | PagesSite>({ log }: JobRun, data: T): Promise<T> {
  const hide = async (value: unknown): Promise<unknown> => {
    if (typeof value === 'string') return log.masked(value);
    if (Array.isArray(value)) return Promise.all(value.map(hide));
    if (typeof value !== 'object' || value === null) return value;
    const entries = await Promise.all(
      Object.entries(value).map(async ([key, item]) => [key, await hide(item)] as const),
    );
    return Object.fromEntries(entries);
  };
  return (await hide(data)) as T;
}
