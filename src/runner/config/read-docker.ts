import type { PullPolicy } from '../../model/pipeline.ts';
import { present } from '../../util/present.ts';
import type { RunnerDocker, RunnerService } from './runner-config.ts';
import type { TomlFields } from './toml-fields.ts';

/** Reads `[runners.docker]`. */
export function readDocker(fields: TomlFields): RunnerDocker {
  const pullPolicy = policies(fields, 'pull_policy');
  const allowed = policies(fields, 'allowed_pull_policies');
  const docker: RunnerDocker = {
    tlsVerify: fields.boolean('tls_verify') ?? false,
    disableCache: fields.boolean('disable_cache') ?? false,
    disableEntrypointOverwrite: fields.boolean('disable_entrypoint_overwrite') ?? false,
    pullPolicy: pullPolicy.length === 0 ? ['always'] : pullPolicy,
    allowedImages: fields.texts('allowed_images'),
    allowedServices: fields.texts('allowed_services'),
    services: fields.tables('services').map(readService),
    ...present({
      host: fields.filled('host'),
      tlsCertPath: fields.filled('tls_cert_path'),
      image: fields.filled('image'),
      allowedPullPolicies: allowed.length === 0 ? undefined : allowed,
      servicesLimit: withoutAll(fields.integer('services_limit')),
    }),
    containers: {},
  };
  fields.unused(['helper_image', 'helper_image_flavor'], 'does nothing: no helper container is needed');
  return { ...docker, containers: fields.others() };
}

function policies(fields: TomlFields, key: string): readonly PullPolicy[] {
  return fields.textOrTexts(key).flatMap((written) => {
    if (written === 'always' || written === 'if-not-present' || written === 'never') return [written];
    if (written !== '') fields.problem(key, 'error', `must be always, if-not-present or never, not "${written}"`);
    return [];
  });
}

/** `-1`: any number. */
function withoutAll(limit: number | undefined): number | undefined {
  return limit !== undefined && limit < 0 ? undefined : limit;
}

function readService(fields: TomlFields): RunnerService {
  const service: RunnerService = {
    name: fields.text('name') ?? '',
    command: fields.texts('command'),
    entrypoint: fields.texts('entrypoint'),
    environment: fields.texts('environment'),
    ...present({ alias: fields.filled('alias') }),
  };
  if (service.name === '') fields.problem('name', 'error', 'must name an image');
  fields.rest();
  return service;
}
