import type { PullPolicy } from '../model/pipeline.ts';
import type { Invocation } from './invocation.ts';

/** What every command resolves to: the process's exit code. */
export type Action<O> = (invocation: Invocation, arguments_: readonly string[], options: O) => Promise<number>;

/** Options of all commands that read a pipeline file. */
export interface FileOptions {
  readonly file?: string;
  readonly directory?: string;
  readonly dialect?: 'ci' | 'gitlab' | 'circle';
  readonly color?: 'always' | 'never' | 'auto';
  /** `group/name=path` */
  readonly project?: readonly string[];
  /** Hosts, separated by commas. */
  readonly allowPrivateIncludes?: string;
  /** `NAME=VALUE`, for commands that have it. */
  readonly input?: readonly string[];
}

/** Options that say where the pipeline comes from. */
export interface EventOptions {
  readonly event?: 'push' | 'tag' | 'merge_request' | 'schedule' | 'web' | 'api' | 'trigger';
  readonly branch?: string;
  readonly tag?: string;
  readonly targetBranch?: string;
  readonly changedSince?: string;
  readonly var: readonly string[];
  readonly varFile: readonly string[];
  readonly secret: readonly string[];
  /** CircleCI: `name=value`. */
  readonly param?: readonly string[];
  /** CircleCI: names of workflows. */
  readonly workflow?: readonly string[];
}

/** Options that choose jobs. */
export interface SelectionOptions {
  readonly stage: readonly string[];
  readonly needs: boolean;
  readonly from?: string;
  readonly failed?: boolean;
  readonly manual: readonly string[];
  readonly allManual?: boolean;
  readonly executor?: 'auto' | 'shell' | 'docker' | 'ssh';
  /** `[USER@]HOST[:PORT]` */
  readonly sshHost?: string;
  readonly timeout?: number;
}

/** What a pipeline file can't ask for by itself. */
export interface ContainerFlags {
  readonly privileged?: boolean;
  readonly mountSocket?: boolean;
  readonly hardened?: boolean;
  /** Bytes. */
  readonly memory?: number;
  readonly cpus?: number;
}

/** When images are pulled. */
export interface ImageFlags {
  readonly offline?: boolean;
  readonly pull?: PullPolicy;
}

/** Options of all commands that plan a pipeline: which file, which event, which jobs, and how their containers are. */
export type PlanOptions = FileOptions & EventOptions & SelectionOptions & ContainerFlags & ImageFlags;

/** Options of `ci run`. */
export interface RunOptions extends PlanOptions {
  readonly concurrency?: number;
  readonly inPlace?: boolean;
  readonly isolation?: 'auto' | 'overlay' | 'copy';
  readonly artifactsDir?: string;
  readonly onFailure?: 'stop' | 'continue' | 'shell' | 'keep';
  readonly cache: boolean;
  readonly watch?: boolean;
  /** Answers what jobs ask before they are started by hand. */
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly reporter?: 'auto' | 'tree' | 'plain' | 'json' | 'github' | 'gitlab';
  readonly report: readonly string[];
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}
