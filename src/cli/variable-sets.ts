import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseEnvFile } from '../context/env-file.ts';
import type { VariableSets } from '../model/context.ts';
import type { Variable } from '../model/variable.ts';
import { CommandError, exitCodes } from './exit-code.ts';
import type { SettingsFile } from './settings-file.ts';

/** The table `[contexts]` as it stands in a settings file. */
export interface WrittenContexts {
  readonly value: unknown;
  readonly file: SettingsFile;
}

/** A set of variables as the settings write it. */
interface WrittenSet {
  readonly variables: Readonly<Record<string, string>>;
  /** Absolute paths of files with more of them; what the settings themselves say wins. */
  readonly files: readonly string[];
  /** Where the set stands, for messages. */
  readonly at: string;
}

/** The key of a set that names files; it can be no variable. */
const fileKey = 'env-file';

/**
 * The contexts of the user's settings file; the files that they name are read when one is first asked for. Values are never part of a
 * message.
 * @param definedIn the user's settings file.
 * @throws CommandError exit 2 for what is no such table; `get` does for a file that can't be read.
 */
export function variableSets({ value, file }: WrittenContexts, definedIn: string): VariableSets {
  const written = readTable(value, file);
  const known = new Map<string, readonly Variable[]>();
  return {
    definedIn,
    get: (name) => {
      const set = written.get(name);
      if (set === undefined) return undefined;
      const variables = known.get(name) ?? readSet(set);
      known.set(name, variables);
      return variables;
    },
  };
}

function readTable(value: unknown, file: SettingsFile): ReadonlyMap<string, WrittenSet> {
  const sets = new Map<string, WrittenSet>();
  for (const [name, table] of Object.entries(asTable(value, file.at(['contexts']), 'contexts'))) {
    const at = file.at(['contexts', name]);
    const { [fileKey]: files = [], ...variables } = asTable(table, at, `contexts.${name}`);
    for (const [key, text] of Object.entries(variables)) {
      if (/^[A-Za-z_]\w*$/.test(key) && typeof text !== 'object') continue;
      const expected = `NAME = "value", or ${fileKey} = "path"`;
      throw new CommandError(exitCodes.usage, `${at}: \`contexts.${name}.${key}\` is no variable`, `write ${expected}`);
    }
    sets.set(name, {
      variables: Object.fromEntries(Object.entries(variables).map(([key, text]) => [key, String(text)])),
      files: asPaths(files, at, dirname(file.path)),
      at,
    });
  }
  return sets;
}

function asTable(value: unknown, at: string, name: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new CommandError(exitCodes.usage, `${at}: \`${name}\` must be a table`);
}

function asPaths(value: unknown, at: string, directory: string): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((path) => {
    if (typeof path !== 'string' || path === '') {
      throw new CommandError(exitCodes.usage, `${at}: \`${fileKey}\` must be a path, or a list of paths`);
    }
    return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(directory, path);
  });
}

function readSet({ variables, files, at }: WrittenSet): readonly Variable[] {
  const own = Object.entries(variables).map(([name, value]) => ({ name, value }));
  const all = [...files.flatMap((path) => readFile(path, at)), ...own];
  return all.map(({ name, value }) => ({ name, value, masked: true, raw: true }));
}

function readFile(path: string, at: string): readonly Variable[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(exitCodes.usage, `${at}: ${fileKey} can't be read: ${(error as Error).message}`);
  }
  const { variables, errors } = parseEnvFile(text);
  const [first] = errors;
  if (first) throw new CommandError(exitCodes.usage, `${path}, line ${first.line}: ${first.message}`);
  return variables;
}
