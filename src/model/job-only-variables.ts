/**
 * Predefined variables that come to be with a job: `include`, `workflow` and `rules` see none of them.
 * Source: https://docs.gitlab.com/ci/variables/predefined_variables/ ("Job-only")
 */
const jobOnly = new RegExp(
  `^CI_(?:${[
    'BUILDS_DIR',
    'CONCURRENT_(?:PROJECT_)?ID',
    'DEPLOY_(?:USER|PASSWORD)',
    'JOB_(?:ID|STARTED_AT|STATUS|TIMEOUT|TOKEN|URL)',
    'PIPELINE_(?:ID|URL)',
    'PROJECT_DIR',
    'REGISTRY_(?:USER|PASSWORD)',
    'REPOSITORY_URL',
    'RUNNER_\\w+',
    'SERVER',
    'TRIGGER_SHORT_TOKEN',
  ].join('|')})$`,
);

/** Is a predefined variable of this name only there in jobs? */
export function isJobOnly(name: string): boolean {
  return jobOnly.test(name);
}
