import { readFileSync } from 'node:fs';
import { CommandError, exitCodes } from '../exit-code.ts';
import { type Invocation, print } from '../invocation.ts';

/** `ci schema [ci|gitlab|circle]`: prints the JSON Schema that the files are checked against, for editors. */
export async function schema(invocation: Invocation, [dialect = 'ci']: readonly string[]): Promise<number> {
  const names: Readonly<Record<string, string>> = {
    ci: 'ci.schema.json',
    gitlab: 'gitlab-ci.schema.json',
    circle: 'circleci.schema.json',
  };
  const name = names[dialect];
  if (name === undefined) {
    throw new CommandError(exitCodes.usage, `there is no schema for "${dialect}"`, 'known: ci, gitlab, circle');
  }
  await print(invocation.stdout, readFileSync(new URL(`schemas/${name}`, invocation.packageRoot), 'utf8'));
  return exitCodes.ok;
}
