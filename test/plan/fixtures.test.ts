import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { planCodes } from '../../src/diagnostics/codes/plan.ts';
import { checkReferences } from '../../src/plan/check-references.ts';
import { plan } from '../../src/plan/plan.ts';
import { compileText } from '../support/compile-text.ts';
import { context, selection } from '../support/pipeline-builder.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/gitlab', import.meta.url));

it.each(Object.keys(planCodes))('a fixture produces %s, with a place', async (code) => {
  const path = join(fixtures, code.replace('/', '-'), '.gitlab-ci.yml');
  expect(existsSync(path), path).toBe(true);
  const compiled = await compileText(readFileSync(path, 'utf8'), { file: '.gitlab-ci.yml' });
  const pipeline = compiled.compiled?.pipeline;
  if (!pipeline) throw new Error(JSON.stringify(compiled.diagnostics));
  const early = checkReferences(pipeline);
  const all = early.length > 0 ? early : plan(pipeline, context({ revisions: [] }), selection()).diagnostics;
  const told = all.filter((diagnostic) => diagnostic.code === code);
  expect(told.length, JSON.stringify([all, compiled.diagnostics])).toBeGreaterThan(0);
  expect(all.filter((diagnostic) => diagnostic.code !== code)).toEqual([]);
  for (const { span } of told) expect(span).toBeDefined();
});
