import { hostname } from 'node:os';
import type { JobSpec } from '../../model/job-spec.ts';
import { SystemError } from '../../model/outcome.ts';
import type { Image } from '../../model/pipeline.ts';
import type { LogSink } from '../../model/ports.ts';
import { anySignal } from '../../util/any-signal.ts';
import type { Session } from '../executor.ts';
import { type ContainerLimits, jobContainerOptions } from './container-config.ts';
import { containerFiles, prepareDirectories } from './container-files.ts';
import { type Engine, statusOf } from './engine.ts';
import type { FilesPlace } from './files-place.ts';
import { sharedObjects } from './git-objects.ts';
import type { ImageKnowledge, InsideFacts } from './image-knowledge.ts';
import { type ImageFacts, type Images, say } from './images.ts';
import { JobContainer } from './job-container.ts';
import { labelsFor } from './labels.ts';
import { withTag } from './pull.ts';
import { startServices } from './services.ts';

/** What one session is made of. */
export interface DockerSessionRequest {
  readonly engine: Engine;
  readonly images: Images;
  readonly knowledge: ImageKnowledge;
  readonly job: JobSpec;
  readonly limits: ContainerLimits;
  readonly graceMs: number;
  readonly serviceTimeoutMs: number;
  /** Unique; start of the names of everything that the session makes at the engine. */
  readonly name: string;
  removeLater(containers: readonly string[], networks: readonly string[]): void;
  /** Learns how to drop the session's containers, from the first one on until the session is closed. */
  readonly open: Set<() => void>;
  readonly out: LogSink;
  readonly signal: AbortSignal;
}

/**
 * Makes the job's container and its services. The container is not started before the first command.
 * @throws SystemError; everything made so far is then removed.
 */
export async function openDockerSession(request: DockerSessionRequest): Promise<Session> {
  const { engine, job, name } = request;
  const containers: string[] = [];
  const networks: string[] = [];
  const drop = (): void => request.removeLater([...containers], [...networks]);
  request.open.add(drop);
  try {
    const session = await open(request, containers, networks);
    return {
      ...session,
      [Symbol.asyncDispose]: async () => {
        request.open.delete(drop);
        await session[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    request.open.delete(drop);
    drop();
    request.signal.throwIfAborted();
    throw engine.failure(`prepare job ${job.name} (${name})`, error);
  }
}

async function open(request: DockerSessionRequest, containers: string[], networks: string[]): Promise<Session> {
  const { engine, job, out, signal, name } = request;
  const { image } = job;
  if (image === undefined) {
    throw new SystemError('runner_system_failure', `job ${job.name} names no image`, {
      hint: 'give it an `image:`, or run it with `-e shell`',
    });
  }
  await say(out, `Using Docker executor with image ${withTag(image.name)} ...`);
  const facts = await request.images.ensure(image, out, signal);
  const network = job.services.length > 0 ? await openNetwork(request, networks) : undefined;
  const directory = `/builds/${job.projectPath}`;
  const { id, place, inside } = await withServices(
    request,
    network,
    containers,
    prepareContainer(request, image, facts, directory, network, containers),
  );
  const { memoryBytes } = request.limits;
  const container = new JobContainer({
    engine,
    id,
    image: withTag(image.name),
    shell: inside.shellFile,
    graceMs: request.graceMs,
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  });
  signal.throwIfAborted();
  return {
    directory,
    temporaryDirectory: `${directory}.tmp`,
    where: `Running on ${name} via ${hostname()}...`,
    shell: inside.shell,
    run: (command, runSignal) => container.run(command, runSignal),
    files: containerFiles(place),
    [Symbol.asyncDispose]: async () => {
      container.close();
      request.removeLater(containers, networks);
    },
  };
}

async function openNetwork(request: DockerSessionRequest, networks: string[]): Promise<string> {
  const labels = labelsFor(request.job, 'network');
  const network = await request.engine.api.createNetwork({
    Name: request.name,
    Driver: 'bridge',
    CheckDuplicate: true,
    Labels: labels,
  });
  networks.push(network.id);
  return request.name;
}

/** Starts the services while the job's container is made; nothing is under way any more when this settles. */
async function withServices(
  request: DockerSessionRequest,
  network: string | undefined,
  containers: string[],
  preparing: Promise<Prepared>,
): Promise<Prepared> {
  if (network === undefined) return preparing;
  const { engine, images, job, limits, name, serviceTimeoutMs, out } = request;
  const giveUp = new AbortController();
  preparing.catch((error: unknown) => giveUp.abort(error));
  using either = anySignal([request.signal, giveUp.signal]);
  const onCreated = (id: string): void => {
    containers.push(id);
  };
  const starting = startServices(
    { engine, images, job, limits, network, name, readyTimeoutMs: serviceTimeoutMs, onCreated },
    out,
    either.signal,
  );
  const [prepared, started] = await Promise.allSettled([preparing, starting]);
  if (prepared.status === 'rejected') throw prepared.reason;
  if (started.status === 'rejected') throw started.reason;
  return prepared.value;
}

interface Prepared {
  readonly id: string;
  readonly place: FilesPlace;
  readonly inside: InsideFacts;
}

async function prepareContainer(
  request: DockerSessionRequest,
  image: Image,
  facts: ImageFacts,
  directory: string,
  network: string | undefined,
  containers: string[],
): Promise<Prepared> {
  const { engine, job, limits, name } = request;
  const objects = job.source.kind === 'snapshot' ? await sharedObjects(job.source.tree.root) : [];
  const options = jobContainerOptions({
    name,
    image,
    directory,
    labels: labelsFor(job, 'build'),
    limits,
    ...(network === undefined ? {} : { network }),
    // Another machine's engine can't see them: `put` then streams them.
    ...(engine.isLocal ? { readOnly: objects } : {}),
  });
  let id: string;
  try {
    id = (await engine.api.createContainer(options)).id;
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    throw new SystemError(
      'image_pull_failure',
      `image \`${withTag(image.name)}\` went away while the job was prepared`,
      {
        cause: error,
      },
    );
  }
  containers.push(id);
  const inside = await request.knowledge.inside(facts, id, image.user);
  const place: FilesPlace = { engine, container: id, directory, owner: inside.owner };
  // For root the engine has made the working directory itself.
  if (inside.owner.uid !== 0) {
    await prepareDirectories(place, [
      { path: directory, mode: 0o755 },
      { path: `${directory}.tmp`, mode: 0o700 },
    ]);
  }
  return { id, place, inside };
}
