import { Command, Option } from 'commander';
import {
  collect,
  duration,
  format,
  positiveInteger,
  withColor,
  withContainers,
  withDirectory,
  withEvent,
  withExecutor,
  withFile,
  withImages,
  withInputs,
  withPlace,
  withSelection,
  withServers,
} from './command-options.ts';

function shellCommand(): Command {
  const command = new Command('shell')
    .description('a shell in the place of a job, just before its script; changes are thrown away at the end')
    .argument('<job>', 'its name, or one leg of a matrix ("test: [18, linux]")')
    .argument('[command...]', 'after --: run this instead of a shell, and end with its exit code');
  return withServers(withContainers(withImages(withPlace(withExecutor(withEvent(withFile(command)))))))
    .option('-c, --command <text>', "run this text by the job's shell; needs no terminal")
    .option('--no-needs', 'without the artifacts that the jobs it needs left in the last run')
    .option('--no-cache', 'do not restore caches')
    .option('-q, --quiet', 'only what the shell prints')
    .option('-v, --verbose', "the log of the job's preparation too")
    .addHelpText('after', shellHelp);
}

const shellHelp = `
The same image, user, variables, services, sources and caches as the job has, and artifacts of the last run.
Exit code: that of the shell or the command.
  ci shell test                        look around
  ci shell test -c 'npm test -- -t x'  one command line
  ci shell test -- npm ls              one command`;

function runCommand(): Command {
  const command = new Command('run')
    .description('run the pipeline, or the selected jobs with everything they need')
    .argument('[selector...]', 'job names, globs (test:*) or one leg of a matrix ("test: [18, linux]")');
  return withServers(withContainers(withImages(withPlace(withSelection(withEvent(withFile(command)))))))
    .option('-j, --concurrency <n>', 'jobs at once (default: number of CPUs)', positiveInteger)
    .option('--artifacts-dir <dir>', 'also copy what jobs upload to here')
    .addOption(
      new Option(
        '--on-failure <what>',
        'continue: jobs that do not depend on the failure go on; shell: look around where it failed first; keep: leave its container or directory',
      ).choices(['continue', 'stop', 'shell', 'keep']),
    )
    .option('--no-cache', 'neither restore nor save caches')
    .option('-y, --yes', 'do not ask before manual jobs are started (manual_confirmation)')
    .option('--watch', 'run again when files change')
    .option('--dry-run', 'the same as ci plan')
    .addOption(
      new Option('--reporter <name>', 'auto: tree on a terminal, github or gitlab inside those, else plain').choices([
        'auto',
        'tree',
        'plain',
        'json',
        'github',
        'gitlab',
      ]),
    )
    .option('--report <kind=file>', 'junit=FILE, html=FILE or json=FILE, written at the end (repeatable)', collect, [])
    .option('-q, --quiet', 'only failures and the summary')
    .option('-v, --verbose', 'more: sections, timings, what is used');
}

