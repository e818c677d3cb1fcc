import { randomUUID, sign } from 'node:crypto';
import type { IdToken } from '../../model/pipeline.ts';
import type { JobNode } from '../../model/plan.ts';
import type { Variable } from '../../model/variable.ts';
import { expandWith } from '../../plan/expand-text.ts';
import { type SigningKey, signingKey } from '../../stores/signing-key.ts';

/** A name that never leads anywhere (RFC 2606), so that no service can take the tokens for those of a server. */
export const localIssuer = 'https://local.pipewright.invalid';

/** GitLab's least time that a token holds. */
const leastLifeMs = 5 * 60_000;

/**
 * Makes the ID tokens of a job when it is handed out: GitLab's claims, signed by a key of this machine. The user's own variables of the
 * same names stand above them. Source: https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload
 * @param given.stateDirectory where the key is kept; it is made with the first token.
 */
export function idTokens(given: {
  readonly stateDirectory: string;
  readonly runId: string;
  readonly now: () => number;
}): (node: JobNode, number: number) => readonly Variable[] {
  let key: SigningKey | undefined;
  return (node, number) =>
    (node.definition.idTokens ?? []).map((token) => {
      key ??= signingKey(given.stateDirectory);
      const value = signed(claims(node, token, { ...given, number }), key);
      return { name: token.name, value, raw: true, masked: true };
    });
}

/** Numbers are texts, as GitLab has them. */
function claims(
  node: JobNode,
  { audience, form }: IdToken,
  given: { readonly runId: string; readonly number: number; readonly now: () => number },
): Readonly<Record<string, unknown>> {
  const own = new Map(node.variables.belowDotenv.map(({ name, value }) => [name, value]));
  const of = (name: string): string => own.get(name) ?? '';
  const tag = own.get('CI_COMMIT_TAG');
  const [refType, ref] = tag === undefined ? ['branch', of('CI_COMMIT_REF_NAME')] : ['tag', tag];
  const wanted = audience.map((text) => expandWith(node.variables, text));
  const seconds = Math.floor(given.now() / 1000);
  return {
    ...{ namespace_id: of('CI_PROJECT_NAMESPACE_ID'), namespace_path: of('CI_PROJECT_NAMESPACE') },
    ...{ project_id: of('CI_PROJECT_ID'), project_path: of('CI_PROJECT_PATH') },
    ...{ user_id: of('GITLAB_USER_ID'), user_login: of('GITLAB_USER_LOGIN'), user_email: of('GITLAB_USER_EMAIL') },
    ...{ pipeline_id: given.runId, pipeline_source: of('CI_PIPELINE_SOURCE'), job_id: String(given.number) },
    ...{ ref, ref_type: refType, ref_path: `refs/${refType === 'tag' ? 'tags' : 'heads'}/${ref}` },
    ref_protected: of('CI_COMMIT_REF_PROTECTED') === '' ? 'false' : of('CI_COMMIT_REF_PROTECTED'),
    ...{ runner_id: 1, runner_environment: 'self-hosted', sha: of('CI_COMMIT_SHA') },
    ...{ project_visibility: of('CI_PROJECT_VISIBILITY'), ...environmentClaims(node, of) },
    ...{ jti: randomUUID(), iat: seconds, nbf: seconds - 5, iss: localIssuer },
    exp: seconds + Math.ceil(Math.max(leastLifeMs, node.timeoutMs) / 1000),
    sub: `project_path:${of('CI_PROJECT_PATH')}:ref_type:${refType}:ref:${ref}`,
    aud: form === 'list' ? wanted : wanted[0],
  };
}

function environmentClaims(node: JobNode, of: (name: string) => string): Readonly<Record<string, string>> {
  const { environment } = node.definition;
  if (environment === undefined) return {};
  return {
    environment: of('CI_ENVIRONMENT_NAME'),
    environment_protected: 'false',
    deployment_tier: of('CI_ENVIRONMENT_TIER'),
    environment_action: environment.action,
  };
}

function signed(payload: Readonly<Record<string, unknown>>, { key, id }: SigningKey): string {
  const part = (data: object): string => Buffer.from(JSON.stringify(data)).toString('base64url');
  const text = `${part({ alg: 'RS256', kid: id, typ: 'JWT' })}.${part(payload)}`;
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}
