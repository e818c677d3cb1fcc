import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { parseYaml } from '../../src/syntax/parse.ts';
import { validateSchema } from '../../src/syntax/validate.ts';

/** Other people's files, read where they are at hand. */
const corpus = fileURLToPath(new URL('../../../shared/corpus/', import.meta.url));

/** Labels that we do not follow, with the reason. */
const exceptions: Readonly<Record<string, string>> = {
  'positive/gitlabhq/workflow/auto_cancel/on_job_failure.yml':
    '`workflow` stands inside of jobs, where GitLab refuses it',
  'positive/schemastore/gitlab-ci.json':
    'from 2021: `cobertura` and `license_management` are gone, and `rules` never went together with `only`',
};

function lint(path: string): readonly Diagnostic[] {
  const { value = [], diagnostics } = parseYaml(path, readFileSync(path, 'utf8'), 'yaml-1.1');
  return [...diagnostics, ...value.flatMap((node) => validateSchema(node, 'gitlab'))];
}

function errors(path: string): readonly string[] {
  return lint(path)
    .filter(({ severity }) => severity === 'error')
    .map(({ code, message }) => `${code} ${message}`);
}

function yamlFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return yamlFiles(path);
    return /\.ya?ml$/.test(entry.name) ? [path] : [];
  });
}

interface Case {
  readonly file: string;
  readonly expected: boolean;
}

const present = existsSync(join(corpus, 'index.json'));
const index = present
  ? (JSON.parse(readFileSync(join(corpus, 'index.json'), 'utf8')) as Readonly<Record<string, readonly Case[]>>)
  : {};
const cases = ['positive', 'negative'].flatMap((kind) => index[`gitlab-schema/${kind}`] ?? []);

describe.skipIf(!present)('the corpus', () => {
  it('has cases', () => {
    expect(cases.length).toBeGreaterThan(50);
    expect(Object.keys(exceptions).filter((file) => !cases.some((given) => given.file === file))).toEqual([]);
  });

  it.each(cases.map((given) => [given.file, given.expected] as const))('%s is accepted: %s', (file, expected) => {
    const found = errors(join(corpus, 'gitlab-schema', file));
    const followed = file in exceptions ? !expected : expected;
    if (followed) expect(found).toEqual([]);
    else expect(found).not.toEqual([]);
  });

  it.each(present ? yamlFiles(join(corpus, 'gitlab-real')) : [])('%s has no errors', (path) => {
    expect(errors(path)).toEqual([]);
  });
});