/** Every command but the hidden ones, in the order of the help. */
const visibleCommands: Readonly<Record<string, () => Command | Promise<Command>>> = {
  run: runCommand,
  lint: () =>
    format(
      withInputs(
        withFile(
          new Command('lint')
            .description('check files: syntax, schema, meaning; runs nothing, needs no network')
            .argument('[file...]', 'pipeline files; default: the one that `ci run` would use'),
        ),
      ),
      ['text', 'json', 'sarif', 'github', 'codequality'],
    ).option('--strict', 'warnings count as problems too'),
  list: () =>
    format(withSelection(withEvent(withFile(new Command('list').alias('ls')))), ['text', 'json']).description(
      'the jobs of the pipeline: name, stage, when, needs, executor, why in or out',
    ),
  graph: () =>
    format(
      withSelection(
        withEvent(withFile(new Command('graph').argument('[selector...]', 'only these jobs and what they need'))),
      ),
      ['tree', 'mermaid', 'dot', 'json', 'html'],
    ).description('the DAG of the pipeline'),
  plan: () =>
    format(
      withContainers(
        withImages(withSelection(withEvent(withFile(new Command('plan').argument('[selector...]', 'as for ci run'))))),
      ),
      ['text', 'json'],
    ).description('what `ci run` would do, in order, and why; starts nothing, writes nothing'),
  explain: () =>
    format(withSelection(withEvent(withFile(new Command('explain').argument('<job>', 'a job of the file')))), [
      'text',
      'json',
    ]).description('why a job is in, out, manual or delayed: every rule with the values it saw'),
  config: () =>
    format(withEvent(withFile(new Command('config'))), ['yaml', 'json'])
      .option('--origin', 'where each value comes from: file, line, extends, default, include')
      .description('the file after includes, extends, references and anchors'),
  fetch: () =>
    format(withServers(withEvent(withFile(new Command('fetch')))), ['text', 'json'])
      .description(
        'bring what the file includes from other machines onto this one, where `ci lint`, `plan` and `list` find it',
      )
      .option('--lock', 'write .ci.lock: the state that was fetched is the one that is used from then on')
      .option('--update', 'ask for all of it anew, and write that into .ci.lock if there is one')
      .option('--vendor', "put CircleCI's orbs into .circleci/orbs, where nobody needs a network for them"),
  logs: () =>
    withColor(
      withDirectory(
        new Command('logs')
          .argument('[job]', 'default: all jobs of the run, one after the other')
          .option('--run <id>', 'default: the last run'),
      ),
    ).description('full logs of the last run'),
  artifacts: () =>
    format(
      withDirectory(
        new Command('artifacts')
          .argument('[job]', 'default: all jobs of the run')
          .option('--run <id>', 'default: the last run'),
      ),
      ['text', 'json'],
    ).description('paths of the artifacts of the last run'),
  shell: shellCommand,
  runs: () =>
    format(
      withColor(
        withDirectory(new Command('runs').option('-n, --limit <n>', 'how many (default: 20)', positiveInteger)),
      ),
      ['text', 'json'],
    ).description('earlier runs with their results'),
  clean: () =>
    format(
      new Command('clean')
        .option('--all', 'runs, caches and snapshots of all projects')
        .option('--older <duration>', 'only what is older than this', duration)
        .option('--dry-run', 'only say what would be removed'),
      ['text', 'json'],
    ).description(
      'remove what ci keeps on this machine: what killed runs left (containers, networks, volumes, processes, mounts, directories), old runs; with --all everything',
    ),
  doctor: () =>
    format(withFile(new Command('doctor')), ['text', 'json']).description(
      'check the machine (git, shells, container engine, disk, registry logins) and say how to mend it',
    ),
  schema: () =>
    new Command('schema')
      .argument('[dialect]', 'ci, gitlab or circle', 'ci')
      .description('print a JSON Schema, for editors'),
  runner: async () => (await import('./runner/runner-program.ts')).runnerCommand(),
  completion: () =>
    new Command('completion')
      .argument('<shell>', 'bash, zsh, fish or pwsh')
      .description('print a completion script for a shell'),
};

/** Commands that are not for people. */
const hiddenCommands: Readonly<Record<string, () => Command>> = {
  __reap: () => new Command('__reap'),
  __complete: () => new Command('__complete').argument('[word...]').allowUnknownOption().allowExcessArguments(),
};

/** Runs one command, by name. */
export type Execute = (
  command: string,
  arguments_: readonly string[],
  options: Readonly<Record<string, unknown>>,
) => Promise<void>;

/**
 * The whole command line. Also the source of the command line reference and of shell completion.
 * @param first the first argument: where that is a command's name, no other command is built.
 */
export async function createProgram(version: string, execute: Execute, first?: string): Promise<Command> {
  const program = new Command('ci')
    .description('Run .ci.yml, .gitlab-ci.yml and .circleci/config.yml pipelines on this machine.')
    .version(version, '-V, --version', 'print the version')
    .option('-C, --directory <dir>', 'first change to this folder')
    .showSuggestionAfterError(true)
    .showHelpAfterError('(ci --help shows what there is)')
    .addHelpText('after', exitCodeHelp);
  const add = (command: Command, hidden: boolean): void => {
    program.addCommand(command, { hidden });
    makeRun(command, command.name(), execute);
  };
  const all = { ...visibleCommands, ...hiddenCommands };
  const wanted = first !== undefined && Object.hasOwn(all, first) ? { [first]: all[first]! } : all;
  for (const [name, make] of Object.entries(wanted)) add(await make(), Object.hasOwn(hiddenCommands, name));
  return program;
}

/** Commands that have others below them only show those. */
function makeRun(command: Command, name: string, execute: Execute): void {
  command.showHelpAfterError(`(ci ${name} --help shows what there is)`);
  if (command.commands.length === 0) command.action(() => execute(name, command.args, command.optsWithGlobals()));
  for (const below of command.commands) makeRun(below, `${name} ${below.name()}`, execute);
}

const exitCodeHelp = `
Exit codes: 0 passed, 1 a job failed or lint found problems, 2 wrong usage, 3 invalid pipeline file,
4 the surroundings failed (engine, image, disk), 5 a bug of ours, 128+N ended by signal N.`;
