import type { PullPolicy } from '../../model/pipeline.ts';

/**
 * What stands in `runner.toml`, which is GitLab Runner's `config.toml`, with its defaults filled in.
 * Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/
 */
export interface RunnerConfig {
  /** Jobs at once, of all runners of the file. */
  readonly concurrent: number;
  /** Between two questions for a job; shared out among the runners. */
  readonly checkIntervalMs: number;
  readonly logLevel?: string;
  readonly logFormat: 'runner' | 'text' | 'json';
  /** `host:port` of metrics. */
  readonly listenAddress?: string;
  /** Connections to servers are renewed after this time. */
  readonly connectionMaxAgeMs: number;
  /** How long jobs that were interrupted may take to end. */
  readonly shutdownTimeoutMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly sessionServer?: SessionServer;
  readonly runners: readonly RunnerEntry[];
}

/** What reading the file needs besides. */
export interface ConfigGiven {
  /** For `$NAME` in `url` and `token`. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly checkContainers: CheckContainers;
}

/** Checks what `[runners.docker]` says of containers. */
export type CheckContainers = (table: Readonly<Record<string, unknown>>) => {
  /** Values that do not fit. */
  readonly errors: readonly ContainersRemark[];
  /** Keys that nobody knows. */
  readonly warnings: readonly ContainersRemark[];
};

/** Something about one key; the text follows its name. */
export interface ContainersRemark {
  readonly key: string;
  readonly text: string;
}

/** `[session_server]`: where the interactive terminal is reached. */
export interface SessionServer {
  /** `host:port` */
  readonly listenAddress: string;
  /** `host:port` that the GitLab server is told. */
  readonly advertiseAddress: string;
  readonly sessionTimeoutMs: number;
}

/** One `[[runners]]`: a runner that a GitLab server knows. */
export interface RunnerEntry {
  /** Its place among the runners of the file, from 0. */
  readonly index: number;
  readonly name: string;
  /** Of the GitLab server; variables of the environment are put in. */
  readonly url: string;
  readonly id: number;
  /** Authentication token; variables of the environment are put in. Secret. */
  readonly token: string;
  readonly tokenObtainedAt?: Date;
  readonly tokenExpiresAt?: Date;
  readonly tls: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  /** As written. */
  readonly executor: string;
  readonly shell?: string;
  readonly buildsDir?: string;
  readonly cacheDir?: string;
  /** Takes the place of the address that jobs clone from. */
  readonly cloneUrl?: string;
  /** `K=V` */
  readonly environment: readonly string[];
  /** Jobs at once of this runner; 0: no limit of its own. */
  readonly limit: number;
  /** Bytes of a job's log. */
  readonly outputLimitBytes: number;
  /** Questions for a job at once. */
  readonly requestConcurrency: number;
  readonly strictCheckInterval: boolean;
  /** So many failed questions in a row, and it rests. */
  readonly unhealthyRequestsLimit: number;
  /** How long it rests. */
  readonly unhealthyIntervalMs: number;
  /** How often the end of a job is told before it is given up. */
  readonly finalUpdateRetryLimit: number;
  readonly scripts: {
    readonly preGetSources?: string;
    readonly postGetSources?: string;
    readonly preBuild?: string;
    readonly postBuild?: string;
  };
  readonly debugTraceDisabled: boolean;
  /** `FF_…`: they beat the job's variables. */
  readonly featureFlags: Readonly<Record<string, boolean>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly artifact: { readonly uploadTimeoutMs: number; readonly responseHeaderTimeoutMs: number };
  readonly cache: RunnerCache;
  readonly docker?: RunnerDocker;
  readonly ssh?: RunnerSsh;
}

/** `[runners.cache]` */
export interface RunnerCache {
  /** Absent: caches stay on this machine. */
  readonly type?: string;
  readonly path: string;
  /** Runners share caches: the runner's token is no part of the path. */
  readonly shared: boolean;
  /** Bytes; 0: any size. */
  readonly maxUploadedArchiveSize: number;
  readonly s3?: S3Cache;
}

/** `[runners.cache.s3]` */
export interface S3Cache {
  /** `host[:port]` */
  readonly serverAddress: string;
  /** Secret. */
  readonly accessKey: string;
  /** Secret. */
  readonly secretKey: string;
  /** Secret. */
  readonly sessionToken: string;
  readonly bucketName: string;
  readonly bucketLocation: string;
  /** Plain http. */
  readonly insecure: boolean;
  /** By Amazon's edge locations. */
  readonly accelerate?: boolean;
  readonly authenticationType?: string;
  readonly serverSideEncryption?: string;
  readonly serverSideEncryptionKeyId?: string;
  /** Absent: as the address wants it. */
  readonly pathStyle?: boolean;
}

/** `[runners.docker]`: what the machine's owner says of containers. */
export interface RunnerDocker {
  /** Address of the engine. */
  readonly host?: string;
  readonly tlsCertPath?: string;
  readonly tlsVerify: boolean;
  /** For a job that names no image. */
  readonly image?: string;
  readonly disableEntrypointOverwrite: boolean;
  /** Patterns; none: all. */
  readonly allowedImages: readonly string[];
  /** Patterns; none: all. */
  readonly allowedServices: readonly string[];
  /** Whom scripts may run as; none: anybody, or `user` alone where there is one. */
  readonly allowedUsers: readonly string[];
  /** Who runs scripts, whatever the job says. */
  readonly user?: string;
  /** Absent: what `pullPolicy` says. */
  readonly allowedPullPolicies?: readonly PullPolicy[];
  /** Tried in order. */
  readonly pullPolicy: readonly PullPolicy[];
  readonly services: readonly RunnerService[];
  /** Absent: any number; 0: none. */
  readonly servicesLimit?: number;
  /** All other keys that say something, `user` too, as written: how containers are made. */
  readonly containers: Readonly<Record<string, unknown>>;
}

/** `[[runners.docker.services]]`: beside each job. */
export interface RunnerService {
  readonly name: string;
  readonly alias?: string;
  readonly command: readonly string[];
  readonly entrypoint: readonly string[];
  /** `K=V` */
  readonly environment: readonly string[];
}

/** `[runners.ssh]`: the machine that jobs run on. */
export interface RunnerSsh {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Secret. */
  readonly password?: string;
  readonly identityFile?: string;
  readonly strictHostKeyChecking: boolean;
  readonly knownHostsFile?: string;
}
