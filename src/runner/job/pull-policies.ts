import type { PullPolicy } from '../../model/pipeline.ts';
import type { RunnerEntry } from '../config/runner-config.ts';

/** Which policies hold for an image, or why none does. */
export type JobPullPolicies =
  | { readonly kind: 'allowed'; readonly policies: readonly PullPolicy[] }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * What a job asks for, as far as the file allows it; what the file says, where the job asks for nothing. Only what the
 * file itself uses is allowed unless `allowed_pull_policies` says more.
 * Source: https://docs.gitlab.com/runner/executors/docker/#allow-docker-pull-policies
 */
export function pullPolicies(asked: readonly string[], { docker }: RunnerEntry): JobPullPolicies {
  const own: readonly PullPolicy[] = docker?.pullPolicy ?? ['always'];
  const allowed = docker?.allowedPullPolicies ?? own;
  const wanted = asked.length === 0 ? own : asked;
  const policies = allowed.filter((policy) => wanted.includes(policy));
  if (policies.length > 0) {
    const inOrder = wanted.flatMap((policy) => policies.filter((one) => one === policy));
    return { kind: 'allowed', policies: inOrder };
  }
  const where = asked.length === 0 ? 'Runner config' : 'GitLab pipeline config';
  const why = `pull_policy ([${wanted.join(' ')}]) defined in ${where} is not one of the allowed_pull_policies ([${allowed.join(' ')}])`;
  return { kind: 'refused', why };
}
