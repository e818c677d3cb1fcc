import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnvFile } from '../context/env-file.ts';
import type { Variable } from '../model/variable.ts';
import { CommandError, exitCodes } from './exit-code.ts';
import type { Invocation } from './invocation.ts';
import type { EventOptions } from './options.ts';

/** A secret shorter than this can't be masked: it would stand in every second word of a log. */
const shortestSecret = 4;

/** Variables of the command line and the environment, by whose on a server they would be. */
export interface GivenVariables {
  /** Like project variables of a server. */
  readonly project: readonly Variable[];
  /** Like variables of a manual run. */
  readonly pipeline: readonly Variable[];
  readonly warnings: readonly string[];
}

/**
 * Variables from settings, `--secret`, `--var-file` and `--var`.
 * @throws CommandError exit 2 for a malformed one, a file that can't be read, a secret that is not set.
 */
export function readGivenVariables(
  invocation: Invocation,
  options: Partial<Pick<EventOptions, 'var' | 'varFile' | 'secret'>>,
  settings: Readonly<Record<string, string>>,
): GivenVariables {
  const warnings: string[] = [];
  const project: Variable[] = Object.entries(settings).map(([name, value]) => ({ name, value }));
  for (const name of options.secret ?? []) {
    const value = invocation.env[name];
    if (value === undefined) {
      throw new CommandError(
        exitCodes.usage,
        `secret ${name} is not set`,
        `put its value into the environment of ci: export ${name}=…`,
      );
    }
    if (value.length < shortestSecret) {
      warnings.push(`secret ${name} is shorter than ${shortestSecret} characters, so it can't be masked in logs`);
    }
    project.push({ name, value, masked: true, raw: true });
  }
  const pipeline: Variable[] = [];
  for (const file of options.varFile ?? []) pipeline.push(...readFile(invocation.cwd, file));
  for (const text of options.var ?? []) {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=([\s\S]*)$/.exec(text);
    if (!match) throw new CommandError(exitCodes.usage, `--var ${text} is not NAME=value`);
    pipeline.push({ name: match[1]!, value: match[2]! });
  }
  return { project, pipeline, warnings };
}

function readFile(cwd: string, file: string): readonly Variable[] {
  let text: string;
  try {
    text = readFileSync(resolve(cwd, file), 'utf8');
  } catch (error) {
    throw new CommandError(exitCodes.usage, `--var-file ${file} can't be read: ${(error as Error).message}`);
  }
  const { variables, errors } = parseEnvFile(text);
  const [first] = errors;
  if (first) throw new CommandError(exitCodes.usage, `--var-file ${file}, line ${first.line}: ${first.message}`);
  return variables;
}
