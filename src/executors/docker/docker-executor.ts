import { randomBytes } from 'node:crypto';
import { platform } from 'node:os';
import { join } from 'node:path';
import { SystemError } from '../../model/outcome.ts';
import type { PullPolicy } from '../../model/pipeline.ts';
import type { Executor } from '../executor.ts';
import { EngineSilent } from './answer-of.ts';
import type { ContainerOptions } from './container-options.ts';
import { CredentialHelpers } from './credential-helper.ts';
import { openDockerSession } from './docker-session.ts';
import { connectEngine, type Engine, statusOf } from './engine.ts';
import type { EngineLocation } from './engine-address.ts';
import { withSocketPath } from './engine-socket.ts';
import { ImageKnowledge } from './image-knowledge.ts';
import { ImageStore } from './images.ts';
import { LayerSupport } from './layer-support.ts';
import { sweepLeftovers } from './leftovers.ts';
import type { PullRules } from './pull-policies.ts';
import { Removals } from './removals.ts';

/** What the composition root decides about jobs in containers. */
export interface DockerExecutorOptions {
  /** Where the engine is. */
  readonly engine: EngineLocation;
  /** It was found there already; absent: it is looked for when the first job is opened. */
  readonly connected?: Engine;
  /** When images are pulled. A policy alone: for images that name none. */
  readonly pull: PullRules | PullPolicy;
  /** `DOCKER_AUTH_CONFIG` of the user's own environment. */
  readonly authConfig?: string;
  /** The user's own environment, for credential helpers; absent: none can be run. */
  readonly env?: Readonly<Record<string, string>>;
  /** Between TERM and KILL, milliseconds. */
  readonly graceMs: number;
  readonly containers?: ContainerOptions;
  /** How long an image's entrypoint may take before the user is told, milliseconds; default 10,000. */
  readonly entrypointPatienceMs?: number;
  /**
   * Absolute path of a directory for what jobs' layers need, made when needed; absent: files are always sent to the
   * engine, never mounted.
   */
  readonly layersDirectory?: string;
  /** User id of this process; default: as the system says. */
  readonly uid?: number;
  /** Wait before a failed pull is tried again, milliseconds; default 2,000; doubles. */
  readonly pullRetryDelayMs?: number;
  /** How long `close` waits for removals, milliseconds; default 30,000. What is left is swept by a later run. */
  readonly closeTimeoutMs?: number;
  /** How long the engine may take to answer, milliseconds; default 120,000. */
  readonly answerLimitMs?: number;
  /** Told by `close` when something could not be removed, so that somebody else has to. */
  readonly onLeft?: () => void;
}

/** Jobs in containers, one each. */
export function createDockerExecutor(options: DockerExecutorOptions): Executor {
  const removals = new Removals();
  const open = new Set<() => void>();
  let connection: Promise<Connection> | undefined;
  return {
    name: 'docker',
    open: async (job, out, signal, watcher) => {
      signal.throwIfAborted();
      connection ??= connect(options, removals);
      const { engine, images, containers, ...known } = await connection;
      return openDockerSession({
        engine,
        ...known,
        images: images.forJob(job, watcher),
        job,
        options: containers,
        graceMs: options.graceMs,
        serviceTimeoutMs: containers.serviceTimeoutMs ?? 30_000,
        entrypointPatienceMs: options.entrypointPatienceMs ?? 10_000,
        name: `ci-${randomBytes(6).toString('hex')}`,
        open,
        removeLater: (made) => removals.add(engine, made),
        out,
        signal,
      });
    },
    // The requests go out at once; what the engine does not do is left to a later run's sweep.
    kill: () => {
      for (const drop of open) drop();
    },
    close: async () => {
      const connected = await connection?.catch(() => undefined);
      connected?.layers.stop();
      const isClean = await removals.finish(options.closeTimeoutMs ?? 30_000);
      const sourcesGone = await connected?.layers.close();
      if (!isClean || sourcesGone === false) options.onLeft?.();
    },
  };
}

interface Connection {
  readonly engine: Engine;
  readonly images: ImageStore;
  readonly knowledge: ImageKnowledge;
  readonly layers: LayerSupport;
  readonly containers: ContainerOptions;
}

async function connect(options: DockerExecutorOptions, removals: Removals): Promise<Connection> {
  const engine = doubting(options.connected ?? (await connectEngine(options.engine, options.answerLimitMs)), () =>
    removals.doubt(),
  );
  const images = imageStore(engine, options);
  // What killed runs left goes meanwhile; nobody waits for it.
  removals.addSweep(sweepLeftovers(engine));
  const { layersDirectory: directory, uid = process.getuid?.() } = options;
  const settings = directory === undefined ? undefined : { directory, uid, platform: platform() };
  const containers = await withSocketPath(options.containers ?? {}, engine);
  const layers = new LayerSupport(engine, settings);
  return { engine, images, knowledge: new ImageKnowledge(engine), layers, containers };
}

function imageStore(engine: Engine, options: DockerExecutorOptions): ImageStore {
  const { pull, authConfig } = options;
  return new ImageStore({
    engine,
    retryDelayMs: options.pullRetryDelayMs ?? 2000,
    ...(typeof pull === 'string' ? { policies: [pull], offline: false } : pull),
    logins: {
      configDirectory: options.engine.configDirectory ?? join(options.engine.home, '.docker'),
      ...(authConfig === undefined ? {} : { authConfig }),
      helpers: new CredentialHelpers({ env: options.env ?? {} }),
    },
  });
}

/**
 * An engine that breaks off has answered what it did not do: as it stops it removes a container and leaves the volume
 * that goes with it. One that is silent may still do what it was asked for.
 */
function doubting(engine: Engine, doubt: () => void): Engine {
  return {
    ...engine,
    failure: (doing, error) => {
      const isOther = error instanceof SystemError && !(error instanceof EngineSilent);
      const answered = statusOf(error) !== undefined || isOther;
      if (!answered && !(error instanceof Error && error.name === 'AbortError')) doubt();
      return engine.failure(doing, error);
    },
  };
}
