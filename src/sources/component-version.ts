import { nearest } from '../util/nearest.ts';
import type { ProjectRefs } from './project-repository.ts';

/** What to read a component from. */
export type ChosenVersion =
  | {
      readonly kind: 'chosen';
      /** Full name of a tag or branch, or a commit. */
      readonly ref: string;
      /** Its commit, where that is known. */
      readonly sha?: string;
      /** The release's tag; absent where a branch or commit was named. */
      readonly version?: string;
    }
  | { readonly kind: 'none'; readonly why: string; readonly hint?: string };

interface Version {
  readonly tag: string;
  readonly numbers: readonly [major: number, minor: number, patch: number];
}

/**
 * Chooses what a component's version stands for: `~latest` and shortened versions (`1`, `1.2`) the highest release, all
 * else a tag, a branch, a commit, in this order. Releases are tags of the form `1.2.3` or `v1.2.3`: which tags GitLab
 * has a release for can't be seen in the repository. Versions before a release (`1.2.3-rc1`) count only in full.
 * Source: https://docs.gitlab.com/ci/components/#component-versions
 */
export function chooseVersion(wanted: string, { tags, branches }: ProjectRefs): ChosenVersion {
  const partial = /^(\d+)(?:\.(\d+))?$/.exec(wanted);
  const ofTag = (tag: string): ChosenVersion => {
    return {
      kind: 'chosen',
      ref: `refs/tags/${tag}`,
      sha: tags.get(tag)!,
      ...(isVersion(tag) ? { version: tag } : {}),
    };
  };
  if (wanted === '~latest' || partial) {
    const latest = highest([...tags.keys()].flatMap(releaseOf), partial?.slice(1).filter(Boolean).map(Number) ?? []);
    if (latest) return ofTag(latest.tag);
    const what = partial ? `release \`${wanted}.…\`` : 'release';
    if (!tags.has(wanted) && !branches.has(wanted)) {
      return { kind: 'none', why: `no tag is a ${what}`, hint: 'releases are tags such as 1.2.3' };
    }
  }
  if (tags.has(wanted)) return ofTag(wanted);
  if (branches.has(wanted)) return { kind: 'chosen', ref: `refs/heads/${wanted}`, sha: branches.get(wanted)! };
  if (/^[0-9a-f]{7,64}$/i.test(wanted)) return { kind: 'chosen', ref: wanted };
  const near = nearest(wanted, [...tags.keys(), ...branches.keys()]);
  const hint = near.length > 0 ? { hint: `nearest: ${near.join(', ')}` } : {};
  return { kind: 'none', why: `there is no tag, branch or commit \`${wanted}\``, ...hint };
}

function isVersion(tag: string): boolean {
  return /^v?\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/.test(tag);
}

function releaseOf(tag: string): readonly Version[] {
  const found = /^v?(\d+)\.(\d+)\.(\d+)(?:\+[\w.-]+)?$/.exec(tag);
  return found ? [{ tag, numbers: [Number(found[1]), Number(found[2]), Number(found[3])] }] : [];
}

function highest(versions: readonly Version[], prefix: readonly number[]): Version | undefined {
  return versions
    .filter(({ numbers }) => prefix.every((number, index) => numbers[index] === number))
    .sort((a, b) => compare(b.numbers, a.numbers) || (a.tag < b.tag ? -1 : 1))[0];
}

function compare(a: Version['numbers'], b: Version['numbers']): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
