import type { ContainerOptions, ResourceLimits } from '../executors/docker/container-options.ts';
import { choosePolicies, type PullRules } from '../executors/docker/pull-policies.ts';
import { SystemError } from '../model/outcome.ts';
import type { Image, Service } from '../model/pipeline.ts';
import type { JobNode } from '../model/plan.ts';
import { memoryText } from '../model/resource-text.ts';
import { expandToShow } from '../plan/expand-text.ts';

/** An image as a job will ask for it, as far as that is known before the job runs. */
export interface PlannedImage {
  readonly name: string;
  /** In the order in which they are tried. Empty: none that is allowed. */
  readonly pull: readonly string[];
  readonly user?: string;
  readonly platform?: string;
}

/** The image of a job; undefined: it names none. */
export function plannedImage(node: JobNode, options: ContainerOptions, pulls: PullRules): PlannedImage | undefined {
  const { image } = node.definition;
  if (image === undefined) return undefined;
  const { user: written, ...shown } = expanded(node, image, pulls);
  // As with GitLab Runner the settings' user wins over the file's.
  const user = options.user ?? written;
  return { ...shown, ...(user === undefined ? {} : { user }) };
}

/** The images of a job's services, with their aliases. */
export function plannedServices(
  node: JobNode,
  pulls: PullRules,
): readonly (PlannedImage & { readonly service: Service; readonly aliases: readonly string[] })[] {
  return node.definition.services.map((service) => ({
    ...expanded(node, service, pulls),
    service,
    aliases: service.aliases.map((alias) => expandToShow(node.variables, alias)),
  }));
}

function expanded({ variables }: JobNode, image: Image, pulls: PullRules): PlannedImage {
  const show = (text: string): string => expandToShow(variables, text);
  return {
    name: show(image.name),
    pull: policiesOf(image, pulls),
    ...(image.user === undefined ? {} : { user: show(image.user) }),
    ...(image.platform === undefined ? {} : { platform: show(image.platform) }),
  };
}

function policiesOf(image: Image, pulls: PullRules): readonly string[] {
  try {
    return choosePolicies(image, pulls).policies;
  } catch (error) {
    if (error instanceof SystemError) return [];
    throw error;
  }
}

/** One image in words, its user and platform behind it. */
export function imageText({ name, pull, user, platform }: PlannedImage): string {
  return [`image ${name}`, pullText(pull), ...told('user', user), ...told('platform', platform)].join(', ');
}

/** When it is pulled, in words. */
export function pullText(pull: readonly string[]): string {
  const [first, ...more] = pull;
  if (first === undefined) return 'pulled by no policy that is allowed';
  const words = first === 'always' ? 'pulled always' : first === 'never' ? 'never pulled' : 'pulled if not present';
  return more.length === 0 ? words : `${words}, else ${more.join(', else ')}`;
}

/** What containers may take of the machine, in words; nothing where there is no limit. */
export function limitTexts(options: ContainerOptions): readonly string[] {
  const { shmBytes, pidsLimit, ulimits = [], services = {} } = options;
  const jobs = [
    ...resourceTexts(options),
    ...told('processes up to', pidsLimit),
    ...told('/dev/shm', shmBytes === undefined ? undefined : memoryText(shmBytes)),
    ...ulimits.map(({ name, soft, hard }) => `${name} ${soft}:${hard}`),
  ];
  const ofServices = resourceTexts(services);
  return [
    ...(jobs.length === 0 ? [] : [`each job: ${jobs.join(', ')}`]),
    ...(ofServices.length === 0 ? [] : [`each service: ${ofServices.join(', ')}`]),
  ];
}

function resourceTexts(limits: ResourceLimits): readonly string[] {
  const { memoryBytes, cpus, cpusetCpus, cpuShares } = limits;
  return [
    ...told('memory', memoryBytes === undefined ? undefined : memoryText(memoryBytes)),
    ...told('CPUs', cpus),
    ...told('of CPUs', cpusetCpus),
    ...told('CPU shares', cpuShares),
  ];
}

function told(what: string, value: string | number | undefined): readonly string[] {
  return value === undefined ? [] : [`${what} ${value}`];
}

/** The limits with their values, for machines. */
export function limitFields(options: ContainerOptions): object {
  const { shmBytes, pidsLimit, ulimits, services } = options;
  return {
    ...resourceFields(options),
    ...Object.fromEntries(Object.entries({ shmBytes, pidsLimit, ulimits }).filter(([, value]) => value !== undefined)),
    ...(services === undefined ? {} : { services: resourceFields(services) }),
  };
}

const resourceNames = [
  ...['memoryBytes', 'memorySwapBytes', 'memoryReservationBytes', 'cpus', 'cpusetCpus', 'cpuShares'],
] as readonly (keyof ResourceLimits)[];

function resourceFields(limits: ResourceLimits): object {
  return Object.fromEntries(
    resourceNames.flatMap((name) => (limits[name] === undefined ? [] : [[name, limits[name]]])),
  );
}
