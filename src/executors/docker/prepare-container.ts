import { withFileErrorsNow } from '../../model/file-errors.ts';
import { withTag } from '../../model/image-name.ts';
import { SystemError } from '../../model/outcome.ts';
import type { Image } from '../../model/pipeline.ts';
import { sharedObjects } from '../git-objects.ts';
import type { Belongings } from './belongings.ts';
import { buildsDirectory, jobContainerOptions, type OwnVolumes } from './container-config.ts';
import { writeFiles } from './container-files.ts';
import type { ContainerLayers } from './container-layers.ts';
import { shortReason, statusOf } from './engine.ts';
import type { ImageFacts } from './image-facts.ts';
import type { InsideFacts } from './image-knowledge.ts';
import { JobLayers } from './job-layers.ts';
import type { JobNetwork } from './job-network.ts';
import type { JobPlace } from './job-place.ts';
import { labelsFor } from './labels.ts';
import { type CreatedContainer, isRefused, mountRefusal, SessionContainer, temporaryIn } from './session-container.ts';
import type { DockerSessionRequest } from './session-request.ts';

/** A job's container that was created and not started, and what is known of the inside of its image. */
export interface Prepared {
  readonly container: SessionContainer;
  readonly inside: InsideFacts;
}

/** What the container of a job is made of. */
export interface ContainerRequest extends DockerSessionRequest {
  readonly image: Image;
  readonly facts: ImageFacts;
  readonly jobPlace: JobPlace;
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
  const { engine, jobPlace, options, layers: support, isRunning } = request;
  const { directory, temporaryDirectory } = jobPlace;
  const base = options.readOnly ? buildsDirectory : '/';
  const { created, inside } = await createSeen(request, made);
  const { owner } = inside;
  const own = async ({ id, layers }: CreatedContainer): Promise<void> => {
    const place = { engine, container: id, directory, temporaryDirectory, owner, base };
    const directories = ownDirectories(jobPlace, layers !== undefined)
      // For root the engine has made the working directory itself, but not in a volume.
      .filter((path) => owner.uid !== 0 || options.readOnly || !isOnTheWayTo(directory, path))
      .map((path) => ({ path, mode: 0o755 }));
    if (owner.uid === 0 && directories.length === 0) return;
    await writeFiles({ ...place, seesOurFiles: support.seesOurFiles }, [...directories, temporaryIn(place)], []);
  };
  await own(created);
  const replace = async (): Promise<string> => {
    const anew = await createContainer(request, made, undefined);
    await own(anew);
    return anew.id;
  };
  const place = { engine, directory, temporaryDirectory };
  const container = new SessionContainer({ ...place, owner, base, support, created, replace, isRunning });
  return { container, inside };
}

/** Directories that have to be the user's; one of the image that nothing is mounted at is left as it is. */
function ownDirectories({ directory, missing }: JobPlace, isMounted: boolean): readonly string[] {
  return isMounted && !missing.includes(directory) ? [...missing, directory] : missing;
}

function isOnTheWayTo(directory: string, path: string): boolean {
  return directory === path || directory.startsWith(`${path}/`);
}

interface Seen {
  readonly created: CreatedContainer;
  readonly inside: InsideFacts;
}

/** With a look into the container, which is the first time that the engine has to mount anything. */
async function createSeen(request: ContainerRequest, made: Belongings): Promise<Seen> {
  const { engine, layers: support } = request;
  const layers = await layersFor(request, made);
  if (layers === undefined) return look(request, await createContainer(request, made, undefined));
  let created: CreatedContainer | undefined;
  try {
    created = await createContainer(request, made, layers);
    return await look(request, created);
  } catch (error) {
    if (!isRefused(error)) throw error;
    const why =
      created === undefined ? shortReason(error) : await mountRefusal(engine, created.id, request.jobPlace.directory);
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
  const { layers: support, knowledge, facts, image, name, jobPlace, job } = request;
  if (!jobPlace.isFree) return undefined;
  const { directory, temporaryDirectory } = jobPlace;
  const uid = knowledge.userId(facts, image.user);
  if (uid === undefined || !support.suits(uid)) return undefined;
  const labels = labelsFor(job, 'files');
  const way = await support.way();
  if (way === undefined) return sourceLayersFor(request, made, labels);
  const layers = withFileErrorsNow(
    { doing: "make a job's directory" },
    () => new JobLayers(support.sets(), { way, name, directory, temporaryDirectory, labels }),
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
  const { layers: support, knowledge, facts, image, name, jobPlace, job } = request;
  const { directory, temporaryDirectory } = jobPlace;
  const { source, steps } = job;
  const takesAll = steps.some((step) => step.kind === 'checkout' && (step.path ?? '.') === '.');
  if (source.kind !== 'snapshot' || !takesAll || knowledge.userId(facts, image.user) !== 0) return undefined;
  const sources = await support.sources();
  if (sources === undefined || !sources.suits(source.tree)) return undefined;
  const filler = { name, image, directory, labels: labelsFor(job, 'build'), options: {}, network: {} };
  try {
    const given = { name, directory, temporaryDirectory, labels };
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
  const { engine, job, image, options, network, ownVolumes, greeting, layers: support } = request;
  const objects =
    support.seesOurFiles && job.source.kind === 'snapshot' ? await sharedObjects(job.source.tree.root) : [];
  // A second try has another name: the first may still be being removed.
  const tries = made.containers.length;
  const name = layers === undefined && tries > 0 ? `${request.name}-${tries}` : request.name;
  const body = jobContainerOptions({
    name,
    image,
    directory: request.jobPlace.directory,
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
