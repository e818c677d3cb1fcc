import type { AllowedHosts } from '../util/address-guard.ts';
import type { Resolve } from '../util/guarded-get.ts';
import type { GitServer, ServerToken } from './git-server.ts';
import type { IncludeLock } from './include-lock.ts';
import type { IncludeStore } from './include-store.ts';

/** When servers are asked. */
export type FetchPolicy =
  /** Never: what was fetched before is used, however old. */
  | 'never'
  /** For what is not there, and for what may have changed since it was last asked for. */
  | 'when-needed'
  /** For all that may have changed, whatever the lock file says. */
  | 'always';

/** A CircleCI server. */
export interface OrbRegistry {
  /** `https://circleci.com` */
  readonly url: string;
  /** For orbs that not everybody may see. */
  readonly token?: string;
}

/** What is needed to have files that lie on other machines. */
export interface IncludeAccess {
  readonly policy: FetchPolicy;
  readonly store: IncludeStore;
  readonly lock: IncludeLock;
  /** Absolute path of a folder for repositories that are only needed for a moment. */
  readonly scratch: string;
  /** As `process.env` has it: proxies, certificates, the ssh agent. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The server of `include:project`; undefined: nobody knows. Asked for when it is first needed. */
  readonly server: () => GitServer | undefined;
  /** The token for a server, by its host. */
  readonly token: (host: string) => ServerToken | undefined;
  readonly allowed: AllowedHosts;
  /** Where orbs come from. */
  readonly orbs: OrbRegistry;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
  readonly resolve?: Resolve;
  /** Does so much at once, and no more. */
  readonly limit: <T>(work: () => Promise<T>) => Promise<T>;
  /** Told what was read, for a lock file. */
  readonly onLocked: (
    kind: 'remotes' | 'projects' | 'orbs',
    name: string,
    state: { readonly sha: string; readonly version?: string },
  ) => void;
  /** Told what could not be had although it was asked for, and may be done without. */
  readonly onMissing: (name: string, why: string) => void;
  /** Told what the user should know: an old copy is used. */
  readonly onNotice: (text: string) => void;
}

/** What may change on a server is asked for again after this time, unless the include says how long it may be kept. */
export const usualAgeMs = 600_000;
