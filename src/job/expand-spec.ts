import type { JobSpec } from '../model/job-spec.ts';
import type { Image, Service } from '../model/pipeline.ts';
import type { JobVariables } from './job-variables.ts';

/** The spec as an executor gets it: variables and the texts of image and services expanded. */
export function expandSpec(spec: JobSpec, variables: JobVariables): JobSpec {
  return {
    ...spec,
    variables: variables.all,
    ...(spec.image === undefined ? {} : { image: expandImage(spec.image, variables) }),
    services: spec.services.map(
      (service): Service => ({
        ...service,
        ...expandImage(service, variables),
        aliases: service.aliases.map(variables.expand).filter((alias) => alias !== ''),
        ...(service.command === undefined ? {} : { command: service.command.map(variables.expand) }),
        variables: service.variables.map((variable) =>
          variable.raw ? variable : { ...variable, value: variables.expand(variable.value), raw: true },
        ),
      }),
    ),
  };
}

function expandImage(image: Image, { expand }: JobVariables): Image {
  return {
    ...image,
    name: expand(image.name),
    ...(image.entrypoint === undefined ? {} : { entrypoint: image.entrypoint.map(expand) }),
    ...(image.platform === undefined ? {} : { platform: expand(image.platform) }),
    ...(image.user === undefined ? {} : { user: expand(image.user) }),
  };
}
