import { CommandError, exitCodes } from './exit-code.ts';

/** Tokens by the name of the GitLab server, lower case. */
export type ServerTokens = ReadonlyMap<string, string>;

/**
 * Reads the table `[tokens]` of the user's settings file. Values are never part of a message.
 * @param where names the table, for messages.
 * @throws CommandError exit 2 for what is no such table.
 */
export function readTokensTable(value: unknown, where: string): ServerTokens {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CommandError(exitCodes.usage, `${where}: \`tokens\` must be a table: "host" = "token"`);
  }
  const tokens = new Map<string, string>();
  for (const [host, token] of Object.entries(value)) {
    // No control character may get into a header.
    if (!/^[\w.-]+(:\d+)?$/.test(host) || typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
      throw new CommandError(exitCodes.usage, `${where}: \`tokens."${host}"\` must be the token for a host`);
    }
    tokens.set(host.toLowerCase(), token);
  }
  return tokens;
}
