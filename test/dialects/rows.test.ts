import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { lineIndex } from '../../src/diagnostics/line-index.ts';
import { supportMatrix } from '../../src/dialects/gitlab/support-matrix.ts';
import { catalogue, type RowId } from './rows/catalogue.ts';
import type { NoCase, Passing, Refused, Row } from './rows/row-cases.ts';
import { seen, seeRow } from './rows/see-row.ts';

const folder = new URL('./rows/', import.meta.url);
const names = readdirSync(fileURLToPath(folder)).filter((name) => name.endsWith('.rows.ts'));
const rows: Row[] = [];
for (const name of names) {
  const module = (await import(new URL(name, folder).href)) as { readonly rows: readonly Row[] };
  rows.push(...module.rows);
}
/** Codes that tell of a key without effect. */
const warningsOfSupport = { 'gitlab/not-run-yet': true, 'gitlab/include-not-read': true };
const ids = Object.keys(catalogue) as RowId[];

function casesOf<T>(cases: readonly T[] | NoCase): readonly T[] {
  return 'none' in cases ? [] : cases;
}

/** `row`, numbered where it has several cases. */
function titled<T>(pick: (row: Row) => readonly T[] | NoCase): readonly [string, T][] {
  return rows.flatMap((row) => casesOf(pick(row)).map((one, index): [string, T] => [`${row.row} (${index + 1})`, one]));
}

describe('a row of the catalogue passes:', () => {
  it.each(titled<Passing>(({ passes }) => passes))('%s', async (_, given) => {
    const { jobs = {}, nodes = {}, warns = [], check } = given;
    const result = await seeRow(given);
    const told = result.diagnostics.map(({ severity, code, message }) => `${severity} ${code} ${message}`);
    expect(told.filter((line) => line.startsWith('error'))).toEqual([]);
    expect(result.diagnostics.map(({ code }) => code).sort(), told.join('\n')).toEqual([...warns].sort());
    const all = seen(result);
    for (const [name, expected] of Object.entries(jobs)) expect(all.job(name)).toMatchObject(expected);
    for (const [id, expected] of Object.entries(nodes)) expect(all.node(id)).toMatchObject(expected);
    if (given.ids) expect(all.plan.nodes.map(({ id }) => id)).toEqual(given.ids);
    if (given.pipeline) expect(all.pipeline).toMatchObject(given.pipeline);
    if (given.plan) expect(all.plan).toMatchObject(given.plan);
    if (given.config) expect(all.config).toMatchObject(given.config);
    check?.(all);
  });
});

describe('a row of the catalogue refuses:', () => {
  it.each(titled<Refused>(({ refuses }) => refuses))('%s', async (_, given) => {
    const { diagnostics } = await seeRow(given);
    const told = diagnostics.map(({ severity, code, message }) => `${severity} ${code} ${message}`).join('\n');
    const found = diagnostics.filter(({ code, severity }) => code === given.code && severity === 'error');
    expect(
      found.map(({ code }) => code),
      told,
    ).toContain(given.code);
    const file = given.in ?? given.file ?? '.gitlab-ci.yml';
    const text = given.in === undefined ? given.text : given.files?.[given.in];
    const { position } = lineIndex(text ?? '');
    const places = found.map(({ span }) => [span?.file, span && position(span.start).line]);
    expect(places, told).toContainEqual([file, given.line]);
    if (given.says !== undefined) expect(told).toContain(given.says);
  });
});

describe('the catalogue', () => {
  it('has cases for every row', () => {
    const lacking = (pick: (row: Row) => readonly unknown[] | NoCase): readonly string[] => {
      const covered = new Set(
        rows.filter((row) => 'none' in pick(row) || casesOf(pick(row)).length > 0).map(({ row }) => row),
      );
      return ids.filter((id) => !covered.has(id));
    };
    expect(
      lacking(({ passes }) => passes),
      'rows without a case that passes',
    ).toEqual([]);
    expect(
      lacking(({ refuses }) => refuses),
      'rows without a case that is refused',
    ).toEqual([]);
    expect(rows.map(({ row }) => row).filter((row) => !(row in catalogue))).toEqual([]);
  });

  it('stands in the support matrix, row by row', () => {
    const known = new Set(supportMatrix().map(({ id }) => id));
    expect(ids.filter((id) => !known.has(id))).toEqual([]);
  });

  it('shows by its cases what the support matrix says', () => {
    const warning = (row: Row): boolean =>
      casesOf(row.passes).some(({ warns = [] }) => warns.some((code) => code in warningsOfSupport));
    const untrue = supportMatrix().filter(({ id, support }) => {
      const own = rows.filter(({ row }) => row === id);
      if (own.length === 0) return false;
      if (support.state === 'ignored') return !own.some(warning);
      return support.state === 'refused' && !own.some(({ refuses }) => casesOf(refuses).length > 0);
    });
    expect(untrue, 'rows that are ignored need a case with the warning, refused ones a case that is refused').toEqual(
      [],
    );
  });
});
