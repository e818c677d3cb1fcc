import { readFileSync } from 'node:fs';
import { tomlLine } from '../util/toml-line.ts';
import { CommandError, exitCodes } from './exit-code.ts';

/** A settings file as it stands on the disk. */
export interface SettingsFile {
  readonly path: string;
  /** Whose it is: a repository's can't turn safety off. */
  readonly owner: 'user' | 'repository';
  readonly content: Readonly<Record<string, unknown>>;
  /** Where a key stands, for messages. */
  at(key: readonly string[]): string;
}

/**
 * Reads a settings file; undefined where there is none.
 * @throws CommandError exit 2 for one that can't be read or is no TOML.
 */
export async function readSettingsFile(path: string, owner: SettingsFile['owner']): Promise<SettingsFile | undefined> {
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
      path,
      owner,
      content,
      at: (key) => {
        const line = tomlLine(text, key);
        return line === undefined ? path : `${path}:${line}`;
      },
    };
  } catch (error) {
    const { tomlProblem } = await import('../util/toml-problem.ts');
    throw new CommandError(exitCodes.usage, tomlProblem(path, error));
  }
}
