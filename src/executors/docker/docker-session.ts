import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { withTag } from '../../model/image-name.ts';
import type { JobSpec } from '../../model/job-spec.ts';
import { SystemError } from '../../model/outcome.ts';
import type { Image } from '../../model/pipeline.ts';
import { anySignal } from '../../util/any-signal.ts';
import type { KeptPlace, Session } from '../executor.ts';
import { programFile, programMode, programsDirectory } from '../job-programs.ts';
import { answerOf, EngineSilent } from './answer-of.ts';
import { type Belongings, noBelongings } from './belongings.ts';
import { buildsDirectory, jobContainerOptions, ownVolumeNames } from './container-config.ts';
import { type ContainerOptions, isPrivilegedService, optionsForJob, unusualOptions } from './container-options.ts';
import { ContainerUsage } from './container-usage.ts';
import type { ImageFacts } from './image-facts.ts';
import { say } from './images.ts';
import { JobContainer } from './job-container.ts';
import { openJobNetwork } from './job-network.ts';
import { type JobPlace, ourPlace } from './job-place.ts';
import { keptPrefix, labelsFor } from './labels.ts';
import { type Prepared, prepareContainer } from './prepare-container.ts';
import { isEngineImage } from './service-names.ts';
import { noServices, type RunningServices, type ServicesPlace, startServices } from './services.ts';
import type { SessionContainer } from './session-container.ts';
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
  const opening = open(request, made);
  try {
    const session = await answerOf(request, opening, request.signal);
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
    // What the engine makes after all goes as well.
    if (error instanceof EngineSilent) opening.then(drop, drop);
    const failure = engine.failure(`prepare job ${job.name} (${name})`, error);
    request.signal.throwIfAborted();
    throw failure;
  }
}

async function open(given: DockerSessionRequest, made: Belongings): Promise<Session> {
  const own = optionsForJob(given.options, given.job.image?.name ?? '');
  const request = { ...given, options: withEngineCertificates(own, given.job) };
  const { engine, job, out, signal, name, options } = request;
  if (job.image === undefined) {
    throw new SystemError('runner_system_failure', `job ${job.name} names no image`, {
      hint: 'give it an `image:`, or run it with `-e shell`',
    });
  }
  // As with GitLab Runner the settings' user wins over the file's.
  const image = options.user === undefined ? job.image : { ...job.image, user: options.user };
  await say(out, `Using Docker executor with image ${withTag(image.name)} ...`);
  const unusual = unusualOptions(options);
  if (unusual.length > 0) await say(out, `Containers get more than usual: ${unusual.join('; ')}`);
  const facts = await request.images.ensure(image, out, signal);
  const madeFrom = { ...image, name: facts.reference };
  made.volumes.push(...ownVolumeNames(options, name));
  // What is made of the job's image besides asks for it by the same name as the job's own container.
  const beside = { ...request, job: { ...job, image: madeFrom } };
  const network = await openJobNetwork(beside, made);
  const jobPlace = await placeFor(request, madeFrom, facts);
  const { directory, temporaryDirectory, home } = jobPlace;
  const greeting = greetingFor(image, facts);
  let commands: JobContainer | undefined;
  const isRunning = (): boolean => commands?.isKeptRunning ?? false;
  const place = { network, ownVolumes: { name, labels: labelsFor(job, 'files') } };
  const preparing = prepareContainer(
    { ...request, ...place, image: madeFrom, facts, jobPlace, greeting, isRunning },
    made,
  );
  const { container, inside, services } = await withServices(beside, place, made, preparing);
  const programs = await putPrograms(request, facts, container);
  const { memoryBytes } = options;
  const usage = new ContainerUsage({
    engine,
    network: /^(host$|container:)/.test(network.forJob.mode ?? '') ? 'shared' : 'own',
  });
  const started = new JobContainer({
    engine,
    get id() {
      return container.container;
    },
    image: withTag(image.name),
    shell: inside.shellFile,
    graceMs: request.graceMs,
    entrypointPatienceMs: request.entrypointPatienceMs,
    usage,
    get firstWords() {
      return container.firstWords();
    },
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...programs,
    ...(greeting === undefined ? {} : { greeting }),
    log: out,
  });
  commands = started;
  signal.throwIfAborted();
  return {
    directory,
    temporaryDirectory,
    ...(home === undefined ? {} : { home }),
    ...programs,
    where: `Running on ${name} via ${hostname()}...`,
    shell: inside.shell,
    prepare: (prepareSignal) => container.begin(out, prepareSignal),
    run: async (command, runSignal) => {
      await container.begin(out, runSignal);
      return started.run(command, runSignal);
    },
    enter: async (visit, visitSignal) => {
      await container.begin(out, visitSignal);
      return started.visit({ directory, ...visit }, visitSignal);
    },
    door: async (doorSignal) => {
      await container.begin(out, doorSignal);
      const door = await started.door(doorSignal);
      return (visit, leave) => door({ directory, ...visit }, leave);
    },
    keep: async (name, note) => {
      const kept = keptPrefix + name;
      const keptPlace: KeptPlace = { name: kept, commandFor: (file) => `docker exec -it ${kept} ${file}` };
      await note(keptPlace);
      try {
        await engine.api.getContainer(container.container).rename({ name: kept });
      } catch (error) {
        throw engine.failure(`keep job ${job.name}`, error);
      }
      await started.keep();
      // Nobody has to remove it any more, nor what it needs.
      for (const some of Object.values(made)) some.length = 0;
      return keptPlace;
    },
    files: sessionFiles(container),
    engine: options.mountSocket === undefined ? 'out of reach' : 'reached',
    explainFailure: () => services.explain(out),
    stats: async () => usage.total(),
    [Symbol.asyncDispose]: async () => {
      services.close();
      started.close();
      request.removeLater(made);
    },
  };
}

