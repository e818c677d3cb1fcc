import type { ContainerOptions } from '../executors/docker/container-options.ts';
import type { PullRules } from '../executors/docker/pull-policies.ts';
import { CommandError, exitCodes } from './exit-code.ts';
import type { ContainerFlags, ImageFlags } from './options.ts';
import type { Settings } from './settings.ts';

/**
 * How containers are made: flags and `CI_CLI_*` variables over the settings.
 * @throws CommandError exit 2 for what contradicts itself.
 */
export function containerOptions(options: ContainerFlags, { containers }: Settings): ContainerOptions {
  const { privileged, mountSocket, hardened, memory, cpus } = options;
  const { mountSocket: settingsSocket, ...rest } = containers;
  const socket = mountSocket === undefined ? settingsSocket : mountSocket ? (settingsSocket ?? true) : undefined;
  const made: ContainerOptions = {
    ...rest,
    ...(socket === undefined ? {} : { mountSocket: socket }),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(cpus === undefined ? {} : { cpus }),
    // One that is asked for takes back what settings say of the other.
    ...(privileged && hardened === undefined ? { hardened: false } : {}),
    ...(hardened && privileged === undefined ? { privileged: false } : {}),
    ...(privileged === undefined ? {} : { privileged }),
    ...(hardened === undefined ? {} : { hardened }),
  };
  if (!made.hardened || !made.privileged) return made;
  throw new CommandError(
    exitCodes.usage,
    'containers can not be both privileged and hardened: a privileged one may do all that hardening forbids',
    'leave one of them out; --hardened and --privileged (CI_CLI_HARDENED=false too) take back what settings files say',
  );
}

/** When images are pulled: flags and `CI_CLI_*` variables over the settings. */
export function pullRules(options: ImageFlags, { pulls, allowedPulls }: ContainerOptions): PullRules {
  const { pull, offline = false } = options;
  return {
    policies: pull === undefined ? (pulls ?? ['if-not-present']) : [pull],
    ...(allowedPulls === undefined ? {} : { allowed: allowedPulls }),
    offline,
  };
}
