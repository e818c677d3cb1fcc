/**
 * What a job did that a server would keep note of. Here nothing is kept from run to run and nobody is told: it is for the log, the
 * summary and the events alone. Texts are expanded, secrets masked.
 */
export interface Deployment {
  /** The environment's name. */
  readonly environment: string;
  /** `started`: the job deployed to it. `stopped`: the job took it down. */
  readonly state: 'started' | 'stopped';
  readonly tier: string;
  readonly url?: string;
  /** Name of the job that takes it down. */
  readonly onStop?: string;
  /** After so long a server would take it down: `1 week`. */
  readonly autoStopIn?: string;
}

/** A release that a server would have made. */
export interface Release {
  readonly tagName: string;
  readonly name: string;
  readonly description: string;
  /** What a tag that does not exist would point at. */
  readonly ref: string;
  readonly tagMessage?: string;
  readonly milestones: readonly string[];
  /** ISO 8601. */
  readonly releasedAt?: string;
  readonly links: readonly ReleaseLink[];
}

/** Words of `link_type`; `other` where none is given. Source: https://docs.gitlab.com/api/releases/links/ */
export const releaseLinkTypes = ['runbook', 'package', 'image', 'other'] as const;

/** One of `assets:links`, variables expanded. `filepath` is the end of the address that the release would give it. */
export interface ReleaseLink {
  readonly name: string;
  readonly url: string;
  readonly filepath?: string;
  readonly linkType?: (typeof releaseLinkTypes)[number];
}

/** A site that a server would have published. */
export interface PagesSite {
  /** The folder as the job calls it. */
  readonly publish: string;
  /** Absolute path of the folder among the artifacts of the run. */
  readonly path: string;
  /** Of the site's address. */
  readonly pathPrefix?: string;
  /** After so long a server would take it away; absent: never. */
  readonly expireInMs?: number;
}