/** Where the job lives: where it says, by what its image has. */
async function placeFor(request: DockerSessionRequest, image: Image, facts: ImageFacts): Promise<JobPlace> {
  const { engine, job, knowledge, name, options } = request;
  const ours = ourPlace(buildsDirectory, job.projectPath);
  const { directory } = job;
  if (directory === undefined) return ours;
  const { temporaryDirectory } = ours;
  const wanted = { image: facts, user: image.user, directory, temporaryDirectory };
  // Nothing else can be written to.
  const home = options.readOnly ? { home: `${buildsDirectory}/home` } : {};
  const labels = labelsFor(job, 'build');
  return knowledge.place({ ...wanted, ...home }, async (look) => {
    const made = noBelongings();
    try {
      const body = { name: `${name}-look`, image, directory: '/', labels, options: {}, network: {} };
      const container = await engine.create(jobContainerOptions(body));
      made.containers.push(container);
      return await look(container);
    } finally {
      request.removeLater(made);
    }
  });
}

/** Has the job's programs written before its first command, and tells where they will be. */
async function putPrograms(
  { job, knowledge }: DockerSessionRequest,
  facts: ImageFacts,
  container: SessionContainer,
): Promise<Pick<Session, 'programs'>> {
  if (job.programs === undefined) return {};
  const shell = await knowledge.shellPath(facts, container.container);
  const programs = programsDirectory(container.temporaryDirectory);
  for (const program of job.programs) {
    const content = programFile(program, shell);
    await container.write({ path: `${programs}/${program.name}`, content, mode: programMode });
  }
  return { programs };
}

/**
 * A service that is a privileged container engine leaves the certificates for its clients where Docker's images look for
 * them. Source: https://docs.gitlab.com/ci/docker/using_docker_build/#use-docker-in-docker
 */
function withEngineCertificates(options: ContainerOptions, { services }: JobSpec): ContainerOptions {
  const { volumes = [] } = options;
  const target = '/certs/client';
  if (!services.some(({ name }) => isEngineImage(name) && isPrivilegedService(options, name))) return options;
  if (volumes.some((volume) => volume.target === target)) return options;
  return { ...options, volumes: [...volumes, { kind: 'own', target }] };
}

/** Images that have an entrypoint, or are given one, have to show that it lets the job's shell run. */
function greetingFor(image: Image, facts: ImageFacts): string | undefined {
  const hasOne = image.entrypoint === undefined ? facts.hasEntrypoint : image.entrypoint.some((word) => word !== '');
  return hasOne ? `ci-shell-${randomBytes(8).toString('hex')}` : undefined;
}

/** Starts the services while the job's container is made; nothing is under way any more when this settles. */
async function withServices(
  request: DockerSessionRequest,
  place: Pick<ServicesPlace, 'network' | 'ownVolumes'>,
  made: Belongings,
  preparing: Promise<Prepared>,
): Promise<Prepared & { readonly services: RunningServices }> {
  if (request.job.services.length === 0) return { ...(await preparing), services: noServices };
  const giveUp = new AbortController();
  preparing.catch((error: unknown) => giveUp.abort(error));
  using either = anySignal([request.signal, giveUp.signal]);
  const onCreated = (id: string): void => {
    made.containers.push(id);
  };
  const readyTimeoutMs = request.serviceTimeoutMs;
  const starting = startServices({ ...request, ...place, readyTimeoutMs, onCreated }, request.out, either.signal);
  const [prepared, started] = await Promise.allSettled([preparing, starting]);
  if (started.status === 'rejected') throw prepared.status === 'rejected' ? prepared.reason : started.reason;
  if (prepared.status === 'fulfilled') return { ...prepared.value, services: started.value };
  started.value.close();
  throw prepared.reason;
}
