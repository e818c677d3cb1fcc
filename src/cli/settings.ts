import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDuration } from '../util/duration.ts';
import { didYouMean } from '../util/nearest.ts';
import { CommandError, exitCodes } from './exit-code.ts';
import type { Locations } from './locations.ts';

/** What may stand in a settings file or in `CI_CLI_*` variables; names are those of the flags. */
interface SettingRule {
  readonly kind: 'text' | 'number' | 'boolean' | 'duration';
  readonly choices?: readonly string[];
  /** Loosens safety: never taken from the repository's own file. */
  readonly userOnly?: true;
}

const rules: Readonly<Record<string, SettingRule>> = {
  executor: { kind: 'text', choices: ['auto', 'shell', 'docker'] },
  concurrency: { kind: 'number' },
  reporter: { kind: 'text', choices: ['auto', 'tree', 'plain', 'json', 'github', 'gitlab'] },
  color: { kind: 'text', choices: ['always', 'never', 'auto'] },
  pull: { kind: 'text', choices: ['always', 'if-not-present', 'never'] },
  isolation: { kind: 'text', choices: ['auto', 'overlay', 'copy'] },
  'on-failure': { kind: 'text', choices: ['continue', 'stop'] },
  'artifacts-dir': { kind: 'text' },
  timeout: { kind: 'duration' },
  offline: { kind: 'boolean' },
  quiet: { kind: 'boolean' },
  verbose: { kind: 'boolean' },
  privileged: { kind: 'boolean', userOnly: true },
  'max-includes': { kind: 'number', userOnly: true },
};

/** Settings by option name as commander writes it (`onFailure`), ready to lie below the flags. */
export interface Settings {
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** `[variables]` of the user's and the repository's file: like project variables of a server. */
  readonly variables: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/**
 * Reads `config.toml` of the user, `.ci.toml` of the repository and `CI_CLI_*` variables; a later one wins.
 * @throws CommandError exit 2 for a file that is no TOML or a value that does not fit.
 */
export async function loadSettings(
  locations: Locations,
  projectRoot: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Settings> {
  const options: Record<string, string | number | boolean> = {};
  const variables: Record<string, string> = {};
  const warnings: string[] = [];
  const files = [
    { path: join(locations.config, 'config.toml'), trusted: true },
    { path: join(projectRoot, '.ci.toml'), trusted: false },
  ];
  for (const { path, trusted } of files) {
    const content = await readToml(path);
    if (content === undefined) continue;
    for (const [name, value] of Object.entries(content)) {
      if (name === 'variables') {
        Object.assign(variables, readVariables(path, value));
        continue;
      }
      const rule = rules[name];
      if (rule === undefined) {
        const hint = didYouMean(name, [...Object.keys(rules), 'variables']);
        warnings.push(`${path}: there is no setting \`${name}\`${hint === undefined ? '' : `, ${hint}`}`);
      } else if (rule.userOnly && !trusted) {
        warnings.push(
          `${path}: \`${name}\` is ignored here, a repository can't turn safety off (only your own settings can)`,
        );
      } else {
        options[optionName(name)] = checkValue(`${path}: \`${name}\``, rule, value);
      }
    }
  }
  for (const [name, rule] of Object.entries(rules)) {
    const variable = `CI_CLI_${name.toUpperCase().replaceAll('-', '_')}`;
    const value = env[variable];
    if (value !== undefined && value !== '') options[optionName(name)] = checkText(variable, rule, value);
  }
  return { options, variables, warnings };
}

/** Lays the flags over the settings: a flag that was not given leaves the setting. */
export function withSettings<O extends object>(flags: O, settings: Settings): O {
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  return { ...settings.options, ...given } as O;
}

async function readToml(path: string): Promise<Record<string, unknown> | undefined> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new CommandError(exitCodes.usage, `${path} can't be read: ${(error as Error).message}`);
  }
  const { parse } = await import('smol-toml');
  try {
    return parse(text);
  } catch (error) {
    throw new CommandError(exitCodes.usage, `${path} is no valid TOML: ${(error as Error).message}`);
  }
}

function readVariables(path: string, value: unknown): Record<string, string> {
  const table =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;
  if (table === undefined) throw new CommandError(exitCodes.usage, `${path}: \`variables\` must be a table of texts`);
  const variables: Record<string, string> = {};
  for (const [name, text] of table) {
    if (typeof text === 'object') throw new CommandError(exitCodes.usage, `${path}: variable ${name} must be a text`);
    variables[name] = String(text);
  }
  return variables;
}

function optionName(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function checkText(where: string, rule: SettingRule, value: string): string | number | boolean {
  switch (rule.kind) {
    case 'boolean':
      if (!['1', '0', 'true', 'false'].includes(value)) {
        throw new CommandError(exitCodes.usage, `${where} must be true or false, not "${value}"`);
      }
      return value === '1' || value === 'true';
    case 'number':
      return checkValue(where, rule, Number(value));
    default:
      return checkValue(where, rule, value);
  }
}

function checkValue(where: string, rule: SettingRule, value: unknown): string | number | boolean {
  if (rule.kind === 'boolean' && typeof value === 'boolean') return value;
  if (rule.kind === 'number' && typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  if (rule.kind === 'text' && typeof value === 'string' && (rule.choices?.includes(value) ?? true)) return value;
  if (rule.kind === 'duration' && (typeof value === 'string' || typeof value === 'number')) {
    const ms = parseDuration(String(value));
    if (ms !== undefined && ms > 0) return ms;
  }
  const expected =
    rule.choices?.join(', ') ??
    {
      text: 'a text',
      number: 'a whole number from 1',
      boolean: 'true or false',
      duration: 'a duration like "90s" or "1h 30m"',
    }[rule.kind];
  throw new CommandError(exitCodes.usage, `${where} must be ${expected}, not ${JSON.stringify(value)}`);
}
