import type { PullPolicy } from '../../model/pipeline.ts';
import { present } from '../../util/present.ts';
import type { ConfigGiven, RunnerDocker, RunnerService } from './runner-config.ts';
import type { TomlFields } from './toml-fields.ts';

/** Keys that mean something to GitLab Runner and nothing here, with what follows from that. */
const unsupported: Readonly<Record<string, string>> = {
  helper_image: 'does nothing: no helper container is needed',
  helper_image_flavor: 'does nothing: no helper container is needed',
  isolation: 'does nothing: it is for Windows',
  disable_cache: 'does nothing: volumes that have only a path always go with their job',
  cache_dir: 'does nothing: volumes that have only a path go with their job. Write "/host/path:/path" to keep one',
  volume_keep: 'does nothing: name a volume to keep it, "name:/path"',
  volume_driver: 'does nothing: make the volume at the engine, and name it below `volumes`',
  volume_driver_ops: 'does nothing: make the volume at the engine, and name it below `volumes`',
  service_slot_cgroup_template: 'does nothing: use `service_cgroup_parent`',
};

/** Reads `[runners.docker]`. */
export function readDocker(fields: TomlFields, given: ConfigGiven): RunnerDocker {
  const pullPolicy = policies(fields, 'pull_policy');
  const allowed = policies(fields, 'allowed_pull_policies');
  const docker: RunnerDocker = {
    tlsVerify: fields.boolean('tls_verify') ?? false,
    disableEntrypointOverwrite: fields.boolean('disable_entrypoint_overwrite') ?? false,
    pullPolicy: pullPolicy.length === 0 ? ['always'] : pullPolicy,
    allowedImages: fields.texts('allowed_images'),
    allowedServices: fields.texts('allowed_services'),
    allowedUsers: fields.texts('allowed_users'),
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
  for (const [key, why] of Object.entries(unsupported)) fields.unused([key], why);
  const containers = fields.others();
  const { errors, warnings } = given.checkContainers(containers);
  for (const { key, text } of errors) fields.problem(key, 'error', text);
  for (const { key, text } of warnings) fields.problem(key, 'warning', `${text}, and does nothing`);
  const { user } = containers;
  return { ...docker, containers, ...(typeof user === 'string' ? { user } : {}) };
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
