import type { ServerToken } from '../sources/git-server.ts';
import type { OrbRegistry } from '../sources/include-access.ts';
import { CommandError, exitCodes } from './exit-code.ts';
import type { Invocation } from './invocation.ts';
import type { Settings } from './settings.ts';

/**
 * Where orbs come from: CircleCI's own registry, or that of the setting. The token is the user's for that host, else the one that
 * CircleCI's own command takes from the environment.
 */
export function orbRegistry(
  url = 'https://circleci.com',
  tokens: Settings['tokens'],
  env: Invocation['env'],
): OrbRegistry {
  const full = /^https?:\/\//i.test(url) ? url : `https://${url}`;
  if (!URL.canParse(full)) {
    throw new CommandError(exitCodes.usage, `the setting \`circleci-url\` is no address: ${url}`);
  }
  const token = tokens.get(new URL(full).host.toLowerCase()) ?? (env['CIRCLECI_CLI_TOKEN'] || undefined);
  // No control character may get into a header.
  const isFit = token !== undefined && /^[\x21-\x7e]+$/.test(token);
  return { url: full, ...(isFit ? { token } : {}) };
}

/**
 * The token for a server. One of the environment is shown to one server only, which no pipeline file can choose:
 * `GITLAB_HOST`, else that of the setting `gitlab-url`, else gitlab.com; a job's to the server that it runs for.
 */
export function tokenFor(
  host: string,
  env: Invocation['env'],
  tokens: Settings['tokens'],
  ownHost: string | undefined,
): ServerToken | undefined {
  const name = host.toLowerCase();
  const own = tokens.get(name);
  if (own !== undefined) return { kind: 'user', value: own };
  const { GITLAB_TOKEN, GITLAB_HOST, CI_JOB_TOKEN, CI_SERVER_FQDN, CI_SERVER_HOST } = env;
  const named = (GITLAB_HOST || ownHost || 'gitlab.com').replace(/^https?:\/\//i, '').replace(/\/.*$/, '');
  if (GITLAB_TOKEN && named.toLowerCase() === name) return { kind: 'user', value: GITLAB_TOKEN };
  const server = CI_SERVER_FQDN || CI_SERVER_HOST;
  if (CI_JOB_TOKEN && server?.toLowerCase() === name) return { kind: 'job', value: CI_JOB_TOKEN };
  return undefined;
}
