import type { ImageName } from '../../model/image-name.ts';
import { SystemError } from '../../model/outcome.ts';
import type { PullPolicy } from '../../model/pipeline.ts';
import { assertNever } from '../../util/assert-never.ts';
import type { ChosenPolicies } from './pull-policies.ts';
import type { PullTrouble } from './pull-trouble.ts';

/** What became of one policy. */
export interface FailedPolicy {
  readonly policy: PullPolicy;
  readonly reason: string;
  /** Absent: nothing was pulled. */
  readonly trouble?: PullTrouble;
}

/** An image that can't be had with any of its policies. */
export interface MissingImage {
  readonly name: ImageName;
  readonly platform: string | undefined;
  readonly chosen: ChosenPolicies;
  readonly failures: readonly FailedPolicy[];
  /** Who has the login that was used; absent: the image was asked for without one. */
  readonly loginFrom: string | undefined;
  /** The engine has an image of this name, which its policy does not let us take. */
  readonly isThere: boolean;
  /** Another platform, for which the engine has it. */
  readonly otherPlatform?: string | undefined;
  /** An image that the engine has, of nearly the same name. */
  readonly similar: string | undefined;
  /** The engine's address as the user would write it. */
  readonly engine: string;
}

/** One error that names what each policy came to, and what to do. */
export function noImage(missing: MissingImage): SystemError {
  const { name, engine, failures } = missing;
  const reasons = failures.map(({ policy, reason }) => `${policy}: ${reason}`).join('; ');
  const there = `; the engine has an image of that name (built here, or pulled before), but \`always\` wants the registry's`;
  const message = `image \`${name.text}\` can't be had from ${engine}: ${reasons}${missing.isThere ? there : ''}`;
  const { otherPlatform } = missing;
  const other = otherPlatform === undefined ? '' : `; the engine has it for ${otherPlatform}`;
  const similar = missing.similar === undefined ? '' : `; did you mean \`${missing.similar}\`, which the engine has?`;
  return new SystemError('image_pull_failure', message, { hint: `${hintFor(missing)}${other}${similar}` });
}

function hintFor(missing: MissingImage): string {
  const { name, chosen, failures } = missing;
  if (chosen.by === 'offline') {
    return `pull it while you are online (\`docker pull ${name.text}\`), or leave out \`--offline\``;
  }
  if (missing.isThere) return hintForThere(chosen);
  const trouble = failures.findLast((failure) => failure.trouble !== undefined)?.trouble;
  if (trouble !== undefined) return hintOf(trouble, missing);
  return name.kind === 'id'
    ? 'no registry knows images by their ids: build or load it first, or write its name'
    : `pull or build the image first, or allow pulling: ${howToPull(chosen)}`;
}

function howToPull({ by, setBy }: ChosenPolicies): string {
  return setBy ?? (by === 'file' ? '`pull_policy: if-not-present` in the file' : '`--pull if-not-present`');
}

function hintForThere({ by, setBy }: ChosenPolicies): string {
  if (setBy !== undefined) return `to use what the engine has: ${setBy}`;
  return by === 'file'
    ? 'to use what the engine has write `pull_policy: if-not-present`, or `[always, if-not-present]` to ask the registry first'
    : 'to use what the engine has: `--pull if-not-present`, or `pull_policy: if-not-present` in the file';
}

function hintOf({ kind }: PullTrouble, { name, platform, loginFrom }: MissingImage): string {
  const { registry } = name;
  const login = registry === 'docker.io' ? '`docker login`' : `\`docker login ${registry}\``;
  switch (kind) {
    case 'invalid-name':
      return 'expected `[HOST[:PORT]/]NAME[:TAG][@DIGEST]`, the repository in lower case';
    case 'platform':
      return platform === undefined
        ? "it is not made for the engine's own platform: ask for one that it has with `docker: { platform: … }`"
        : `it is not made for ${platform}: look at \`docker: { platform: … }\` in the file`;
    case 'certificate':
      return `the engine does not trust ${registry}: put its CA into /etc/docker/certs.d/${registry}/ca.crt where the engine runs`;
    case 'plain-http':
      return `${registry} speaks no TLS: if you trust the way to it, add it to \`insecure-registries\` of the engine`;
    case 'no-space':
      return "the engine's disk is full: `docker system df` shows with what";
    case 'rate-limit':
      return loginFrom === undefined ? `wait, or log in for a higher limit: ${login}` : 'wait until the limit is over';
    case 'denied':
    case 'unauthorized':
      return loginFrom === undefined
        ? `is the name right? ${registry} was asked without a login: ${login}, or set DOCKER_AUTH_CONFIG`
        : `is the login in ${loginFrom} still right, and may it read this image? ${login} renews it`;
    case 'not-found':
      return `look at the name and the tag: ${registry} has no such image`;
    case 'unavailable':
      return `${registry} has trouble itself: try again later`;
    case 'unknown-host':
      return `look at the name of the registry, ${registry}, and at the network`;
    case 'network':
      return `look at the network: the engine could not talk to ${registry}`;
    case 'other':
      return 'look at the name of the image, the network and `docker login`';
    default:
      return assertNever(kind);
  }
}
