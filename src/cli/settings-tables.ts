import { dirname } from 'node:path';
import type { ContainerOptions } from '../executors/docker/container-options.ts';
import { type DockerRemark, ignoredHere, readDockerTable } from './docker-settings.ts';
import { CommandError, exitCodes } from './exit-code.ts';
import { type MappedProjects, readProjectsTable } from './mapped-projects.ts';
import { readTokensTable, type ServerTokens } from './server-tokens.ts';
import type { SettingsFile } from './settings-file.ts';
import { readSshTable, type SshTable } from './ssh-settings.ts';
import type { WrittenContexts } from './variable-sets.ts';

/** What stands in the tables of the settings files. */
export interface SettingsTables {
  /** `[variables]` of the user's and the repository's file: like project variables of a server. */
  readonly variables: Readonly<Record<string, string>>;
  /** `[projects]` of both files. */
  readonly projects: MappedProjects;
  /** `[tokens]` of the user's file: shown to the GitLab servers of these names. */
  readonly tokens: ServerTokens;
  /** `[contexts]` of the user's file, not looked at yet: CircleCI's contexts. */
  readonly contexts?: WrittenContexts;
  /** `host` below `[docker]` of the user's file: where the container engine is. */
  readonly engineHost?: string;
  /** `[ssh]` of the user's file: the machine of the executor ssh. */
  readonly ssh?: SshTable;
  /** `[docker]` of both files; the repository's only made it stricter. */
  readonly containers: ContainerOptions;
}

/** What counts where there are no settings files. */
export const noTables: SettingsTables = {
  variables: {},
  projects: new Map(),
  tokens: new Map(),
  containers: {},
};

interface Laid {
  readonly tables: SettingsTables;
  readonly warnings: readonly string[];
}

type LayTable = (below: SettingsTables, value: unknown, file: SettingsFile, root: string) => Laid;

const layers: Readonly<Record<string, LayTable>> = {
  variables: (below, value, { path }) => ({
    tables: { ...below, variables: { ...below.variables, ...readVariables(path, value) } },
    warnings: [],
  }),
  projects: (below, value, { path, owner, at }, root) => {
    const { projects, warnings } = readProjectsTable(value, {
      directory: dirname(path),
      at: (entry) => at(entry === undefined ? ['projects'] : ['projects', entry]),
      ...(owner === 'user' ? {} : { confined: root }),
    });
    return { tables: { ...below, projects: new Map([...below.projects, ...projects]) }, warnings };
  },
  tokens: (below, value, { owner, at }) => {
    const where = at(['tokens']);
    if (owner === 'repository') return { tables: below, warnings: [`${where}: \`tokens\` ${ignoredHere}`] };
    return { tables: { ...below, tokens: readTokensTable(value, where) }, warnings: [] };
  },
  contexts: (below, value, file) => {
    if (file.owner === 'repository') {
      return { tables: below, warnings: [`${file.at(['contexts'])}: \`contexts\` ${ignoredHere}`] };
    }
    return { tables: { ...below, contexts: { value, file } }, warnings: [] };
  },
  ssh: (below, value, file) => {
    if (file.owner === 'repository')
      return { tables: below, warnings: [`${file.at(['ssh'])}: \`ssh\` ${ignoredHere}`] };
    const { table, warnings } = readSshTable(value, file);
    return { tables: { ...below, ssh: table }, warnings };
  },
  docker: (below, value, file) => {
    const { options, host, warnings } = readDocker(file, value, below.containers);
    return { tables: { ...below, containers: options, ...(host === undefined ? {} : { engineHost: host }) }, warnings };
  },
};

/** Names of the tables that a settings file may have. */
export const tableNames: readonly string[] = Object.keys(layers);

/**
 * Lays a table of a file over what files before it said; undefined: there is no table of this name.
 * @param root absolute path of the project's root.
 * @throws CommandError exit 2 for a value that does not fit.
 */
export function layTable(
  below: SettingsTables,
  name: string,
  value: unknown,
  file: SettingsFile,
  root: string,
): Laid | undefined {
  return Object.hasOwn(layers, name) ? layers[name]!(below, value, file, root) : undefined;
}

function readDocker(
  file: SettingsFile,
  value: unknown,
  below: ContainerOptions,
): { readonly options: ContainerOptions; readonly host?: string; readonly warnings: readonly string[] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CommandError(exitCodes.usage, `${file.at(['docker'])}: \`docker\` must be a table`);
  }
  const { host, ...table } = value as Record<string, unknown>;
  const { options, errors, warnings } = readDockerTable(table, file.owner, below);
  const messageOf = ({ key, text }: DockerRemark): string => `${file.at(['docker', key])}: \`docker.${key}\` ${text}`;
  if (errors.length > 0) throw new CommandError(exitCodes.usage, errors.map(messageOf).join('\n'));
  const told = warnings.map(messageOf);
  if (host === undefined) return { options, warnings: told };
  const where = `${file.at(['docker', 'host'])}: \`docker.host\``;
  if (file.owner === 'repository') return { options, warnings: [...told, `${where} ${ignoredHere}`] };
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
