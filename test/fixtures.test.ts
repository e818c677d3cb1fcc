import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { diagnosticCodes } from '../src/diagnostics/codes.ts';
import { runCi } from './support/run-ci.ts';
import { temporaryProject } from './support/temporary-project.ts';

/**
 * Every `fixtures/<dialect>/<case>/` with a `case.yml` is run as a user would run it, in a repository of its own.
 * `expect/diagnostics.txt` holds what was said about the file, `expect/stdout.txt` the data.
 * `UPDATE_FIXTURES=1` writes them again.
 */
const fixtures = fileURLToPath(new URL('../fixtures', import.meta.url));
const update = process.env['UPDATE_FIXTURES'] === '1';

interface Case {
  readonly args: readonly string[];
  readonly exit: number;
  readonly env?: Readonly<Record<string, string>>;
}

const cases = readdirSync(fixtures)
  .flatMap((dialect) => {
    const folder = join(fixtures, dialect);
    return readdirSync(folder).map((name) => ({ name: `${dialect}/${name}`, folder: join(folder, name) }));
  })
  .filter(({ folder }) => existsSync(join(folder, 'case.yml')));

function compare(folder: string, name: string, text: string): void {
  const path = join(folder, 'expect', name);
  if (update) {
    mkdirSync(join(folder, 'expect'), { recursive: true });
    if (text !== '' || existsSync(path)) writeFileSync(path, text);
    return;
  }
  expect(text, `${path} (UPDATE_FIXTURES=1 writes it again)`).toBe(existsSync(path) ? readFileSync(path, 'utf8') : '');
}

describe('fixtures', () => {
  it.concurrent.each(cases)('$name', async ({ folder }) => {
    const given = parse(readFileSync(join(folder, 'case.yml'), 'utf8')) as Case;
    using project = temporaryProject({ copyOf: folder });
    const result = await runCi(given.args, {
      cwd: project.root,
      home: project.home,
      ...(given.env ? { env: given.env } : {}),
    });
    const tidy = (text: string): string => text.replaceAll(project.root, 'ROOT').replaceAll(project.home, 'HOME');
    const lint = given.args[0] === 'lint';
    compare(folder, 'diagnostics.txt', tidy(lint ? result.stdout : result.stderr));
    compare(folder, 'stdout.txt', tidy(lint ? '' : result.stdout));
    expect(result.exitCode, result.stdout + result.stderr).toBe(given.exit);
  });

  it('has a case for every diagnostic code', () => {
    const seen = cases
      .map(({ folder }) => join(folder, 'expect', 'diagnostics.txt'))
      .filter((path) => existsSync(path))
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n');
    expect(Object.keys(diagnosticCodes).filter((code) => !seen.includes(`[${code}]`))).toEqual([]);
  });
});
