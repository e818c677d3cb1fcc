import type { JobSpec } from '../../model/job-spec.ts';
import { compileGlob } from '../../util/glob.ts';
import type { RunnerDocker } from '../config/runner-config.ts';

/** Why a job is not run in its containers. */
export interface Refusal {
  /** What the failure says; the words of GitLab Runner where it has some. */
  readonly message: string;
  /** What the log says before. */
  readonly lines: readonly string[];
  readonly hint: string;
}

/**
 * Why a job may not run in its containers; undefined: it may. What the file itself names is always allowed, and without
 * a list all is.
 * Source: https://docs.gitlab.com/runner/executors/docker/#restrict-docker-images-and-services
 * @param job with its names of images as they are used, nothing to be expanded any more.
 */
export function jobRefused(job: Pick<JobSpec, 'image' | 'services'>, docker: RunnerDocker): Refusal | undefined {
  const { allowedImages, allowedServices, servicesLimit } = docker;
  if (servicesLimit !== undefined && job.services.length > servicesLimit) {
    const message = `the job has ${job.services.length} services, and services_limit is ${servicesLimit}`;
    return { message, lines: [], hint: 'use fewer, or raise `services_limit` of the runner' };
  }
  const image = job.image?.name;
  if (image !== undefined && image !== docker.image && !isAllowed(image, allowedImages)) {
    return notOnList('images', image, allowedImages);
  }
  const user = docker.user ?? job.image?.user ?? '';
  const users = docker.allowedUsers.length > 0 ? docker.allowedUsers : present(docker.user);
  if (user !== '' && users.length > 0 && !users.includes(user)) {
    const message = `user "${user}" is not an allowed user: [${users.join(' ')}]`;
    return { message, lines: [], hint: 'use another one, or add it to `allowed_users` of the runner' };
  }
  const own = new Set(docker.services.map(({ name }) => name));
  const service = job.services.find(({ name }) => !own.has(name) && !isAllowed(name, allowedServices));
  return service && notOnList('services', service.name, allowedServices);
}

function isAllowed(name: string, patterns: readonly string[]): boolean {
  return patterns.length === 0 || patterns.some((pattern) => compileGlob(pattern, { dialect: 'doublestar' })(name));
}

function present(user: string | undefined): readonly string[] {
  return user === undefined ? [] : [user];
}

function notOnList(what: 'images' | 'services', name: string, patterns: readonly string[]): Refusal {
  return {
    message: 'disallowed image',
    lines: [
      `ERROR: The "${name}" image is not present on list of allowed ${what}:`,
      ...patterns.map((pattern) => `- ${pattern}`),
    ],
    hint: `use another one, or add it to \`allowed_${what}\` of the runner`,
  };
}
