import type { LogSink } from '../../model/ports.ts';
import type { ContainerUsage } from './container-usage.ts';
import type { Engine } from './engine.ts';

/** A container that has been created, and how its commands are ended. */
export interface JobContainerPlace {
  readonly engine: Engine;
  /** Another one may take its place before the first command. */
  readonly id: string;
  readonly image: string;
  /** For commands that name no shell: the file that `Session.shell` stands for. */
  readonly shell: string;
  /** Between TERM and KILL, milliseconds. */
  readonly graceMs: number;
  /** Shell commands that run before each script, as the image's user. */
  readonly firstWords: string;
  /** Directory with the job's programs. */
  readonly programs?: string;
  readonly memoryBytes?: number;
  /** What the bootstrap says once an image's entrypoint has let it run; absent: it is started without one. */
  readonly greeting?: string;
  /** How long an image's entrypoint may keep the job's shell waiting before the user is told, milliseconds. */
  readonly entrypointPatienceMs: number;
  /** For what should be said while a command runs. */
  readonly log: LogSink;
  /** Learns what the container uses. */
  readonly usage: ContainerUsage;
}
