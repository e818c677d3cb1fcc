import { describe, expect, it } from 'vitest';
import { fillMoaTemplate } from '../../src/expressions/moa/evaluate-moa.ts';

const context = {
  job: {
    inputs: {
      name: 'fred',
      empty: '',
      age: 3,
      on: true,
      off: false,
      list: ['one', 'two'],
      place: { line: 'Street', 'post-code': '1' },
    },
  },
};

const fill = (text: string): string => fillMoaTemplate(text, context);

// Sources: https://docs.gitlab.com/ci/functions/moa/, https://docs.gitlab.com/ci/jobs/job_inputs/
describe('Moa', () => {
  it.each([
    ['plain $ and ${A} and }} stay', 'plain $ and ${A} and }} stay'],
    ['Hello ${{ job.inputs.name }}, ${{job.inputs.age}}', 'Hello fred, 3'],
    ['${{ job.inputs.on }} ${{ null }}', 'true <null>'],
    ["--tags '${{ job.inputs.list }}'", `--tags '["one","two"]'`],
    ['${{ job.inputs.list[1] }}', 'two'],
    ['${{ job.inputs.place.line }} ${{ job.inputs.place["post-code"] }}', 'Street 1'],
    ['Use \\${{ to start', 'Use ${{ to start'],
    ['${{ 1 + 2 * 3 }} ${{ (1 + 2) * 3 }} ${{ 10 % 4 - 1 }} ${{ -7 % 3 }} ${{ 10 / 4 }}', '7 9 1 -1 2.5'],
    ['${{ 1.5e3 }} ${{ 2E-4 }} ${{ - -5 }} ${{ !true }}', '1500 0.0002 5 false'],
    ['${{ "a" + "b" == "ab" }} ${{ 1 == "1" }} ${{ 1 < "0" }}', 'true false true'],
    ['${{ [1, 2] < [1, 3,] }} ${{ {a: 1, b: 2} == {b: 2, a: 1} }} ${{ false < true }}', 'true true true'],
    ['${{ job.inputs.empty || "default" }} ${{ job.inputs.off && 1 / 0 }}', 'default false'],
    ['${{ job.inputs.name == "fred" && "yes" || "no" }}', 'yes'],
    [
      '${{ str(42) + "!" }} ${{ num("3.14") + 1 }} ${{ bool([]) }} ${{ bool({a: 1}) }}',
      '42! 4.140000000000001 false true',
    ],
    ['${{ "in ${{ job.inputs.name }} \\${{ \\u0041\\t\\"" }}', 'in fred ${{ A\t"'],
    ["${{ 'raw ${{ x }} \\' \\\\ \\n' }}", "raw ${{ x }} ' \\ \\n"],
    ['${{ {(job.inputs.name): [1, {}]} }}', '{"fred":[1,{}]}'],
    ['${{ {a: {b: 1}} }}', '{"a":{"b":1}}'],
  ])('fills %s', (text, filled) => {
    expect(fill(text)).toBe(filled);
  });

  it.each([
    ['${{ job.inputs.nam }}', /no `nam`, only name, empty/],
    ['${{ job.inputs.constructor }}', /no `constructor`/],
    ['${{ jobs }}', /no `jobs`, only job/],
    ['${{ "a" + 1 }}', /`\+` can't take a string and a number; `str\(…\)`/],
    ['${{ 1 / 0 }}', /division by zero/],
    ['${{ job.inputs.list[2] }}', /array of 2 has no item 2/],
    ['${{ job.inputs.name.x }}', /a string has nothing in it/],
    ['a\n  ${{ 1 +', /`\$\{\{` is not closed by `}}` \(line 2, column 6\)/],
    ['${{ "a }}', /the string does not end/],
    ['${{ 1 + }}', /has its end where a value should be/],
    ['${{ 1 2 }}', /has a number where a value should be/],
    ['${{ now() }}', /no function `now`/],
    ['${{ while }}', /reserved word/],
    ['${{ num("x") }}', /makes no number of "x"/],
    ['${{ # }}', /`#` means nothing here/],
    ['${{ "\\q" }}', /no escape/],
    ['${{ {1: 2} }}', /a key of an object is a number/],
    [`\${{ ${'('.repeat(5000)}1 }}`, /nested too deeply/],
    [`\${{ ${'-'.repeat(5000)}1 }}`, /nested too deeply/],
  ])('refuses %s', (text, why) => {
    expect(() => fill(text)).toThrow(why);
  });
});
