import { parseListenAddress } from '../metrics/listen-address.ts';
import { hostOf } from '../session/advertised-host.ts';
import { readRunner } from './read-runner.ts';
import type { CheckContainers, ConfigGiven, RunnerConfig, SessionServer } from './runner-config.ts';
import { above0, type ConfigProblem, TomlFields } from './toml-fields.ts';

const defaultCheckMs = 3000;
const metricsPort = 9252;

/** Keys that mean something to GitLab Runner and nothing here, with what follows from that. */
const unsupported: Readonly<Record<string, string>> = {
  sentry_dsn: 'does nothing: errors go to the log alone',
  user: 'does nothing: start the runner as the user that jobs are to run as',
  experimental: 'does nothing',
  machine: 'does nothing: no machines are made on demand here',
  autoscaler: 'does nothing: no machines are made on demand here',
};

/** A file as it was read: what it says, and what is wrong with it. */
export interface ReadConfig {
  readonly config: RunnerConfig;
  readonly problems: readonly ConfigProblem[];
}

/**
 * Reads the content of `runner.toml`. Values that do not fit are told and have their defaults.
 * @param content what the TOML parser made of the file.
 * @param variables for `$NAME` in `url` and `token`.
 * @param checkContainers absent: whatever `[runners.docker]` says of containers will do.
 */
export function readConfig(
  content: Readonly<Record<string, unknown>>,
  variables: ConfigGiven['variables'],
  checkContainers: CheckContainers = unchecked,
): ReadConfig {
  const problems: ConfigProblem[] = [];
  const fields = new TomlFields(content, [], problems);
  const config = readGlobal(fields, { variables, checkContainers });
  for (const [key, why] of Object.entries(unsupported)) fields.unused([key], why);
  fields.rest();
  return { config, problems };
}

const unchecked: CheckContainers = () => ({ errors: [], warnings: [] });

function readGlobal(fields: TomlFields, given: ConfigGiven): RunnerConfig {
  const concurrent = fields.integer('concurrent') ?? 1;
  if (concurrent < 1) fields.problem('concurrent', 'error', 'must be at least 1');
  const checkSeconds = fields.integer('check_interval') ?? 0;
  const logLevel = fields.filled('log_level');
  const listenAddress = listenAddressOf(fields);
  const sessionServer = readSessionServer(fields.table('session_server'));
  return {
    concurrent,
    checkIntervalMs: checkSeconds > 0 ? checkSeconds * 1000 : defaultCheckMs,
    ...(logLevel === undefined ? {} : { logLevel }),
    logFormat: logFormatOf(fields),
    ...(listenAddress === undefined ? {} : { listenAddress }),
    connectionMaxAgeMs: above0(fields.durationMs('connection_max_age'), 15 * 60_000),
    shutdownTimeoutMs: above0(fields.integer('shutdown_timeout'), 30) * 1000,
    labels: fields.textMap('labels'),
    ...(sessionServer === undefined ? {} : { sessionServer }),
    runners: fields.tables('runners').map((runner, index) => readRunner(runner, index, given)),
  };
}

function logFormatOf(fields: TomlFields): RunnerConfig['logFormat'] {
  const written = fields.filled('log_format') ?? 'runner';
  if (written === 'runner' || written === 'text' || written === 'json') return written;
  fields.problem('log_format', 'error', 'must be runner, text or json');
  return 'runner';
}

/** Without `listen_address` there is none, whatever else stands there. */
function readSessionServer(fields: TomlFields | undefined): SessionServer | undefined {
  const listenAddress = fields?.filled('listen_address');
  const written = fields?.filled('advertise_address');
  const seconds = fields?.integer('session_timeout') ?? 0;
  fields?.rest();
  if (fields === undefined || listenAddress === undefined) return undefined;
  const listen = parseListenAddress(listenAddress);
  const advertiseAddress = written ?? listenAddress;
  const host = hostOf(advertiseAddress);
  if (listen === undefined) fields.problem('listen_address', 'error', 'must be like ":8093" or "0.0.0.0:8093"');
  else if (host === '' && written === undefined) {
    fields.problem('listen_address', 'error', 'names no host: say by `advertise_address` where the server reaches it');
  } else if (host === '') {
    fields.problem('advertise_address', 'error', 'must be like "runner.example.com:8093", without `https://`');
  } else if (host === '0.0.0.0' || host === '::') {
    const key = written === undefined ? 'listen_address' : 'advertise_address';
    fields.problem(
      key,
      'warning',
      'is told to the server, which can not connect to all addresses: set `advertise_address`',
    );
  }
  return { listenAddress, advertiseAddress, sessionTimeoutMs: (seconds > 0 ? seconds : 1800) * 1000 };
}

/** `localhost` → `localhost:9252`, as GitLab Runner. */
function listenAddressOf(fields: TomlFields): string | undefined {
  const written = fields.filled('listen_address');
  if (written === undefined) return undefined;
  const address = /:\d+$/.test(written) ? written : `${written.replace(/:$/, '')}:${metricsPort}`;
  if (parseListenAddress(address) !== undefined) return address;
  fields.problem('listen_address', 'error', 'must be like ":9252", "127.0.0.1:9252" or "[::1]:9252"');
  return undefined;
}
