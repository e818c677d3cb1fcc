import { resolve } from 'node:path';
import { parse } from 'smol-toml';
import type { ConfigTable } from '../../runner/config/edit-config.ts';
import type { RegisterSetting } from '../../runner/registration/register-settings.ts';
import { fileWords } from '../../util/files/file-problem.ts';
import { readNamedFile } from '../../util/files/read-named-file.ts';
import { tomlProblem } from '../../util/toml-problem.ts';
import { CommandError, exitCodes } from '../exit-code.ts';

/**
 * The keys of `[[runners]]` that were given on the command line or in the environment, over those of a template.
 * @param given options as commander has read them, by their names in camel case.
 */
export function settingsTable(
  settings: readonly RegisterSetting[],
  given: Readonly<Record<string, unknown>>,
  template: ConfigTable,
): ConfigTable {
  return settings.reduce<ConfigTable>((table, { flag, kind, path }) => {
    const value = given[camelCase(flag)];
    if (value === undefined) return table;
    if (kind === 'map') return withValue(table, path, pairsOf(flag, value as readonly string[]));
    return withValue(table, path, kind === 'flags' ? flagsOf(flag, value as readonly string[]) : value);
  }, template);
}

function camelCase(flag: string): string {
  return flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function withValue(table: ConfigTable, [key = '', ...rest]: readonly string[], value: unknown): ConfigTable {
  if (rest.length === 0) return { ...table, [key]: value };
  const below = table[key];
  const inner = typeof below === 'object' && below !== null ? (below as ConfigTable) : {};
  return { ...table, [key]: withValue(inner, rest, value) };
}

function pairsOf(flag: string, values: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    values.map((pair) => {
      const at = pair.search(/[=:]/);
      if (at < 1) throw new CommandError(exitCodes.usage, `--${flag} wants NAME=VALUE, not "${pair}"`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function flagsOf(flag: string, values: readonly string[]): Readonly<Record<string, boolean>> {
  return Object.fromEntries(
    values.map((text) => {
      const [, name = '', value = 'true'] = /^(\w+)(?:[=:](1|t|true|0|f|false))?$/i.exec(text) ?? [];
      if (name === '')
        throw new CommandError(exitCodes.usage, `--${flag} wants FF_NAME:true or FF_NAME:false, not "${text}"`);
      return [name, /^(1|t|true)$/i.test(value)];
    }),
  );
}

/** As files of runners have at most. */
const maxTemplateBytes = 4 * 1024 * 1024;

/** What each runner has of its own. */
const ofOneRunner: readonly string[] = ['name', 'token', 'id', 'token_obtained_at', 'token_expires_at'];

/**
 * What `--template-config` says of a runner: its only `[[runners]]`.
 * @throws CommandError exit 2
 */
export async function runnerTemplate(cwd: string, file: unknown): Promise<ConfigTable> {
  if (typeof file !== 'string') return {};
  const path = resolve(cwd, file);
  let text: string;
  try {
    text = readNamedFile(path, maxTemplateBytes).toString('utf8');
  } catch (error) {
    throw new CommandError(exitCodes.usage, `${path} can't be read: ${fileWords(error)}`);
  }
  let runners: unknown;
  try {
    runners = parse(text)['runners'];
  } catch (error) {
    throw new CommandError(exitCodes.usage, tomlProblem(path, error));
  }
  if (!Array.isArray(runners) || runners.length !== 1) {
    throw new CommandError(exitCodes.usage, `${path} must have exactly one [[runners]]`);
  }
  return Object.fromEntries(Object.entries(runners[0] as ConfigTable).filter(([key]) => !ofOneRunner.includes(key)));
}
