import type { Readable } from 'node:stream';
import type { RunnerInfo } from './features.ts';
import type { JobCredentials, JobPayload } from './payload.ts';

/** What a connection to a server is made with. Two of the same share one client. */
export interface Credentials {
  readonly url: string;
  readonly token: string;
  /** Paths of PEM files; absent: `<host>.crt`, `<host>.auth.crt`, `<host>.auth.key` of the certificate directory. */
  readonly tlsCaFile?: string;
  readonly tlsCertFile?: string;
  readonly tlsKeyFile?: string;
}

/** Of a registration by the old registration token, which is the credentials' token. */
export interface RegisterRequest {
  readonly description?: string;
  readonly maintenanceNote?: string;
  readonly tags: readonly string[];
  readonly runUntagged: boolean;
  readonly locked: boolean;
  readonly accessLevel?: 'not_protected' | 'ref_protected';
  /** 0: none. */
  readonly maximumTimeoutSeconds: number;
  readonly paused: boolean;
  readonly info: RunnerInfo;
}

/** A runner as the server knows it. Of an old server that says nothing: 0 and ''. */
export interface KnownRunner {
  readonly id: number;
  readonly token: string;
  /** Undefined: never. */
  readonly tokenExpiresAt: Date | undefined;
}

/** `valid`: with what the server said. `removed`: it answered 403. `unknown`: it could not be asked, nothing is known. */
export type Verified =
  | { readonly kind: 'valid'; readonly runner: KnownRunner }
  | { readonly kind: 'removed' }
  | { readonly kind: 'unknown'; readonly why: string };

/** A new authentication token. */
export interface NewToken {
  readonly token: string;
  readonly obtainedAt: Date;
  /** Undefined: never. */
  readonly expiresAt: Date | undefined;
}

/** What came of a call that has a result. `status` is the server's, -1 (network, no JSON) or -100 (wrong address). */
export type Answered<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'failed'; readonly status: number; readonly why: string };

/** The terminal's address for `POST /jobs/request`. */
export interface SessionInfo {
  readonly url: string;
  readonly certificate: string;
  readonly authorization: string;
}

/** Of `POST /jobs/request`; `last_update` is the client's own to send. */
export interface JobRequest {
  readonly info: RunnerInfo;
  readonly systemId: string;
  readonly session?: SessionInfo;
  /** Ends a request that the server holds; the outcome is `aborted` then. */
  readonly signal: AbortSignal;
}

/** What came of asking for a job. `retried`: the server said to ask less, for adaptive concurrency. */
export type JobRequestOutcome = {
  /** False: counts as a failure of the runner's health. */
  readonly healthy: boolean;
  readonly retried: boolean;
} & (
  | {
      readonly kind: 'job';
      readonly job: JobPayload;
      readonly correlationId: string;
      /** For `CI_SERVER_TLS_CA_FILE`: PEM; '' : plain http. */
      readonly caChain: string;
    }
  /** A job came that can't be decoded. `credentials`, where they could be: to report it failed. */
  | { readonly kind: 'unreadable'; readonly credentials: JobCredentials | undefined; readonly why: string }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'failed'; readonly status: number; readonly why: string }
  | { readonly kind: 'aborted' }
);

/** States that a runner reports. */
export type ReportedState = 'running' | 'success' | 'failed';

/** Of `PUT /jobs/:id`. */
export interface JobUpdate {
  readonly state: ReportedState;
  readonly info: RunnerInfo;
  readonly failureReason?: string;
  /** Of the trace: `crc32:…`. */
  readonly checksum?: string;
  readonly bytesize?: number;
  /** Not sent when 0. */
  readonly exitCode?: number;
  /** '' is not sent. */
  readonly runtimeEnvironmentKey?: string;
}

/** What came of `PUT /jobs/:id`. */
export interface JobUpdated extends RemoteJob {
  readonly state: 'succeeded' | 'accepted' | 'trace-rejected' | 'abort' | 'failed';
}

/** What a server says of a job beside its answer. */
export interface RemoteJob {
  /** The job is being canceled: stop its script, run `after_script`. */
  readonly cancelRequested: boolean;
  /** Seconds, may be negative; 0: none given. */
  readonly updateIntervalSeconds: number;
}

