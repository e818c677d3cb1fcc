import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import type { ContainerOptions } from '../executors/docker/container-options.ts';
import { parseDuration } from '../util/duration.ts';
import { didYouMean } from '../util/nearest.ts';
import { type DockerRemark, ignoredHere, readDockerTable } from './docker-settings.ts';
import { readCpus, readMemory } from './docker-values.ts';
import { CommandError, exitCodes } from './exit-code.ts';
import type { Locations } from './locations.ts';
import { type MappedProjects, readProjectsTable } from './mapped-projects.ts';
import { readTokensTable, type ServerTokens } from './server-tokens.ts';
import { tomlLine } from './toml-line.ts';

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
    choices: ['auto', 'shell', 'docker'],
    // Who wants containers does not want scripts on his own machine.
    isHarmless: (value, own) => own !== 'docker' || value === 'docker',
  },
  concurrency: { kind: 'number' },
  reporter: { kind: 'text', choices: ['auto', 'tree', 'plain', 'json', 'github', 'gitlab'] },
  color: { kind: 'text', choices: ['always', 'never', 'auto'] },
  pull: { kind: 'text', choices: ['always', 'if-not-present', 'never'] },
  isolation: { kind: 'text', choices: ['auto', 'overlay', 'copy'] },
  'on-failure': { kind: 'text', choices: ['continue', 'stop', 'shell', 'keep'] },
  'artifacts-dir': { kind: 'text', isHarmless: (value) => staysBelow(value) },
  timeout: { kind: 'duration' },
  offline: { kind: 'boolean' },
  quiet: { kind: 'boolean' },
  verbose: { kind: 'boolean' },
  privileged: { kind: 'boolean', userOnly: true },
  'mount-socket': { kind: 'boolean', dockerKey: 'mount_socket' },
  hardened: { kind: 'boolean', dockerKey: 'hardened' },
  memory: { kind: 'memory', dockerKey: 'memory' },
  cpus: { kind: 'cpus', dockerKey: 'cpus' },
  'max-includes': { kind: 'number', userOnly: true },
  'gitlab-url': { kind: 'text', userOnly: true },
  'allow-private-includes': { kind: 'text', userOnly: true },
};

/** Settings by option name as commander writes it (`onFailure`), ready to lie below the flags. */
export interface Settings {
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** `[variables]` of the user's and the repository's file: like project variables of a server. */
  readonly variables: Readonly<Record<string, string>>;
  /** `[projects]` of both files. */
  readonly projects: MappedProjects;
  /** `[tokens]` of the user's file: shown to the GitLab servers of these names. */
  readonly tokens: ServerTokens;
  /** `host` below `[docker]` of the user's file: where the container engine is. */
  readonly engineHost?: string;
  /** `[docker]` of both files; the repository's only made it stricter. */
  readonly containers: ContainerOptions;
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
  const projects = new Map<string, string>();
  let tokens: ServerTokens = new Map();
  let containers: ContainerOptions = {};
  let engineHost: string | undefined;
  const warnings: string[] = [];
  const files = [
    { path: join(locations.config, 'config.toml'), trusted: true },
    { path: join(projectRoot, '.ci.toml'), trusted: false },
  ];
  for (const { path, trusted } of files) {
    const file = await readToml(path);
    if (file === undefined) continue;
    for (const [name, value] of Object.entries(file.content)) {
      if (name === 'variables') {
        Object.assign(variables, readVariables(path, value));
        continue;
      }
      if (name === 'projects') {
        const read = readProjectsTable(value, {
          directory: dirname(path),
          at: (entry) => file.at(entry === undefined ? [name] : [name, entry]),
          ...(trusted ? {} : { confined: projectRoot }),
        });
        for (const [project, directory] of read.projects) projects.set(project, directory);
        warnings.push(...read.warnings);
        continue;
      }
      if (name === 'tokens') {
        if (trusted) tokens = readTokensTable(value, file.at([name]));
        else warnings.push(`${file.at([name])}: \`tokens\` ${ignoredHere}`);
        continue;
      }
      if (name === 'docker') {
        const read = readDocker(file, value, trusted ? 'user' : 'repository', containers);
        containers = read.options;
        engineHost = read.host ?? engineHost;
        warnings.push(...read.warnings);
        continue;
      }
      const where = `${file.at([name])}: \`${name}\``;
      const rule = rules[name];
      if (rule === undefined) {
        const hint = didYouMean(name, [...Object.keys(rules), 'variables', 'projects', 'tokens', 'docker']);
        warnings.push(`${file.at([name])}: there is no setting \`${name}\`${hint === undefined ? '' : `, ${hint}`}`);
      } else if (rule.dockerKey !== undefined) {
        warnings.push(`${where} is ignored here: write \`${rule.dockerKey}\` below \`[docker]\``);
      } else if (!trusted && !isAllowed(rule, value, options[optionName(name)])) {
        warnings.push(`${where} ${ignoredHere}`);
      } else options[optionName(name)] = checkValue(where, rule, value);
    }
  }
  for (const [name, rule] of Object.entries(rules)) {
    const variable = variableOf(name);
    const value = env[variable];
    if (value !== undefined && value !== '') options[optionName(name)] = checkText(variable, rule, value);
  }
  warnings.push(...unknownVariables(env));
  return {
    options,
    variables,
    projects,
    tokens,
    containers,
    warnings,
    ...(engineHost === undefined ? {} : { engineHost }),
  };
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

interface SettingsFile {
  readonly content: Readonly<Record<string, unknown>>;
  /** Where a key stands, for messages. */
  at(key: readonly string[]): string;
}

async function readToml(path: string): Promise<SettingsFile | undefined> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new CommandError(exitCodes.usage, `${path} can't be read: ${(error as Error).message}`);
  }
  const { parse } = await import('smol-toml');
  try {
    const content = parse(text);
    return {
      content,
      at: (key) => {
        const line = tomlLine(text, key);
        return line === undefined ? path : `${path}:${line}`;
      },
    };
  } catch (error) {
    throw new CommandError(exitCodes.usage, `${path} is no valid TOML: ${(error as Error).message}`);
  }
}

function readDocker(
  file: SettingsFile,
  value: unknown,
  owner: 'user' | 'repository',
  below: ContainerOptions,
): { readonly options: ContainerOptions; readonly host?: string; readonly warnings: readonly string[] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CommandError(exitCodes.usage, `${file.at(['docker'])}: \`docker\` must be a table`);
  }
  const { host, ...table } = value as Record<string, unknown>;
  const { options, errors, warnings } = readDockerTable(table, owner, below);
  const messageOf = ({ key, text }: DockerRemark): string => `${file.at(['docker', key])}: \`docker.${key}\` ${text}`;
  if (errors.length > 0) throw new CommandError(exitCodes.usage, errors.map(messageOf).join('\n'));
  const told = warnings.map(messageOf);
  if (host === undefined) return { options, warnings: told };
  const where = `${file.at(['docker', 'host'])}: \`docker.host\``;
  if (owner === 'repository') return { options, warnings: [...told, `${where} ${ignoredHere}`] };
  if (typeof host !== 'string' || host === '') {
    throw new CommandError(exitCodes.usage, `${where} must be a text like "unix:///run/docker.sock"`);
  }
  return { options, host, warnings: told };
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
