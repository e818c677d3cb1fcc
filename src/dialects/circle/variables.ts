import type { Context } from '../../model/context.ts';
import type { FactVariable, Variable } from '../../model/variable.ts';
import { projectSlug } from './pipeline-values.ts';

/** A variable whose value is taken as it is. */
function fixed(name: string, value: string | undefined): readonly Variable[] {
  return value === undefined || value === '' ? [] : [{ name, value, raw: true }];
}

/**
 * The `CIRCLE_*` variables that are the same for all jobs. What only the service knows is
 * not set, but for ids, which are made up. Source: https://circleci.com/docs/reference/variables/#built-in-environment-variables
 */
export function circleVariables({ git, project, source, predefined }: Context): readonly Variable[] {
  const pullRequest =
    source === 'merge_request_event' && git.remoteUrl !== undefined ? `${webUrl(git.remoteUrl)}/pull/1` : undefined;
  return [
    ...fixed('CI', 'true'),
    ...fixed('CIRCLECI', 'true'),
    ...fixed('CIRCLE_BRANCH', git.tag === undefined ? git.branch : undefined),
    ...fixed('CIRCLE_TAG', git.tag),
    ...fixed('CIRCLE_SHA1', git.sha),
    ...fixed('CIRCLE_PIPELINE_ID', '00000000-0000-0000-0000-000000000001'),
    ...fixed('CIRCLE_PROJECT_REPONAME', project.name),
    ...fixed('CIRCLE_PROJECT_USERNAME', project.namespace),
    ...fixed('CIRCLE_REPOSITORY_URL', git.remoteUrl),
    ...fixed('CIRCLE_USERNAME', predefined.find(({ name }) => name === 'GITLAB_USER_LOGIN')?.value),
    ...fixed('CIRCLE_ORGANIZATION_ID', madeUpId(project.namespace)),
    ...fixed('CIRCLE_PROJECT_ID', madeUpId(project.path)),
    { name: 'CIRCLE_BUILD_URL', value: `https://circleci.com/${projectSlug({ git, project })}/$CIRCLE_BUILD_NUM` },
    ...fixed('CIRCLE_PULL_REQUEST', pullRequest),
    ...fixed('CIRCLE_PULL_REQUESTS', pullRequest),
  ];
}

function webUrl(remote: string): string {
  return remote.replace(/\.git$/, '').replace(/^(?:ssh:\/\/)?git@([^:/]+)[:/]/, 'https://$1/');
}

/** Variables of a job that are known when it runs. */
export const facts: readonly FactVariable[] = [
  { name: 'CIRCLE_BUILD_NUM', fact: 'number' },
  { name: 'CIRCLE_WORKING_DIRECTORY', fact: 'directory' },
  { name: 'CIRCLE_INTERNAL_SCRATCH', fact: 'temporary' },
  // For the program `circleci`.
  { name: 'CIRCLE_INTERNAL_HALT_FILE', fact: 'halt-file' },
  { name: 'CIRCLE_INTERNAL_TEST_TIMINGS', fact: 'test-timings-file' },
];

/** The variables that differ from job to job. */
export function jobVariables(workflow: string, job: string): readonly Variable[] {
  return [
    // Each job has a file of its own.
    { name: 'BASH_ENV', value: '', file: true },
    { name: 'CIRCLE_SHELL_ENV', value: '$BASH_ENV' },
    ...fixed('CIRCLE_JOB', job),
    ...fixed('CIRCLE_WORKFLOW_ID', madeUpId(workflow)),
    ...fixed('CIRCLE_WORKFLOW_JOB_ID', madeUpId(`${workflow}/${job}`)),
    ...fixed('CIRCLE_WORKFLOW_WORKSPACE_ID', madeUpId(workflow)),
  ];
}

/** An id that the service would give: the same for the same name. */
function madeUpId(name: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(name)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return `00000000-0000-0000-0000-${hash.toString(16).padStart(16, '0').slice(0, 12)}`;
}
