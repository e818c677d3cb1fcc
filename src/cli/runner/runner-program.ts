import { Command, InvalidArgumentError, Option } from 'commander';
import { type RegisterSetting, registerSettings } from '../../runner/registration/register-settings.ts';
import { collect, withDirectory } from '../command-options.ts';

const wholeNumber = (value: string): number => {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('It must be a whole number from 0.');
  return number;
};

/** GitLab Runner's flags may be given a value, too: `--run-untagged=false`. */
const trueOrFalse = (value: string): boolean => {
  if (['true', '1', 'yes'].includes(value)) return true;
  if (['false', '0', 'no'].includes(value)) return false;
  throw new InvalidArgumentError('It must be true or false.');
};

function withEnv(flags: string, variable: string, help: string): Option {
  return new Option(flags, help).env(variable);
}

function flag(names: string, variable: string, help: string): Option {
  return withEnv(`${names} [bool]`, variable, help).argParser(trueOrFalse);
}

function withConfig(command: Command): Command {
  return withDirectory(command).addOption(
    withEnv(
      '-c, --config <file>',
      'CONFIG_FILE',
      'the file of runners, also one that GitLab Runner wrote (default: runner.toml in the folder of settings)',
    ),
  );
}

function settingOption({ flag: name, variable, kind, help }: RegisterSetting): Option {
  if (kind === 'flag') return flag(`--${name}`, variable, help);
  const option = withEnv(`--${name} <value>`, variable, help);
  if (kind === 'integer') return option.argParser(wholeNumber);
  return kind === 'text' ? option : option.argParser(collectOnto);
}

/** Options that may be repeated; the variable of the environment holds one value. */
const collectOnto = (value: string, previous: readonly string[] | undefined): string[] =>
  collect(value, previous ?? []);

function registerCommand(): Command {
  const command = withConfig(new Command('register'))
    .description('let a GitLab server know this machine as a runner, and keep that in the file of runners')
    .addOption(flag('-n, --non-interactive', 'REGISTER_NON_INTERACTIVE', 'ask nothing'))
    .addOption(urlOption())
    .addOption(tokenOption())
    .addOption(withEnv('-r, --registration-token <token>', 'REGISTRATION_TOKEN', 'of servers before 16.0'))
    .addOption(nameOption())
    .addOption(withEnv('--tag-list <tags>', 'RUNNER_TAG_LIST', 'with a registration token: tags, with commas'))
    .addOption(flag('--run-untagged', 'REGISTER_RUN_UNTAGGED', 'the same: take jobs without tags'))
    .addOption(flag('--locked', 'REGISTER_LOCKED', 'the same: only for its project (default: true)'))
    .addOption(
      withEnv('--access-level <level>', 'REGISTER_ACCESS_LEVEL', 'the same: only protected branches').choices([
        'not_protected',
        'ref_protected',
      ]),
    )
    .addOption(
      withEnv('--maximum-timeout <seconds>', 'REGISTER_MAXIMUM_TIMEOUT', 'the same: of a job').argParser(wholeNumber),
    )
    .addOption(flag('--paused', 'REGISTER_PAUSED', 'the same: take no jobs at first'))
    .addOption(withEnv('--maintenance-note <text>', 'REGISTER_MAINTENANCE_NOTE', 'the same: for administrators'))
    .addOption(flag('--leave-runner', 'REGISTER_LEAVE_RUNNER', 'leave it on the server when registering fails later'))
    .addOption(
      withEnv('--template-config <file>', 'TEMPLATE_CONFIG_FILE', 'a file with one [[runners]] for what is not given'),
    )
    .addOption(executorOption());
  for (const setting of registerSettings) command.addOption(settingOption(setting));
  return command;
}

const urlOption = (): Option => withEnv('-u, --url <url>', 'CI_SERVER_URL', 'of the GitLab server');
const tokenOption = (): Option =>
  withEnv('-t, --token <token>', 'CI_SERVER_TOKEN', 'authentication token (glrt-…) that the server shows');
const nameOption = (): Option =>
  withEnv('--name, --description <text>', 'RUNNER_NAME', 'name of the runner (default: the host name)');
const executorOption = (): Option => withEnv('--executor <name>', 'RUNNER_EXECUTOR', 'docker, shell or ssh');

function runSingleCommand(): Command {
  const command = withConfig(new Command('run-single'))
    .description('one runner without a file: take one job after the other from a server')
    .option('-r, --runner <name>', 'this runner of the file (-c) in place of all settings below')
    .option('--max-builds <n>', 'end after so many jobs; 0: go on', wholeNumber, 0)
    .option('--wait-timeout <seconds>', 'end when no job came for so long; 0: wait for ever', wholeNumber, 0)
    .addOption(urlOption())
    .addOption(tokenOption())
    .addOption(nameOption())
    .addOption(executorOption())
    .addHelpText('after', runSingleHelp);
  for (const setting of registerSettings) command.addOption(settingOption(setting));
  return command;
}

function withFilter(command: Command, env: 'with-variables' | 'flags-only'): Command {
  const option = (flags: string, variable: string, help: string): Option =>
    env === 'with-variables' ? withEnv(flags, variable, help) : new Option(flags, help);
  return command
    .addOption(option('-u, --url <url>', 'CI_SERVER_URL', 'only runners of this server'))
    .addOption(option('-t, --token <token>', 'CI_SERVER_TOKEN', 'only the runner with this token'))
    .option('-n, --name <name>', 'only runners of this name');
}

const runHelp = `
SIGQUIT takes no further jobs and waits for those that run; SIGTERM and SIGINT end them and tell the server; a second
one ends at once. The file is read again when it changes, or on SIGHUP. After a crash the next start reports what was
left.`;

const runSingleHelp = `
Signals are those of \`ci runner run\`. Give the token as CI_SERVER_TOKEN: command lines can be read by others.
Exit code: 0, also when jobs failed; 4 when the server refuses the runner, or could not be reached until --wait-timeout.`;

const subcommands: readonly (() => Command)[] = [
  registerCommand,
  () =>
    withConfig(new Command('run'))
      .description('take jobs from the servers of the file, and run them; SIGQUIT: end when the jobs have ended')
      .addHelpText('after', runHelp),
  runSingleCommand,
  () =>
    withFilter(withConfig(new Command('verify')), 'flags-only')
      .description('ask the servers whether they know the runners of the file')
      .option('--delete', 'take those off the file that a server does not know'),
  () =>
    withFilter(withConfig(new Command('unregister')), 'with-variables')
      .description('take runners off their servers and off the file')
      .option('--all-runners', 'all of the file'),
  () => withConfig(new Command('list')).description('the runners of the file'),
  () =>
    withFilter(withConfig(new Command('reset-token')), 'flags-only')
      .description('get new authentication tokens, and write them into the file')
      .addOption(
        new Option('-i, --id <number>', 'only the runner with this number on its server').argParser(wholeNumber),
      )
      .option('--all-runners', 'all of the file')
      .addOption(
        withEnv(
          '--pat <token>',
          'PERSONAL_ACCESS_TOKEN',
          "ask by a personal access token: the runner's own has expired",
        ),
      ),
];

/** `ci runner` with its commands; each runs by its full name, such as `runner verify`. */
export function runnerCommand(): Command {
  const command = new Command('runner')
    .description('act as a runner of a GitLab server')
    .helpCommand(false)
    .addHelpText('after', '\nAttaching to a server in five minutes: docs/runner.md');
  for (const make of subcommands) command.addCommand(make());
  return command;
}
