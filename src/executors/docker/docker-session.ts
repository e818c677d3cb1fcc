import { hostname } from 'node:os';
import { SystemError } from '../../model/outcome.ts';
import { anySignal } from '../../util/any-signal.ts';
import type { Session } from '../executor.ts';
import { type Belongings, noBelongings } from './belongings.ts';
import { say } from './images.ts';
import { JobContainer } from './job-container.ts';
import { labelsFor } from './labels.ts';
import { type Prepared, prepareContainer } from './prepare-container.ts';
import { withTag } from './pull.ts';
import { startServices } from './services.ts';
import { sessionFiles } from './session-files.ts';
import type { DockerSessionRequest } from './session-request.ts';

/**
 * Makes the job's container and its services. The container is not started before the first command.
 * @throws SystemError; everything made so far is then removed.
 */
export async function openDockerSession(request: DockerSessionRequest): Promise<Session> {
  const { engine, job, name } = request;
  const made = noBelongings();
  const drop = (): void => request.removeLater(made);
  request.open.add(drop);
  try {
    const session = await open(request, made);
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

async function open(request: DockerSessionRequest, made: Belongings): Promise<Session> {
  const { engine, job, out, signal, name } = request;
  const { image } = job;
  if (image === undefined) {
    throw new SystemError('runner_system_failure', `job ${job.name} names no image`, {
      hint: 'give it an `image:`, or run it with `-e shell`',
    });
  }
  await say(out, `Using Docker executor with image ${withTag(image.name)} ...`);
  const facts = await request.images.ensure(image, out, signal);
  const network = job.services.length > 0 ? await openNetwork(request, made) : undefined;
  const directory = `/builds/${job.projectPath}`;
  let commands: JobContainer | undefined;
  const isRunning = (): boolean => commands?.isKeptRunning ?? false;
  const preparing = prepareContainer({ ...request, image, facts, directory, network, isRunning }, made);
  const { container, inside } = await withServices(request, network, made, preparing);
  const { memoryBytes } = request.limits;
  const started = new JobContainer({
    engine,
    get id() {
      return container.container;
    },
    image: withTag(image.name),
    shell: inside.shellFile,
    graceMs: request.graceMs,
    get firstWords() {
      return container.firstWords();
    },
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  });
  commands = started;
  signal.throwIfAborted();
  return {
    directory,
    temporaryDirectory: `${directory}.tmp`,
    where: `Running on ${name} via ${hostname()}...`,
    shell: inside.shell,
    prepare: (prepareSignal) => container.begin(out, prepareSignal),
    run: async (command, runSignal) => {
      await container.begin(out, runSignal);
      return started.run(command, runSignal);
    },
    files: sessionFiles(container),
    [Symbol.asyncDispose]: async () => {
      started.close();
      request.removeLater(made);
    },
  };
}

async function openNetwork(request: DockerSessionRequest, made: Belongings): Promise<string> {
  const labels = labelsFor(request.job, 'network');
  const network = await request.engine.api.createNetwork({
    Name: request.name,
    Driver: 'bridge',
    CheckDuplicate: true,
    Labels: labels,
  });
  made.networks.push(network.id);
  return request.name;
}

/** Starts the services while the job's container is made; nothing is under way any more when this settles. */
async function withServices(
  request: DockerSessionRequest,
  network: string | undefined,
  made: Belongings,
  preparing: Promise<Prepared>,
): Promise<Prepared> {
  if (network === undefined) return preparing;
  const { engine, images, job, limits, name, serviceTimeoutMs, out } = request;
  const giveUp = new AbortController();
  preparing.catch((error: unknown) => giveUp.abort(error));
  using either = anySignal([request.signal, giveUp.signal]);
  const onCreated = (id: string): void => {
    made.containers.push(id);
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
