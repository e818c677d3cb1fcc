import { SystemError } from '../../model/outcome.ts';
import type { Image, PullPolicy } from '../../model/pipeline.ts';

/** What decides when images are pulled. */
export interface PullRules {
  /** For images that name no policy; tried in order. */
  readonly policies: readonly PullPolicy[];
  /** What files may ask for; absent: everything. */
  readonly allowed?: readonly PullPolicy[];
  /** Nothing is pulled, whatever files ask for. */
  readonly offline: boolean;
  /** Where `policies` are set, as whoever reads the error would write it; absent: `--pull if-not-present`. */
  readonly setBy?: string;
}

/** The policies of one image, and whose word they are. */
export interface ChosenPolicies {
  readonly policies: readonly PullPolicy[];
  readonly by: 'file' | 'user' | 'offline';
  /** See `PullRules.setBy`. */
  readonly setBy?: string;
}

/**
 * Policies for an image in the order in which they are tried.
 * Source: https://docs.gitlab.com/runner/executors/docker/#configure-how-runners-pull-images
 * @throws SystemError runner_configuration_error when none of them is allowed.
 */
export function choosePolicies(image: Image, rules: PullRules): ChosenPolicies {
  if (rules.offline) return { policies: ['never'], by: 'offline' };
  const fromFile = image.pullPolicy?.length ? image.pullPolicy : undefined;
  const asked = fromFile ?? rules.policies;
  const { allowed = asked } = rules;
  const policies = asked.filter((policy) => allowed.includes(policy));
  if (policies.length > 0 && fromFile !== undefined) return { policies, by: 'file' };
  if (policies.length > 0)
    return { policies, by: 'user', ...(rules.setBy === undefined ? {} : { setBy: rules.setBy }) };
  const source = fromFile === undefined ? 'Runner config' : 'GitLab pipeline config';
  throw new SystemError(
    'runner_configuration_error',
    `pull_policy (${list(asked)}) defined in ${source} is not one of the allowed_pull_policies (${list(allowed)})`,
    { hint: `use one of ${allowed.join(', ')}` },
  );
}

/** As GitLab Runner prints them: `[always if-not-present]`. */
function list(policies: readonly PullPolicy[]): string {
  return `[${policies.join(' ')}]`;
}
