import { withFileErrorsNow } from '../../model/file-errors.ts';
import { withTag } from '../../model/image-name.ts';
import { SystemError } from '../../model/outcome.ts';
import type { Image } from '../../model/pipeline.ts';
import type { Belongings } from './belongings.ts';
import { buildsDirectory, jobContainerOptions, type OwnVolumes } from './container-config.ts';
import { writeFiles } from './container-files.ts';
import type { ContainerLayers } from './container-layers.ts';
import { shortReason, statusOf } from './engine.ts';
import { sharedObjects } from './git-objects.ts';
import type { ImageFacts } from './image-facts.ts';
import type { InsideFacts } from './image-knowledge.ts';
import { JobLayers } from './job-layers.ts';
import type { JobNetwork } from './job-network.ts';
import { labelsFor } from './labels.ts';
import {
  type CreatedContainer,
  isRefused,
  mountRefusal,
  SessionContainer,
  temporaryDirectory,
} from './session-container.ts';
import type { DockerSessionRequest } from './session-request.ts';

export interface Prepared {
  readonly container: SessionContainer;
  readonly inside: InsideFacts;
}

/** What the container of a job is made of. */
export interface ContainerRequest extends DockerSessionRequest {
  readonly image: Image;
  readonly facts: ImageFacts;
  /** The project's. */
  readonly directory: string;
  readonly network: JobNetwork;
  readonly ownVolumes: OwnVolumes;
  /** See `bootstrapOf`. */
  readonly greeting: string | undefined;
  /** Does something run in the container that nobody waits for? */
  readonly isRunning: () => boolean;
}

/**
 * Creates the job's container, with layers where the engine can mount them.
 * @param made learns of everything that was made, also when it fails.
 */
export async function prepareContainer(request: ContainerRequest, made: Belongings): Promise<Prepared> {
  const { engine, directory, options, layers: support, isRunning } = request;
  const base = options.readOnly ? buildsDirectory : '/';
  const { created, inside } = await createSeen(request, made);
  const { owner } = inside;
  const own = async (id: string): Promise<void> => {
    // For root the engine has made the working directory itself, but not in a volume.
    if (owner.uid === 0 && !options.readOnly) return;
    const place = { engine, container: id, directory, owner, seesOurFiles: support.seesOurFiles, base };
    await writeFiles(place, [{ path: directory, mode: 0o755 }, temporaryDirectory(place)], []);
  };
  await own(created.id);
  const replace = async (): Promise<string> => {
    const { id } = await createContainer(request, made, undefined);
    await own(id);
    return id;
  };
  const container = new SessionContainer({ engine, directory, owner, base, support, created, replace, isRunning });
  return { container, inside };
}

interface Seen {
  readonly created: CreatedContainer;
  readonly inside: InsideFacts;
}

/** With a look into the container, which is the first time that the engine has to mount anything. */
async function createSeen(request: ContainerRequest, made: Belongings): Promise<Seen> {
  const { engine, layers: support, directory } = request;
  const layers = await layersFor(request, made);
  if (layers === undefined) return look(request, await createContainer(request, made, undefined));
  let created: CreatedContainer | undefined;
  try {
    created = await createContainer(request, made, layers);
    return await look(request, created);
  } catch (error) {
    if (!isRefused(error)) throw error;
    const why = created === undefined ? shortReason(error) : await mountRefusal(engine, created.id, directory);
    if (why === undefined) throw error;
    support.refuse(layers.kind, why);
    return look(request, await createContainer(request, made, undefined));
  }
}

async function look(request: ContainerRequest, created: CreatedContainer): Promise<Seen> {
  const { knowledge, facts, image } = request;
  return { created, inside: await knowledge.inside(facts, created.id, image.user) };
}

/** None for users who could not write to layers. */
async function layersFor(request: ContainerRequest, made: Belongings): Promise<ContainerLayers | undefined> {
  const { layers: support, knowledge, facts, image, name, directory, job } = request;
  const uid = knowledge.userId(facts, image.user);
  if (uid === undefined || !support.suits(uid)) return undefined;
  const labels = labelsFor(job, 'files');
  const way = await support.way();
  if (way === undefined) return sourceLayersFor(request, made, labels);
  const layers = withFileErrorsNow(
    { doing: "make a job's directory" },
    () => new JobLayers(support.sets(), { way, name, directory, labels }),
  );
  made.directories.push(layers.scratch);
  made.volumes.push(...layers.volumes);
  return layers;
}

/** Only for jobs that will most likely take all of the sources, and of root: in the volume they belong to root. */
async function sourceLayersFor(
  request: ContainerRequest,
  made: Belongings,
  labels: Record<string, string>,
): Promise<ContainerLayers | undefined> {
  const { layers: support, knowledge, facts, image, name, directory, job } = request;
  const { source, steps } = job;
  const takesAll = steps.some((step) => step.kind === 'checkout' && (step.path ?? '.') === '.');
  if (source.kind !== 'snapshot' || !takesAll || knowledge.userId(facts, image.user) !== 0) return undefined;
  const sources = await support.sources();
  if (sources === undefined || !sources.suits(source.tree)) return undefined;
  const filler = { name, image, directory, labels: labelsFor(job, 'build'), options: {}, network: {} };
  try {
    const given = { name, directory, labels };
    const layers = await sources.layersOf(source.tree, filler, given, request.signal);
    made.volumes.push(...(layers?.volumes ?? []));
    return layers;
  } catch (error) {
    if (!isRefused(error)) throw error;
    support.refuse('sources', shortReason(error));
    return undefined;
  }
}

async function createContainer(
  request: ContainerRequest,
  made: Belongings,
  layers: ContainerLayers | undefined,
): Promise<CreatedContainer> {
  const { engine, job, image, options, directory, network, ownVolumes, greeting, layers: support } = request;
  const objects =
    support.seesOurFiles && job.source.kind === 'snapshot' ? await sharedObjects(job.source.tree.root) : [];
  // A second try has another name: the first may still be being removed.
  const tries = made.containers.length;
  const name = layers === undefined && tries > 0 ? `${request.name}-${tries}` : request.name;
  const body = jobContainerOptions({
    name,
    image,
    directory,
    labels: labelsFor(job, 'build'),
    options,
    network: network.forJob,
    ownVolumes,
    ...(greeting === undefined ? {} : { greeting }),
    // What the engine can't see is sent.
    readOnly: objects,
    ...(layers === undefined ? {} : { mounts: layers.mounts }),
  });
  let id: string;
  try {
    id = await engine.create(body);
    made.containers.push(id);
  } catch (error) {
    if (objects.length > 0 && /bind source path does not exist|invalid mount config/.test(shortReason(error))) {
      support.refuseAll(shortReason(error));
      return createContainer(request, made, undefined);
    }
    // Other things may be missing too, like a container whose volumes are wanted.
    if (statusOf(error) !== 404 || !/image/.test(shortReason(error))) throw error;
    const message = `image \`${withTag(image.name)}\` went away while the job was prepared`;
    throw new SystemError('image_pull_failure', message, { cause: error });
  }
  if (network.also !== undefined) await engine.api.getNetwork(network.also).connect({ Container: id });
  return { id, ...(layers === undefined ? {} : { layers }) };
}
