import { homedir } from 'node:os';
import type { SshExecutorOptions } from '../executors/ssh/ssh-executor.ts';
import { didYouMean } from '../util/nearest.ts';
import { readBoolean, readText } from './docker-values.ts';
import { CommandError, exitCodes } from './exit-code.ts';
import type { SettingsFile } from './settings-file.ts';

/** The machine that `-e ssh` runs jobs on, and the directory there. */
export type SshSettings = Pick<SshExecutorOptions, 'target' | 'root'>;

/** Names of the keys below `[ssh]`, as GitLab Runner has them. */
export const sshKeys = [
  'host',
  'port',
  'user',
  'password',
  'identity_file',
  'known_hosts_file',
  'disable_strict_host_key_checking',
  'builds_dir',
] as const;

/** What `[ssh]` says; without a host only `--ssh-host` makes use of it. */
export type SshTable = Partial<SshSettings['target']> & Pick<SshSettings, 'root'>;

/**
 * Reads the table `[ssh]` of the user's settings.
 * @throws CommandError exit 2 for a value that does not fit.
 */
export function readSshTable(
  value: unknown,
  { at }: SettingsFile,
): { readonly table: SshTable; readonly warnings: readonly string[] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CommandError(exitCodes.usage, `${at(['ssh'])}: \`ssh\` must be a table`);
  }
  const given = value as Readonly<Record<string, unknown>>;
  const wrong = (key: string, expected: string): never => {
    throw new CommandError(exitCodes.usage, `${at(['ssh', key])}: \`ssh.${key}\` must be ${expected}`);
  };
  const text = (key: string, pattern = /^[^-\s]/): string | undefined =>
    given[key] === undefined ? undefined : (readText(given[key], pattern) ?? wrong(key, 'a text'));
  const path = (key: string): string | undefined => text(key)?.replace(/^~\//, `${homedir()}/`);
  const port = given['port'] === undefined ? undefined : (portOf(given['port']) ?? wrong('port', 'a port like 22'));
  const off = given['disable_strict_host_key_checking'];
  if (off !== undefined && readBoolean(off) === undefined) wrong('disable_strict_host_key_checking', 'true or false');
  const known: readonly string[] = sshKeys;
  const warnings = Object.keys(given)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const hint = didYouMean(key, sshKeys);
      return `${at(['ssh', key])}: \`ssh.${key}\` is no setting${hint === undefined ? '' : `, ${hint}`}`;
    });
  const found = {
    host: text('host'),
    port,
    user: text('user'),
    password: text('password', /./),
    identityFile: path('identity_file'),
    knownHostsFile: path('known_hosts_file'),
    root: text('builds_dir'),
  };
  const table: SshTable = Object.fromEntries(Object.entries(found).filter(([, each]) => each !== undefined));
  return { table: { ...table, hostKeys: off === true ? 'off' : 'strict' }, warnings };
}

/**
 * The machine: `[ssh]`, of which `--ssh-host` replaces host, user and port.
 * @param flag `[USER@]HOST[:PORT]`, or `[USER@][ADDRESS]:PORT` of IPv6.
 * @throws CommandError exit 2 for a flag that does not fit.
 */
export function sshSettings(table: SshTable | undefined, flag: string | undefined): SshSettings | undefined {
  const { root, host: configured, port, user, hostKeys = 'strict', ...login } = table ?? {};
  const written = flag === undefined ? { host: configured, port, user } : { user, ...readHost(flag) };
  if (written.host === undefined) return undefined;
  const place = Object.fromEntries(Object.entries(written).filter(([, each]) => each !== undefined));
  return { target: { ...login, ...place, host: written.host, hostKeys }, ...(root === undefined ? {} : { root }) };
}

function readHost(flag: string): { readonly host: string; readonly port?: number; readonly user?: string } {
  const found = /^(?:([^@\s-][^@\s]*)@)?(?:\[([^\]\s]+)\]|([^\s:@[-][^\s:@]*))(?::(\d+))?$/.exec(flag);
  const port = found?.[4] === undefined ? undefined : portOf(found[4]);
  if (found === null || (found[4] !== undefined && port === undefined)) {
    throw new CommandError(exitCodes.usage, `--ssh-host must be like "user@host:22", not ${JSON.stringify(flag)}`);
  }
  const user = found[1];
  return {
    host: found[2] ?? found[3]!,
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
  };
}

function portOf(value: unknown): number | undefined {
  const port = Number(value);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}
