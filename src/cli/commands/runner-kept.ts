import { changeRunners } from '../../runner/config/change-runners.ts';
import type { RunnerEntry } from '../../runner/config/runner-config.ts';
import { withoutLogin } from '../../runner/network/payload.ts';
import {
  type KeptRunnerPorts,
  type RunnerFilter,
  resetTokens,
  runnerLabel,
  selectRunner,
  selectRunners,
  unregisterRunners,
  verifyRunners,
} from '../../runner/registration/kept-runners.ts';
import { RegistrationError } from '../../runner/registration/registration-error.ts';
import { shortToken } from '../../runner/runner-log.ts';
import { present } from '../../util/present.ts';
import { exitCodes } from '../exit-code.ts';
import { type Invocation, printLines, printMessage } from '../invocation.ts';
import { asCommand, openRunnerFile, type RunnerFileOptions, runnerPorts } from '../runner/runner-file.ts';

interface FilterOptions extends RunnerFileOptions {
  readonly name?: string;
  readonly url?: string;
  readonly token?: string;
  readonly id?: number;
  readonly allRunners?: boolean;
}

function filterOf({ name, url, token, id }: FilterOptions): RunnerFilter {
  return present({ name, url, token, id });
}

/** One runner, as GitLab Runner changes them; all must be asked for. */
async function wantedRunners(
  options: FilterOptions,
  what: 'unregister' | 'reset',
  runners: readonly RunnerEntry[],
  tell: KeptRunnerPorts['tell'],
): Promise<{ readonly wanted: readonly RunnerEntry[]; readonly twins: readonly RunnerEntry[] }> {
  if (options.allRunners) return { wanted: selectRunners(runners, {}), twins: [] };
  const { runner, twins } = await selectRunner(runners, oneFilter(options, what), tell);
  return { wanted: [runner], twins };
}

function oneFilter(options: FilterOptions, what: 'unregister' | 'reset'): RunnerFilter {
  const filter = filterOf(options);
  if (filter.name === undefined && filter.token === undefined && filter.id === undefined) {
    throw new RegistrationError(
      'usage',
      `say which runner to ${what}: --name, --token, ${what === 'reset' ? '--id, ' : ''}or --all-runners`,
    );
  }
  return filter;
}

async function takeOff({ env }: Invocation, path: string, runners: readonly RunnerEntry[]): Promise<void> {
  await changeRunners(
    path,
    env,
    runners.map((runner) => ({ runner, kind: 'remove' as const })),
  );
}

/** `ci runner list` */
export function runnerList(invocation: Invocation, _: readonly string[], options: RunnerFileOptions): Promise<number> {
  return asCommand(async () => {
    const { config, path } = await openRunnerFile(invocation, options);
    const { runners } = config;
    await printLines(invocation.stderr, [`Listing configured runners: ConfigFile=${path}`]);
    const lines = runners.map(
      ({ name, executor, token, url }) =>
        `${name}  Executor=${executor} Token=${shortToken(token)}… URL=${withoutLogin(url)}`,
    );
    await printLines(invocation.stdout, lines);
    if (runners.length === 0)
      await printMessage(invocation, 'there are no runners yet: `ci runner register` makes one');
    return exitCodes.ok;
  });
}

/** `ci runner verify` */
export function runnerVerify(
  invocation: Invocation,
  _: readonly string[],
  options: FilterOptions & { readonly delete?: boolean },
): Promise<number> {
  return asCommand(async () => {
    const { config, path } = await openRunnerFile(invocation, options);
    const runners = selectRunners(config.runners, filterOf(options));
    const results = await verifyRunners(runners, config, await runnerPorts(invocation, path));
    const removed = results.filter(({ verified }) => verified.kind === 'removed').map(({ runner }) => runner);
    if (removed.length === 0) return exitCodes.ok;
    if (!options.delete)
      throw new RegistrationError('server', 'Failed to verify runners; --delete takes them off the file');
    await takeOff(invocation, path, removed);
    await printMessage(invocation, `taken off ${path}: ${removed.map(runnerLabel).join(', ')}`);
    return exitCodes.ok;
  });
}

/** `ci runner unregister` */
export function runnerUnregister(
  invocation: Invocation,
  _: readonly string[],
  options: FilterOptions,
): Promise<number> {
  return asCommand(async () => {
    const { config, path } = await openRunnerFile(invocation, options);
    const ports = await runnerPorts(invocation, path);
    const { wanted, twins } = await wantedRunners(options, 'unregister', config.runners, ports.tell);
    const gone = await unregisterRunners(wanted, ports);
    await takeOff(invocation, path, gone.length === 0 ? [] : [...gone, ...twins]);
    if (gone.length === wanted.length) return exitCodes.ok;
    throw new RegistrationError(
      'server',
      'Failed to unregister all runners; those that a server kept stay in the file',
    );
  });
}

/** `ci runner reset-token` */
export function runnerResetToken(
  invocation: Invocation,
  _: readonly string[],
  options: FilterOptions & { readonly pat?: string },
): Promise<number> {
  return asCommand(async () => {
    const { config, path } = await openRunnerFile(invocation, options);
    const ports = await runnerPorts(invocation, path);
    const { wanted, twins } = await wantedRunners(options, 'reset', config.runners, ports.tell);
    const { changes, failed } = await resetTokens(wanted, options.pat, ports);
    const same = changes.flatMap((change) => twins.map((runner) => ({ ...change, runner })));
    const missing = await changeRunners(path, invocation.env, [...changes, ...same]);
    if (missing.length > 0) {
      throw new RegistrationError('server', `${missing.map(runnerLabel).join(', ')} left the file meanwhile`);
    }
    if (failed.length === 0) return exitCodes.ok;
    throw new RegistrationError('server', `no new token for ${failed.map(runnerLabel).join(', ')}`);
  });
}
