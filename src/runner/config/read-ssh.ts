import { present } from '../../util/present.ts';
import type { RunnerSsh } from './runner-config.ts';
import type { TomlFields } from './toml-fields.ts';

/** Reads `[runners.ssh]`. */
export function readSsh(fields: TomlFields): RunnerSsh {
  const port = Number(fields.filled('port') ?? '22');
  if (!Number.isInteger(port) || port < 1 || port > 65_535) fields.problem('port', 'error', 'must be a port like "22"');
  const ssh: RunnerSsh = {
    host: fields.filled('host') ?? 'localhost',
    port,
    user: fields.filled('user') ?? 'root',
    strictHostKeyChecking: !(fields.boolean('disable_strict_host_key_checking') ?? false),
    ...present({
      password: fields.filled('password'),
      identityFile: fields.filled('identity_file'),
      knownHostsFile: fields.filled('known_hosts_file'),
    }),
  };
  fields.rest();
  return ssh;
}
