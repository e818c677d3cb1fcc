/** A pipeline as a test describes it: plain data, in the words of `.gitlab-ci.yml`. */
export interface PipelineDescription {
  /** Default: the order in which jobs name them. */
  readonly stages?: readonly string[];
  /** Branch or tag. Default: `main`. */
  readonly ref?: string;
  readonly refType?: 'branch' | 'tag';
  /** Default: what `ref` points at in the project's repository, or a made-up one without a repository. */
  readonly sha?: string;
  /** A merge request's pipeline: its jobs need the feature `refspecs`. */
  readonly mergeRequest?: boolean;
  readonly protected?: boolean;
  readonly variables?: DescribedVariables;
  readonly jobs: readonly JobDescription[];
}

export type DescribedVariables = Readonly<Record<string, string | DescribedVariable>>;

export interface DescribedVariable {
  readonly value: string;
  readonly public?: boolean;
  readonly file?: boolean;
  readonly masked?: boolean;
  readonly raw?: boolean;
}

export interface JobDescription {
  readonly name: string;
  /** Default: `test`. */
  readonly stage?: string;
  /** Default: `['true']`. */
  readonly script?: readonly string[];
  readonly afterScript?: readonly string[];
  /** Commands of `release:`: a step of its own, which needs the feature `multi_build_steps`. */
  readonly release?: readonly string[];
  readonly when?: 'on_success' | 'on_failure' | 'always' | 'manual';
  readonly allowFailure?: boolean | { readonly exitCodes: readonly number[] };
  /** Names of jobs. Absent: all jobs of earlier stages. */
  readonly needs?: readonly string[];
  /** Whose artifacts it gets. Absent: those it waits for. */
  readonly dependencies?: readonly string[];
  readonly tags?: readonly string[];
  readonly variables?: DescribedVariables;
  readonly image?: string | DescribedImage;
  readonly services?: readonly (string | DescribedImage)[];
  readonly artifacts?: DescribedArtifacts;
  readonly cache?: readonly DescribedCache[];
  readonly hooks?: readonly { readonly name: string; readonly script: readonly string[] }[];
  /** Seconds. Default: the project's, 3600. */
  readonly timeout?: number;
  readonly retry?: number | { readonly max: number; readonly when?: readonly string[] };
  /** Puts these fields of the response in the place of what the server makes, as they are. */
  readonly response?: Readonly<Record<string, unknown>>;
}

export interface DescribedImage {
  readonly name: string;
  readonly alias?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly pullPolicy?: readonly string[];
  readonly variables?: DescribedVariables;
  readonly executorOpts?: Readonly<Record<string, unknown>>;
}

export interface DescribedArtifacts {
  readonly name?: string;
  readonly paths?: readonly string[];
  readonly exclude?: readonly string[];
  readonly untracked?: boolean;
  readonly when?: 'on_success' | 'on_failure' | 'always';
  readonly expireIn?: string;
  /** Report type → paths. */
  readonly reports?: Readonly<Record<string, readonly string[]>>;
}

export interface DescribedCache {
  readonly key: string;
  readonly paths: readonly string[];
  readonly untracked?: boolean;
  readonly policy?: string;
  readonly when?: string;
  readonly fallbackKeys?: readonly string[];
}
