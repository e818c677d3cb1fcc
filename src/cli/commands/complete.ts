import { resolve } from 'node:path';
import type { Command } from 'commander';
import { exitCodes } from '../exit-code.ts';
import { type Invocation, print } from '../invocation.ts';
import { type LoadedPipeline, loadPipeline } from '../load-pipeline.ts';
import { defaultSelection, planOf } from '../load-plan.ts';
import { createProgram } from '../program.ts';

/** Commands whose arguments and `--from`, `--manual` are jobs. */
const takesJobs = new Set(['run', 'plan', 'graph', 'explain', 'logs', 'artifacts', 'shell']);

/**
 * `ci __complete -- WORDS…`: candidates for the last word, one a line, for the shells' completion scripts. Says nothing
 * and exits 0 when it can't help (a broken file, another folder): a shell is no place for error messages.
 */
export async function complete(invocation: Invocation, words: readonly string[]): Promise<number> {
  try {
    const typed = words.at(-1) ?? '';
    const found = await candidates(invocation, words.slice(0, -1), typed);
    const lines = found.filter((candidate) => candidate.startsWith(typed) && !candidate.includes('\n'));
    if (lines.length > 0) await print(invocation.stdout, `${lines.join('\n')}\n`);
  } catch {
    // Nothing to offer.
  }
  return exitCodes.ok;
}

async function candidates(
  invocation: Invocation,
  before: readonly string[],
  typed: string,
): Promise<readonly string[]> {
  const program = await createProgram(invocation.version, async () => {});
  const command = namedCommand(program, before);
  if (command.commands.length > 0) return typed.startsWith('-') ? optionNames(command) : commandNames(command);
  const previous = before.at(-1) ?? '';
  const option = command.options.find((one) => [one.long, one.short].includes(previous) && !one.isBoolean());
  if (option?.argChoices) return option.argChoices;
  const jobs = () => jobNames(invocation, before);
  if (option !== undefined) {
    if (['--from', '--manual'].includes(option.long ?? '')) return (await jobs()).jobs;
    return option.long === '--stage' ? (await jobs()).stages : [];
  }
  if (typed.startsWith('-')) return optionNames(command);
  if (command.name() === 'schema') return ['ci', 'gitlab', 'circle'];
  if (command.name() === 'completion') return ['bash', 'zsh', 'fish', 'pwsh'];
  return takesJobs.has(command.name()) ? (await jobs()).jobs : [];
}

/** The innermost command that the words name. */
function namedCommand(program: Command, words: readonly string[]): Command {
  const next = program.commands.find((one) => words.some((word) => one.name() === word || one.alias() === word));
  return next === undefined ? program : namedCommand(next, words.slice(words.indexOf(next.name()) + 1));
}

function commandNames(command: Command): readonly string[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((one) => one.name());
}

function optionNames(command: Command): readonly string[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap((option) => option.long ?? []);
}

async function jobNames(invocation: Invocation, before: readonly string[]) {
  const optionValue = (...names: readonly string[]): string | undefined => {
    const at = before.findIndex((word) => names.includes(word));
    return at < 0 ? undefined : before[at + 1];
  };
  const directory = optionValue('-C', '--directory');
  const file = optionValue('-f', '--file');
  const cwd = directory === undefined ? invocation.cwd : resolve(invocation.cwd, directory);
  const loaded: LoadedPipeline = await loadPipeline({ ...invocation, cwd }, file === undefined ? {} : { file });
  const pipeline = loaded.compiled?.pipeline;
  if (pipeline === undefined) return { jobs: [], stages: [] };
  const names = planOf(loaded, defaultSelection)?.decisions.flatMap(({ name, ids }) => [name, ...ids]);
  return { jobs: [...new Set(names ?? pipeline.jobs.map(({ name }) => name))], stages: pipeline.stages };
}