/** Of `PATCH /jobs/:id/trace`. Empty content is not sent and succeeds. */
export interface TracePatch {
  readonly content: Uint8Array;
  readonly startOffset: number;
  readonly debugTrace: 'on' | 'off';
}

/** What came of `PATCH /jobs/:id/trace`. */
export interface TracePatched extends RemoteJob {
  readonly state: 'succeeded' | 'abort' | 'not-found' | 'range-mismatch' | 'failed';
  /** Where the next patch begins. */
  readonly sentOffset: number;
}

/** Of one `POST /jobs/:id/artifacts`. */
export interface ArtifactUpload {
  /** Its base name is sent. */
  readonly filename: string;
  /** Called anew for each try. */
  readonly open: () => Promise<Readable>;
  /** '' are not sent. */
  readonly type: string;
  readonly format: string;
  readonly expireIn: string;
  readonly timeouts?: { readonly totalMs: number; readonly headersMs: number };
}

/** What came of one upload, or of all tries. `why` is the log's text. */
export interface ArtifactUploaded {
  readonly state: 'succeeded' | 'forbidden' | 'too-large' | 'redirected' | 'unavailable' | 'failed';
  readonly why: string;
}

/** Of one `GET /jobs/:id/artifacts`. */
export interface ArtifactDownload {
  /** `omitted`: the parameter is not sent. */
  readonly direct: 'true' | 'false' | 'omitted';
  /** Takes the body. What it throws is not caught; a body that ends too early rejects its reading. */
  readonly take: (body: Readable) => Promise<void>;
}

/** What came of one download, or of all tries. */
export interface ArtifactDownloaded {
  readonly state: 'succeeded' | 'forbidden' | 'unauthorized' | 'not-found' | 'failed';
  readonly why: string;
}

/**
 * The server's interface for runners, for one set of credentials. Nothing throws: what goes wrong is in the result. A
 * `signal` ends a call early, as if the network had failed.
 */
export interface GitlabClient {
  readonly credentials: Credentials;
  /** `POST /runners`, for registration tokens. */
  register(request: RegisterRequest, signal?: AbortSignal): Promise<Answered<KnownRunner>>;
  /** `POST /runners/verify`. */
  verify(given: { readonly info: RunnerInfo; readonly systemId?: string }, signal?: AbortSignal): Promise<Verified>;
  /** `DELETE /runners`: true when the server has let it go. */
  unregister(signal?: AbortSignal): Promise<boolean>;
  /** `DELETE /runners/managers`, for tokens that begin with `glrt-`. */
  unregisterManager(systemId: string, signal?: AbortSignal): Promise<boolean>;
  /** `POST /runners/reset_authentication_token`. */
  resetToken(signal?: AbortSignal): Promise<Answered<NewToken>>;
  /** The same for a runner by its number, with a personal access token. */
  resetTokenOf(runnerId: number, personalAccessToken: string, signal?: AbortSignal): Promise<Answered<NewToken>>;
  /** `POST /jobs/request`. The server may hold it for a minute. */
  requestJob(request: JobRequest): Promise<JobRequestOutcome>;
  /** `PUT /jobs/:id`. */
  updateJob(job: JobCredentials, update: JobUpdate, signal?: AbortSignal): Promise<JobUpdated>;
  /** `PATCH /jobs/:id/trace`. */
  patchTrace(job: JobCredentials, patch: TracePatch, signal?: AbortSignal): Promise<TracePatched>;
  /** `POST /jobs/:id/artifacts` once; see `uploadArtifact` for the tries. */
  uploadArtifacts(job: JobCredentials, upload: ArtifactUpload, signal?: AbortSignal): Promise<ArtifactUploaded>;
  /** `GET /jobs/:id/artifacts` once, with the dependency's own number and token; see `downloadArtifact`. */
  downloadArtifacts(
    dependency: JobCredentials,
    download: ArtifactDownload,
    signal?: AbortSignal,
  ): Promise<ArtifactDownloaded>;
  /** Sent with the next `POST /jobs/request`. */
  readonly lastUpdate: string;
  /** Closes its connections; calls under way fail. */
  close(): void;
}
