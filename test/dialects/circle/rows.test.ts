import { describe, expect, it } from 'vitest';
import { hasErrors } from '../../../src/diagnostics/diagnostic.ts';
import { circleSupportMatrix } from '../../../src/dialects/circle/language.ts';
import { plan } from '../../../src/plan/plan.ts';
import { compileText, testContext } from '../../support/compile-text.ts';
import { circleCatalogue } from './rows/catalogue.ts';
import { surroundings } from './rows/surround.ts';

const places: Readonly<Record<string, string>> = {
  ...surroundings,
  'job type': surroundings.job,
  operator: surroundings.condition,
};

/** The whole file, and where the text of the row stands in it. */
function placed(id: string, text: string): { readonly file: string; readonly from: number } {
  const place = id.slice(0, id.indexOf('/'));
  // Rows of steps are steps.
  const around = places[place] ?? surroundings.step;
  return { file: around.replace('%', () => text), from: around.indexOf('%') };
}

async function compiled(text: string) {
  const { compiled: value, diagnostics } = await compileText(text, { file: '.circleci/config.yml' });
  return {
    value,
    diagnostics,
    told: diagnostics.map(({ severity, code, message }) => `${severity} ${code} ${message}`),
  };
}

const rows = Object.entries(circleCatalogue);
const selection = {
  selectors: [],
  stages: [],
  withNeeds: true,
  manual: [],
  executor: 'auto',
  defaultTimeoutMs: 1,
} as const;

describe('a row of CircleCI passes:', () => {
  it.each(rows)('%s', async (id, [passes]) => {
    const { file } = placed(id, passes);
    const { value, diagnostics, told } = await compiled(file);
    expect(
      told.filter((line) => line.startsWith('error') || line.includes('unknown-key')),
      file,
    ).toEqual([]);
    const planned = plan(value!.pipeline, testContext(), selection);
    expect(hasErrors([...diagnostics, ...planned.diagnostics])).toBe(false);
  });
});

describe('a row of CircleCI refuses:', () => {
  const refused = rows.flatMap(([id, [, text]]) => (typeof text === 'string' ? [[id, text] as const] : []));
  it.each(refused)('%s', async (id, text) => {
    const { file, from } = placed(id, text);
    const { diagnostics, told } = await compiled(file);
    const errors = diagnostics.filter(({ severity }) => severity === 'error');
    expect(errors.length, `${file}\n${told.join('\n')}`).toBeGreaterThan(0);
    const near = errors.filter(({ span }) => span && span.end >= from - 20 && span.start <= from + text.length);
    expect(near.length, `${file}\n${told.join('\n')}`).toBeGreaterThan(0);
  });
});

describe('the catalogue of CircleCI', () => {
  it('is the support matrix, row by row', () => {
    const matrix = circleSupportMatrix().map(({ id }) => id);
    expect(Object.keys(circleCatalogue).sort()).toEqual([...matrix].sort());
  });
});
