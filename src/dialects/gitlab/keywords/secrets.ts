import { notRun } from '../keyword.ts';

/** Variables from a vault. */
export const secrets = notRun('secrets', ['job'], 'the job runs without these variables', [
  'vault',
  'azure_key_vault',
  'gcp_secret_manager',
  'aws_secrets_manager',
  'akeyless',
  'gitlab_secrets_manager',
  'token',
  'file',
]);
