import type { JobSpec } from '../../model/job-spec.ts';
import { compileGlob } from '../../util/glob.ts';
import type { RunnerDocker } from '../config/runner-config.ts';

/**
 * Why a job may not run in its containers; undefined: it may. What the file itself names is always allowed, and without
 * a list all is.
 * Source: https://docs.gitlab.com/runner/executors/docker/#restrict-docker-images-and-services
 * @param job with its names of images as they are used, nothing to be expanded any more.
 */
export function refusedImage(job: Pick<JobSpec, 'image' | 'services'>, docker: RunnerDocker): string | undefined {
  const { allowedImages, allowedServices, servicesLimit } = docker;
  if (servicesLimit !== undefined && job.services.length > servicesLimit) {
    return `the job has ${job.services.length} services, and services_limit is ${servicesLimit}`;
  }
  const image = job.image?.name;
  if (image !== undefined && image !== docker.image && !isAllowed(image, allowedImages)) {
    return notOnList('image', image, allowedImages);
  }
  const own = new Set(docker.services.map(({ name }) => name));
  const service = job.services.find(({ name }) => !own.has(name) && !isAllowed(name, allowedServices));
  return service && notOnList('service', service.name, allowedServices);
}

function isAllowed(name: string, patterns: readonly string[]): boolean {
  return patterns.length === 0 || patterns.some((pattern) => compileGlob(pattern, { dialect: 'doublestar' })(name));
}

function notOnList(kind: 'image' | 'service', name: string, patterns: readonly string[]): string {
  return `The "${name}" ${kind} is not present on list of allowed ${kind}s: ${patterns.join(', ')}`;
}
