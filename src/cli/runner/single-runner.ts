import { hostname } from 'node:os';
import type { ConfigTable } from '../../runner/config/edit-config.ts';
import { isKnownExecutor, knownExecutors } from '../../runner/config/known-executors.ts';
import { readConfig } from '../../runner/config/read-config.ts';
import type { RunnerConfig } from '../../runner/config/runner-config.ts';
import type { KeyPath } from '../../runner/config/toml-fields.ts';
import { registerSettings } from '../../runner/registration/register-settings.ts';
import { CommandError, exitCodes } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { openRunnerFile, type RunnerFileOptions } from './runner-file.ts';
import { settingsTable } from './runner-settings.ts';

/** What `ci runner run-single` was given; settings besides these by their flags. */
export interface SingleRunnerOptions extends RunnerFileOptions, Readonly<Record<string, unknown>> {
  /** Name of a runner of the file. */
  readonly runner?: string;
  readonly url?: string;
  readonly token?: string;
  readonly description?: string;
  readonly executor?: string;
}

/**
 * The settings of the one runner: of the file where it is named, else of the command line and the environment.
 * @throws CommandError exit 2: something is missing or makes no sense.
 */
export async function singleRunner(
  invocation: Invocation,
  given: SingleRunnerOptions,
): Promise<{ readonly config: RunnerConfig; readonly warnings: readonly string[] }> {
  const { config, warnings } =
    given.runner === undefined ? givenRunner(given) : await namedRunner(invocation, given, given.runner);
  checkRunner(config, given.runner === undefined ? 'given' : 'file');
  return { config, warnings };
}

async function namedRunner(invocation: Invocation, given: SingleRunnerOptions, name: string) {
  const { config, path } = await openRunnerFile(invocation, given);
  const found = config.runners.filter((runner) => runner.name === name);
  if (found.length === 1) {
    const { listenAddress: _, sessionServer: __, ...rest } = config;
    return { config: { ...rest, concurrent: 1, runners: found }, warnings: [] };
  }
  const names = config.runners.map((runner) => runner.name).join(', ');
  const there = names === '' ? 'there are none' : `there are: ${names}`;
  const what = found.length === 0 ? `no runner "${name}"` : `${found.length} runners "${name}"`;
  throw new CommandError(exitCodes.usage, `${path} has ${what}; ${there}`);
}

function givenRunner(given: SingleRunnerOptions) {
  const { url, token, description, executor } = given;
  const missing = Object.entries({ url, token, executor }).flatMap(([flag, value]) => (value ? [] : [`--${flag}`]));
  if (missing.length > 0) {
    const message = `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`;
    const hint = `give them also as ${['CI_SERVER_URL', 'CI_SERVER_TOKEN', 'RUNNER_EXECUTOR'].join(', ')}; or name a runner of a file: -c FILE --runner NAME`;
    throw new CommandError(exitCodes.usage, message, hint);
  }
  const own: ConfigTable = { name: description ?? hostname(), url, token, executor };
  const table = { ...settingsTable(registerSettings, given, {}), ...own };
  // What was given here stands for itself: no `$NAME` is put in.
  const { config, problems } = readConfig({ concurrent: 1, runners: [{ ...table, url: '', token: '' }] }, {});
  const told = problems.map(({ path, text }) => `${flagOf(path)} ${text}`);
  if (problems.some(({ severity }) => severity === 'error')) {
    throw new CommandError(exitCodes.usage, told.join('\n'));
  }
  const runners = config.runners.map((runner) => ({ ...runner, url: url!, token: token! }));
  return { config: { ...config, runners }, warnings: told };
}

/** How a setting is called on the command line. */
function flagOf([, , ...path]: KeyPath): string {
  const wanted = path.filter((part) => typeof part === 'string').join('.');
  const setting = registerSettings.find((one) => one.path.join('.') === wanted);
  return setting === undefined ? `\`${wanted}\`` : `--${setting.flag}`;
}

function checkRunner({ runners }: RunnerConfig, from: 'given' | 'file'): void {
  const wrong = (what: string): never => {
    throw new CommandError(exitCodes.usage, what);
  };
  for (const { name, url, token, executor } of runners) {
    const whose = from === 'file' ? `of the runner "${name}" ` : '';
    if (!/^https?:\/\/./.test(url) || !URL.canParse(url))
      wrong(`the address ${whose}is no http or https address: ${url}`);
    if (token === '') wrong(`the token ${whose}is empty`);
    if (!isKnownExecutor(executor)) {
      wrong(`there is no executor ${executor} here, only ${knownExecutors.join(', ')}`);
    }
  }
}
