import { type Clock, systemClock } from '../../src/util/clock.ts';
import type { DecideFault } from './faults/fault.ts';

/** PEM texts. */
export interface ServerTls {
  readonly key: string;
  readonly cert: string;
  /** Clients have to show a certificate that this authority signed. */
  readonly clientCa?: string;
}

/** How the server is set up; every default is GitLab's. */
export interface GitlabServerOptions {
  /** `0`: any free one. */
  readonly port?: number;
  readonly host?: string;
  /** Installed below this path, like `/gitlab`. */
  readonly relativeUrl?: string;
  /** The server speaks HTTPS. */
  readonly tls?: ServerTls;
  readonly clock?: Clock;
  /** All that looks random comes from it. */
  readonly seed?: string;
  /** `disallowed`: registering by such a token is answered 410. */
  readonly registrationToken?: string | 'disallowed';
  /** What an administrator signs in with. */
  readonly personalToken?: string;
  /** How long a request for a job is held while nothing changes. `0`: not at all. */
  readonly longPollMs?: number;
  /** How long the server waits for a runner that took a job in two phases. */
  readonly ackTimeoutMs?: number;
  /** A running job of which nothing is heard for so long is dropped. */
  readonly heartbeatTimeoutMs?: number;
  /** Logs go to chunks in memory first: a final update with a checksum gets 202 until they are moved. */
  readonly liveTrace?: LiveTrace | 'off';
  /** `reject`: a final update whose checksum is wrong gets 412. GitLab only notes it. */
  readonly badChecksum?: 'note' | 'reject';
  /** Bytes of a log before its job is dropped. */
  readonly traceLimit?: number;
  /** Bytes of an artifact's file. */
  readonly artifactLimit?: number;
  readonly artifactsEnabled?: boolean;
  /** Direct downloads are sent there: a server of another origin. */
  readonly objectStorage?: boolean;
  readonly rateLimits?: RateLimits | 'off';
  /** How a client is told to wait. */
  readonly throttledBy?: 'application' | 'rack-attack';
  /** Runners that may be registered. */
  readonly runnerLimit?: number;
  /** Reasons beyond GitLab's own that a job's payload lists. */
  readonly failureReasons?: readonly string[];
  readonly tokenMaskPrefixes?: readonly string[];
  /** `dropped`: for heavy tests; `requests` then holds no bodies. */
  readonly requestBodies?: 'kept' | 'dropped';
  readonly decideFault?: DecideFault;
}

export interface LiveTrace {
  /** How long moving takes, once the first final update has asked for it. */
  readonly persistMs: number;
}

/** Requests a minute, for one token each. `0`: no limit. */
export interface RateLimits {
  readonly jobsRequest: number;
  readonly jobs: number;
  readonly patchTrace: number;
}

export type Settings = Required<Omit<GitlabServerOptions, 'tls' | 'decideFault' | 'runnerLimit'>> &
  Pick<GitlabServerOptions, 'tls' | 'runnerLimit'>;

const minuteMs = 60_000;

/** Fills in what a test does not say. */
export function settingsFrom(options: GitlabServerOptions): Settings {
  return {
    port: 0,
    host: '127.0.0.1',
    clock: systemClock,
    seed: 'seed',
    registrationToken: 'GR1348941registration',
    personalToken: 'glpat-administrator',
    longPollMs: 0,
    ackTimeoutMs: 2 * minuteMs,
    heartbeatTimeoutMs: 60 * minuteMs,
    liveTrace: 'off',
    badChecksum: 'note',
    traceLimit: 100 * 1024 * 1024,
    artifactLimit: 100 * 1024 * 1024,
    artifactsEnabled: true,
    objectStorage: false,
    rateLimits: { jobsRequest: 2000, jobs: 200, patchTrace: 200 },
    throttledBy: 'application',
    failureReasons: [],
    tokenMaskPrefixes: [],
    requestBodies: 'kept',
    ...options,
    relativeUrl: (options.relativeUrl ?? '').replace(/\/+$/, ''),
  };
}
