import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type ConfigFile, ConfigFileError, readConfigFile } from '../../runner/config/config-file.ts';
import type { CheckContainers } from '../../runner/config/runner-config.ts';
import { createClient } from '../../runner/network/create-client.ts';
import { ownIdentity, type RunnerIdentity } from '../../runner/network/identity.ts';
import type { KeptRunnerPorts } from '../../runner/registration/kept-runners.ts';
import { RegistrationError } from '../../runner/registration/registration-error.ts';
import type { RunnerLog } from '../../runner/runner-log.ts';
import { systemId } from '../../runner/system-id.ts';
import { systemClock } from '../../util/clock.ts';
import { readDockerTable } from '../docker-settings.ts';
import { CommandError, exitCodes } from '../exit-code.ts';
import { type Invocation, printLines, printMessage } from '../invocation.ts';
import { findLocations } from '../locations.ts';

/** `-c`, also `CONFIG_FILE`. */
export interface RunnerFileOptions {
  readonly config?: string;
}

/** Where the file of runners is: never GitLab Runner's own unless it was named. */
export function runnerFilePath({ cwd, env }: Invocation, { config }: RunnerFileOptions): string {
  // A variable that is set to nothing names nothing.
  return config === undefined || config === '' ? join(findLocations(env).config, 'runner.toml') : resolve(cwd, config);
}

/** Reads the file and tells what does nothing in it. @throws CommandError exit 2 */
export async function openRunnerFile(invocation: Invocation, options: RunnerFileOptions): Promise<ConfigFile> {
  const file = readConfigFile(runnerFilePath(invocation, options), invocation.env, checkContainers);
  if (file.warnings.length > 0) await printMessage(invocation, file.warnings.join('\n'));
  return file;
}

/** Checks `[runners.docker]` by the same rules as `[docker]` of the settings. */
export const checkContainers: CheckContainers = (table) => readDockerTable(table, 'user', {});

/** Who we are to servers. */
export function identityOf({ version }: Invocation): RunnerIdentity {
  return ownIdentity({ version, revision: 'HEAD' });
}

/** What commands on runners work with. */
export async function runnerPorts(
  invocation: Invocation,
  path: string,
): Promise<KeptRunnerPorts & { readonly hostname: string }> {
  const identity = identityOf(invocation);
  const log: RunnerLog = (level, message) => {
    if (level === 'warning' || level === 'error') void printMessage(invocation, message);
  };
  const directory = dirname(path);
  const given = {
    identity,
    log,
    clock: systemClock,
    random: Math.random,
    env: invocation.env,
    certificateDirectory: join(directory, 'certs'),
  };
  return {
    identity,
    hostname: hostname(),
    systemId: await systemId({ directory, log }),
    connect: (credentials) => createClient(credentials, given),
    tell: (text) => printLines(invocation.stderr, text.split('\n')),
  };
}

/** Turns what goes wrong with runners into the exit code and message of a command. */
export async function asCommand(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ConfigFileError) throw new CommandError(exitCodes.usage, error.message);
    if (!(error instanceof RegistrationError)) throw error;
    throw new CommandError(error.kind === 'usage' ? exitCodes.usage : exitCodes.system, error.message);
  }
}
