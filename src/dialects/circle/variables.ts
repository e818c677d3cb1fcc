import type { Context } from '../../model/context.ts';
import type { FactVariable, Variable } from '../../model/variable.ts';

/** A variable whose value is taken as it is. */
function fixed(name: string, value: string | undefined): readonly Variable[] {
  return value === undefined || value === '' ? [] : [{ name, value, raw: true }];
}

/**
 * The `CIRCLE_*` variables that are the same for all jobs. What only the service knows (ids of organizations, tokens)
 * is not set. Source: https://circleci.com/docs/reference/variables/#built-in-environment-variables
 */
export function circleVariables({ git, project, source }: Context): readonly Variable[] {
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
    ...(source === 'merge_request_event' && git.remoteUrl !== undefined
      ? fixed('CIRCLE_PULL_REQUEST', `${webUrl(git.remoteUrl)}/pull/1`)
      : []),
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
];

/** The variables that differ from job to job. */
export function jobVariables(workflow: string, job: string): readonly Variable[] {
  return [
    // Each job has a file of its own.
    { name: 'BASH_ENV', value: '', file: true },
    { name: 'CIRCLE_SHELL_ENV', value: '$BASH_ENV' },
    ...fixed('CIRCLE_JOB', job),
    ...fixed('CIRCLE_WORKFLOW_ID', `00000000-0000-0000-0000-${hex(workflow)}`),
    ...fixed('CIRCLE_WORKFLOW_JOB_ID', `00000000-0000-0000-0000-${hex(`${workflow}/${job}`)}`),
    ...fixed('CIRCLE_WORKFLOW_WORKSPACE_ID', `00000000-0000-0000-0000-${hex(workflow)}`),
  ];
}

/** Twelve digits that are the same for the same name. */
function hex(name: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(name)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash.toString(16).padStart(16, '0').slice(0, 12);
}
