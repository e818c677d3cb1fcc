import type { Service } from '../../model/pipeline.ts';

/**
 * Names by which a service is reached: its image without tag and port, `/` as `__` and as `-`, then its aliases.
 * Source: https://docs.gitlab.com/ci/services/#accessing-the-services
 */
export function serviceAliases(service: Service): readonly string[] {
  const name = service.name.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  const [first = '', ...rest] = name.split('/');
  const path = [rest.length > 0 ? first.replace(/:\d+$/, '') : first, ...rest].join('/');
  return [...new Set([path.replaceAll('/', '__'), path.replaceAll('/', '-'), ...service.aliases])];
}

/** A service with the names that no other container of the job has. */
export interface NamedService {
  readonly service: Service;
  /** In the job's list. */
  readonly index: number;
  /** Not empty. */
  readonly aliases: readonly string[];
}

/**
 * Gives each name to the first service that has it; who loses one is told of. Where all are one host (`one place`) names
 * tell nobody apart, and all services have theirs.
 */
export function nameServices(
  services: readonly Service[],
  at: 'network' | 'one place',
): { readonly named: readonly NamedService[]; readonly warnings: string[] } {
  if (at === 'one place') {
    const named = services.map((service, index) => ({ service, index, aliases: serviceAliases(service) }));
    return { named, warnings: [] };
  }
  const taken = new Set(['build']);
  const named: NamedService[] = [];
  const warnings: string[] = [];
  for (const [index, service] of services.entries()) {
    const wanted = serviceAliases(service);
    const aliases = wanted.filter((alias) => !taken.has(alias));
    for (const alias of wanted) {
      if (taken.has(alias)) warnings.push(`Service ${service.name}: the alias ${alias} is taken already`);
      taken.add(alias);
    }
    if (aliases.length > 0) named.push({ service, index, aliases });
    else warnings.push(`Service ${service.name} is not started: none of its aliases is free`);
  }
  return { named, warnings };
}

/** Does the image hold an engine of its own, which only runs in a privileged container? */
export function isEngineImage(name: string): boolean {
  const [path = '', tag = ''] = name.replace(/@.*$/, '').split(/:(?=[^/]*$)/);
  return /(^|[-_.])dind([-_.]|$)/.test(tag) || /(^|[-_/])(dind|docker-in-docker)([-_]|$)/.test(path);
}
