import type { ConfigEdit } from '../config/edit-config.ts';
import type { RunnerEntry } from '../config/runner-config.ts';
import type { GitlabClient } from '../network/gitlab-client.ts';
import { newTokenEdit } from '../registration/kept-runners.ts';
import type { RunnerLog } from '../runner-log.ts';

/** When a token is changed: after three quarters of its time. */
const share = 0.75;

/** Is it time to ask for a new token? Tokens that never expire are kept. */
export function isTokenOld({ tokenObtainedAt, tokenExpiresAt }: RunnerEntry, nowMs: number): boolean {
  if (tokenObtainedAt === undefined || tokenExpiresAt === undefined) return false;
  const from = tokenObtainedAt.getTime();
  return nowMs >= from + share * (tokenExpiresAt.getTime() - from);
}

/**
 * Asks for new tokens where it is time.
 * @returns what is to be written into the file; a server that refuses is asked again the next time.
 */
export async function rotateTokens(
  runners: readonly RunnerEntry[],
  given: {
    readonly clientOf: (runner: RunnerEntry) => Pick<GitlabClient, 'resetToken'>;
    readonly nowMs: number;
    readonly log: RunnerLog;
  },
): Promise<readonly ConfigEdit[]> {
  const edits: ConfigEdit[] = [];
  for (const runner of runners) {
    if (!isTokenOld(runner, given.nowMs)) continue;
    if (runner.featureFlags['FF_DISABLE_AUTOMATIC_TOKEN_ROTATION']) {
      given.log('warning', 'The token expires soon, and may not be changed by itself', { name: runner.name });
      continue;
    }
    const answer = await given.clientOf(runner).resetToken();
    const { name } = runner;
    if (answer.kind === 'ok') {
      edits.push(newTokenEdit(runner, answer.value));
      given.log('info', 'The token was changed', { name });
    } else given.log('error', `The token could not be changed: ${answer.why}`, { name });
  }
  return edits;
}
