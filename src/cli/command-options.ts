import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../util/duration.ts';
import { readCpus, readMemory } from './docker-values.ts';

/** For an option that may be given several times. */
export const collect = (value: string, previous: readonly string[]): string[] => [...previous, value];

/** Reads a whole number from 1. @throws InvalidArgumentError */
export const positiveInteger = (value: string): number => {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('It must be a whole number from 1.');
  return number;
};

/** Reads a duration as milliseconds. @throws InvalidArgumentError */
export const duration = (value: string): number => {
  const ms = parseDuration(value);
  if (ms === undefined || ms <= 0) throw new InvalidArgumentError('Write for example 90s, 10m or "1h 30m".');
  return ms;
};

const memory = (value: string): number => {
  const size = readMemory(/^\d+$/.test(value) ? Number(value) : value);
  if (size === undefined) throw new InvalidArgumentError('Write for example 512m or 2g; containers need 6m at least.');
  return size;
};

const cpus = (value: string): number => {
  const number = readCpus(value);
  if (number === undefined) throw new InvalidArgumentError('It must be a number from 0.01, for example 1.5.');
  return number;
};

/** Adds `--color`. */
export function withColor(command: Command): Command {
  return command.addOption(
    new Option('--color <when>', 'colours: NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE and TERM=dumb are honoured').choices([
      'always',
      'never',
      'auto',
    ]),
  );
}

/** Adds `-C`. */
export function withDirectory(command: Command): Command {
  return command.option('-C, --directory <dir>', 'first change to this folder');
}

/** Which pipeline file, and how its messages look. */
export function withFile(command: Command): Command {
  return withColor(
    withDirectory(
      command
        .option(
          '-f, --file <file>',
          'the pipeline file (default: .ci.yml, .ci.yaml, .gitlab-ci.yml, .circleci/config.yml)',
        )
        .addOption(new Option('--dialect <name>', 'the language of the file').choices(['ci', 'gitlab', 'circle']))
        .option(
          '--project <group/name=path>',
          'where another project lies on this machine, for what is included from it (repeatable)',
          collect,
          [],
        ),
    ),
  );
}

/** Values for the inputs of the file. */
export function withInputs(command: Command): Command {
  const what = 'a value for an input that the file declares; a list as JSON (repeatable)';
  return command.option('--input <name=value>', what, collect, []);
}

/** Where the pipeline comes from, and its variables. */
export function withEvent(command: Command): Command {
  return withInputs(command)
    .addOption(
      new Option('--event <event>', 'simulate where the pipeline comes from').choices([
        'push',
        'tag',
        'merge_request',
        'schedule',
        'web',
        'api',
        'trigger',
      ]),
    )
    .option('--branch <name>', 'as if this branch was pushed')
    .option('--tag <name>', 'as if this tag was pushed')
    .option('--target-branch <name>', 'the branch that the merge request goes to')
    .option('--changed-since <rev>', 'compare with this revision in rules:changes')
    .option('--var <name=value>', 'a variable, above those of the file (repeatable)', collect, [])
    .option('--var-file <file>', 'variables from a file of NAME=value lines (repeatable)', collect, [])
    .option('--secret <name>', 'a masked variable, its value taken from the environment (repeatable)', collect, [])
    .option('--param <name=value>', 'CircleCI: a parameter of the pipeline (repeatable)', collect, [])
    .option('--workflow <name>', 'CircleCI: only this workflow (repeatable)', collect, []);
}

/** Which jobs, and where they run. */
export function withSelection(command: Command): Command {
  return withExecutor(command)
    .option('--stage <stage>', 'all jobs of this stage (repeatable)', collect, [])
    .option('--no-needs', 'only the named jobs, not what they need')
    .option('--from <job>', "this job and all after it, with the last run's artifacts")
    .option('--failed', 'what failed or did not run last time')
    .option('--manual <job>', 'start this manual job (repeatable)', collect, [])
    .option('--all-manual', 'start all manual jobs')
    .option('--timeout <duration>', 'for jobs that name none (default: 1h)', duration);
}

/** What a pipeline file can't ask for. */
export function withContainers(command: Command): Command {
  return command
    .option('--privileged', 'privileged containers; a pipeline file cannot ask for this')
    .option('--mount-socket', "the engine's socket in every container: jobs can then do all that you can")
    .option('--hardened', 'containers with few capabilities and no way to new privileges')
    .option(
      '--memory <size>',
      "memory of each job's container, like 512m or 2g (services: `service_memory` in the settings)",
      memory,
    )
    .option('--cpus <n>', "CPUs of each job's container, like 1.5", cpus);
}

/** Whom to ask for included files. */
export function withServers(command: Command): Command {
  const what = 'servers of your own network that files may be included from: names, addresses, 10.0.0.0/8';
  return command.option('--allow-private-includes <hosts>', what);
}

/** Adds `--format`; the first of the formats is the default. */
export function format(command: Command, formats: readonly string[]): Command {
  return command.addOption(new Option('--format <format>', 'how to print it').choices(formats).default(formats[0]));
}

/** How a job gets its place. */
export function withPlace(command: Command): Command {
  return command
    .option('--in-place', 'shell jobs run in the working tree itself')
    .addOption(new Option('--isolation <how>', 'how a job gets its own tree').choices(['auto', 'overlay', 'copy']));
}

/** How a job gets its image. */
export function withImages(command: Command): Command {
  return command
    .option(
      '--offline',
      'no network of our own: images are never pulled, includes never fetched, whatever the file says',
    )
    .addOption(
      new Option('--pull <policy>', 'when to pull images (default: if-not-present)').choices([
        'always',
        'if-not-present',
        'never',
      ]),
    );
}

/** Adds `-e`. */
export function withExecutor(command: Command): Command {
  return command
    .addOption(
      new Option('-e, --executor <name>', 'auto: Docker for a job that names an image, else the shell').choices([
        'auto',
        'shell',
        'docker',
        'ssh',
      ]),
    )
    .option('--ssh-host <user@host:port>', 'the machine that jobs run on with -e ssh');
}
