import { isAbsolute, join, normalize } from 'node:path';
import { parseDuration } from '../util/duration.ts';
import { didYouMean } from '../util/nearest.ts';
import { ignoredHere } from './docker-settings.ts';
import { readCpus, readMemory } from './docker-values.ts';
import { CommandError, exitCodes } from './exit-code.ts';
import type { Locations } from './locations.ts';
import { readSettingsFile, type SettingsFile } from './settings-file.ts';
import { layTable, noTables, type SettingsTables, tableNames } from './settings-tables.ts';

/** What may stand in a settings file or in `CI_CLI_*` variables; names are those of the flags. */
interface SettingRule {
  readonly kind: 'text' | 'number' | 'cpus' | 'memory' | 'boolean' | 'duration';
  readonly choices?: readonly string[];
  /** Loosens safety: never taken from the repository's own file. */
  readonly userOnly?: true;
  /** May the repository's file say this, where the user's own says that (or nothing)? Absent: yes. */
  readonly isHarmless?: (value: unknown, own: unknown) => boolean;
  /** In files it stands below `[docker]`, by this name. */
  readonly dockerKey?: string;
}

const rules: Readonly<Record<string, SettingRule>> = {
  executor: {
    kind: 'text',
    choices: ['auto', 'shell', 'docker', 'ssh'],
    // Who wants containers does not want scripts on his own machine.
    // Nor does it say that jobs go to another machine.
    isHarmless: (value, own) => value === own || (own !== 'docker' && value !== 'ssh'),
  },
  'ssh-host': { kind: 'text', userOnly: true },
  concurrency: { kind: 'number' },
  reporter: { kind: 'text', choices: ['auto', 'tree', 'plain', 'json', 'github', 'gitlab'] },
  color: { kind: 'text', choices: ['always', 'never', 'auto'] },
  pull: { kind: 'text', choices: ['always', 'if-not-present', 'never'] },
  isolation: { kind: 'text', choices: ['auto', 'overlay', 'copy'] },
  'on-failure': { kind: 'text', choices: ['continue', 'stop', 'shell', 'keep'] },
  'artifacts-dir': { kind: 'text', isHarmless: (value) => staysBelow(value) },
  timeout: { kind: 'duration' },
  // Who wants no network wants none for a stranger's repository either.
  offline: { kind: 'boolean', isHarmless: (value, own) => own !== true || value === true },
  quiet: { kind: 'boolean' },
  verbose: { kind: 'boolean' },
  privileged: { kind: 'boolean', userOnly: true },
  'mount-socket': { kind: 'boolean', dockerKey: 'mount_socket' },
  hardened: { kind: 'boolean', dockerKey: 'hardened' },
  memory: { kind: 'memory', dockerKey: 'memory' },
  cpus: { kind: 'cpus', dockerKey: 'cpus' },
  'max-includes': { kind: 'number', userOnly: true },
  'gitlab-url': { kind: 'text', userOnly: true },
  'circleci-url': { kind: 'text', userOnly: true },
  'allow-private-includes': { kind: 'text', userOnly: true },
};

/** Settings by option name as commander writes it (`onFailure`), ready to lie below the flags. */
export interface Settings extends SettingsTables {
  readonly options: Readonly<Record<string, string | number | boolean>>;
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
  const warnings: string[] = [];
  let tables = noTables;
  const files = [
    await readSettingsFile(join(locations.config, 'config.toml'), 'user'),
    await readSettingsFile(join(projectRoot, '.ci.toml'), 'repository'),
  ];
  for (const file of files) {
    for (const [name, value] of Object.entries(file?.content ?? {})) {
      const laid = layTable(tables, name, value, file!, projectRoot);
      if (laid === undefined) warnings.push(...takeOption(options, name, value, file!));
      else {
        tables = laid.tables;
        warnings.push(...laid.warnings);
      }
    }
  }
  for (const [name, rule] of Object.entries(rules)) {
    const variable = variableOf(name);
    const value = env[variable];
    if (value !== undefined && value !== '') options[optionName(name)] = checkText(variable, rule, value);
  }
  return { options, ...tables, warnings: [...warnings, ...unknownVariables(env)] };
}

/** Puts the value of a file's key among the options; what is wrong with it, as warnings. */
function takeOption(
  options: Record<string, string | number | boolean>,
  name: string,
  value: unknown,
  { owner, at }: SettingsFile,
): readonly string[] {
  const where = `${at([name])}: \`${name}\``;
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  if (rule === undefined) {
    const hint = didYouMean(name, [...Object.keys(rules), ...tableNames]);
    return [`${at([name])}: there is no setting \`${name}\`${hint === undefined ? '' : `, ${hint}`}`];
  }
  if (rule.dockerKey !== undefined) return [`${where} is ignored here: write \`${rule.dockerKey}\` below \`[docker]\``];
  if (owner === 'repository' && !isAllowed(rule, value, options[optionName(name)])) return [`${where} ${ignoredHere}`];
  options[optionName(name)] = checkValue(where, rule, value);
  return [];
}

/** The environment's name of a setting. */
function variableOf(name: string): string {
  return `CI_CLI_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** Those that look like ours and mean nothing: most likely mistyped. */
function unknownVariables(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const names = Object.keys(env).filter((name) => name.startsWith('CI_CLI_'));
  const known = [...Object.keys(rules).map(variableOf), 'CI_CLI_HOME'];
  return names
    .filter((name) => !known.includes(name))
    .map((name) => {
      const hint = didYouMean(name, known);
      return `the variable ${name} means nothing to ci${hint === undefined ? '' : `, ${hint}`}`;
    });
}

function isAllowed({ userOnly, isHarmless }: SettingRule, value: unknown, own: unknown): boolean {
  return userOnly === undefined && (isHarmless?.(value, own) ?? true);
}

/** A relative path that leads nowhere else. */
function staysBelow(path: unknown): boolean {
  return typeof path === 'string' && !isAbsolute(path) && !/^\.\.(\/|$)/.test(normalize(path));
}

/** Lays the flags over the settings: a flag that was not given leaves the setting. */
export function withSettings<O extends object>(flags: O, settings: Settings): O {
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  return { ...settings.options, ...given } as O;
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
  if (rule.kind === 'cpus') {
    const cpus = readCpus(value);
    if (cpus !== undefined) return cpus;
  }
  if (rule.kind === 'memory') {
    const bytes = readMemory(/^\d+$/.test(String(value)) ? Number(value) : value);
    if (bytes !== undefined) return bytes;
  }
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
      cpus: 'a number from 0.01 like 1.5',
      memory: 'a size of 6m or more like "512m" or "2g"',
      boolean: 'true or false',
      duration: 'a duration like "90s" or "1h 30m"',
    }[rule.kind];
  throw new CommandError(exitCodes.usage, `${where} must be ${expected}, not ${JSON.stringify(value)}`);
}
