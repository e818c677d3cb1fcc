import type { JobSpec } from '../../model/job-spec.ts';
import type { LogSink } from '../../model/ports.ts';
import type { Belongings } from './belongings.ts';
import type { ContainerOptions } from './container-options.ts';
import type { Engine } from './engine.ts';
import type { ImageKnowledge } from './image-knowledge.ts';
import type { Images } from './images.ts';
import type { LayerSupport } from './layer-support.ts';

/** What one session is made of. */
export interface DockerSessionRequest {
  readonly engine: Engine;
  readonly images: Images;
  readonly knowledge: ImageKnowledge;
  readonly layers: LayerSupport;
  readonly job: JobSpec;
  readonly options: ContainerOptions;
  readonly graceMs: number;
  readonly serviceTimeoutMs: number;
  /** See `JobContainerPlace`. */
  readonly entrypointPatienceMs: number;
  /** Unique; start of the names of everything that the session makes at the engine. */
  readonly name: string;
  removeLater(made: Belongings): void;
  /** Learns how to drop the session's containers, from the first one on until the session is closed. */
  readonly open: Set<() => void>;
  readonly out: LogSink;
  readonly signal: AbortSignal;
}
