import type { JobSpec } from '../model/job-spec.ts';
import type { Image, Service } from '../model/pipeline.ts';
import type { Variable } from '../model/variable.ts';
import type { JobVariables } from './job-variables.ts';

/** The spec as an executor gets it: variables and the texts of image and services expanded. */
export function expandSpec(spec: JobSpec, variables: JobVariables): JobSpec {
  return {
    ...spec,
    // Not all executors want them.
    get variables() {
      return variables.all;
    },
    ...(spec.serviceVariables === undefined
      ? {}
      : { serviceVariables: [...madeByRunner(spec, variables), ...expandAll(spec.serviceVariables, variables)] }),
    ...(spec.image === undefined ? {} : { image: expandImage(spec.image, variables) }),
    services: spec.services.map(
      (service): Service => ({
        ...service,
        ...expandImage(service, variables),
        aliases: service.aliases.map(variables.expand).filter((alias) => alias !== ''),
        ...(service.command === undefined ? {} : { command: service.command.map(variables.expand) }),
        variables: expandAll(service.variables, variables),
      }),
    ),
  };
}

function madeByRunner(spec: JobSpec, { all }: JobVariables): readonly Variable[] {
  const given = new Set(spec.variables.map(({ name }) => name));
  return all.filter(({ name }) => !given.has(name));
}

function expandAll<V extends Variable>(list: readonly V[], { expand }: JobVariables): readonly V[] {
  return list.map((variable) =>
    variable.raw || variable.file ? variable : { ...variable, value: expand(variable.value), raw: true },
  );
}

function expandImage(image: Image, { expand }: JobVariables): Image {
  return {
    ...image,
    name: expand(image.name),
    ...(image.entrypoint === undefined ? {} : { entrypoint: image.entrypoint.map(expand) }),
    ...(image.platform === undefined ? {} : { platform: expand(image.platform) }),
    ...(image.user === undefined ? {} : { user: expand(image.user) }),
    ...(image.login === undefined
      ? {}
      : { login: { username: expand(image.login.username), password: expand(image.login.password) } }),
  };
}
