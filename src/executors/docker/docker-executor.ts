import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { PullPolicy } from '../../model/pipeline.ts';
import type { Executor } from '../executor.ts';
import type { ContainerLimits } from './container-config.ts';
import { openDockerSession } from './docker-session.ts';
import { connectEngine, type Engine } from './engine.ts';
import type { EngineLocation } from './engine-address.ts';
import { ImageKnowledge } from './image-knowledge.ts';
import { Images } from './images.ts';
import { removeContainer, sweepLeftovers } from './leftovers.ts';

/** What the composition root decides about jobs in containers. */
export interface DockerExecutorOptions {
  /** Where the engine is. */
  readonly engine: EngineLocation;
  /** For images that name no policy. */
  readonly pull: PullPolicy;
  /** Between TERM and KILL, milliseconds. */
  readonly graceMs: number;
  readonly limits?: ContainerLimits;
  /** How long a service may take until it accepts connections, milliseconds; default 30,000. */
  readonly serviceTimeoutMs?: number;
  /** Wait before a failed pull is tried again, milliseconds; default 2,000; doubles. */
  readonly pullRetryDelayMs?: number;
  /** How long `close` waits for removals, milliseconds; default 30,000. What is left is swept by a later run. */
  readonly closeTimeoutMs?: number;
}

/** Jobs in containers, one each. The engine is looked for when the first job is opened. */
export function createDockerExecutor(options: DockerExecutorOptions): Executor {
  const removals = new Removals();
  const open = new Set<() => void>();
  let connection: Promise<Connection> | undefined;
  return {
    name: 'docker',
    open: async (job, out, signal) => {
      signal.throwIfAborted();
      connection ??= connect(options, removals);
      const { engine, images, knowledge } = await connection;
      return openDockerSession({
        engine,
        images,
        knowledge,
        job,
        limits: options.limits ?? {},
        graceMs: options.graceMs,
        serviceTimeoutMs: options.serviceTimeoutMs ?? 30_000,
        name: `ci-${randomBytes(6).toString('hex')}`,
        open,
        removeLater: (containers, networks) => removals.add(engine, containers, networks),
        out,
        signal,
      });
    },
    // The requests go out at once; what the engine does not do is left to a later run's sweep.
    kill: () => {
      for (const drop of open) drop();
    },
    close: () => removals.finish(options.closeTimeoutMs ?? 30_000),
  };
}

interface Connection {
  readonly engine: Engine;
  readonly images: Images;
  readonly knowledge: ImageKnowledge;
}

async function connect(options: DockerExecutorOptions, removals: Removals): Promise<Connection> {
  const engine = await connectEngine(options.engine);
  const configDirectory = options.engine.configDirectory ?? join(options.engine.home, '.docker');
  const images = new Images({ engine, configDirectory, retryDelayMs: options.pullRetryDelayMs ?? 2000 }, options.pull);
  // What killed runs left goes meanwhile; nobody waits for it.
  removals.addSweep(sweepLeftovers(engine));
  return { engine, images, knowledge: new ImageKnowledge(engine) };
}

/** What is being removed in the background. */
class Removals {
  readonly #running = new Set<Promise<void>>();

  add(engine: Engine, containers: readonly string[], networks: readonly string[]): void {
    const removal = remove(engine, containers, networks)
      // A dead engine can't remove anything; the next run's sweep will.
      .catch(() => {})
      .finally(() => this.#running.delete(removal));
    this.#running.add(removal);
  }

  addSweep(sweep: Promise<unknown>): void {
    const swept = sweep
      .then(() => {})
      .catch(() => {})
      .finally(() => this.#running.delete(swept));
    this.#running.add(swept);
  }

  async finish(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([Promise.all(this.#running), late]);
    clearTimeout(timer);
  }
}

async function remove(engine: Engine, containers: readonly string[], networks: readonly string[]): Promise<void> {
  await Promise.allSettled(containers.map((id) => removeContainer(engine, id)));
  await Promise.allSettled(networks.map((id) => engine.api.getNetwork(id).remove()));
}
