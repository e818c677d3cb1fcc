import { expect } from 'vitest';
import type { RowId } from './catalogue.ts';
import type { Passing, Refused, Row } from './row-cases.ts';

const surroundings = { variables: { EMPTY: '', RE: '/^ma/', LINES: 'one\ntwo' } } as const;

function file(expression: string): string {
  return `a:\n  script: [make]\n  rules:\n    - if: '${expression.replaceAll("'", "''")}'\n`;
}

function holds(expression: string, result: boolean): Passing {
  return {
    ...surroundings,
    text: file(expression),
    check: ({ decision }) => expect(decision('a').included, expression).toBe(result),
  };
}

const refused = (expression: string): Refused => ({ text: file(expression), code: 'gitlab/expression', line: 4 });

function row(id: RowId, yes: readonly string[], no: readonly string[], wrong: readonly string[]): Row {
  return {
    row: id,
    passes: [...yes.map((one) => holds(one, true)), ...no.map((one) => holds(one, false))],
    refuses: wrong.map(refused),
  };
}

/** The grammar of `if`; `test/expressions` has the whole table. */
export const rows: readonly Row[] = [
  row('expression/variable', ['$CI_COMMIT_BRANCH'], ['$MISSING', '$EMPTY'], ['${CI_COMMIT_BRANCH}', '%A%', '$', 'A']),
  row(
    'expression/string',
    ['$CI_COMMIT_BRANCH == "main"', "$CI_COMMIT_BRANCH == 'main'", '"it\'s" == "it\'s"'],
    ['""', '"$CI_COMMIT_BRANCH" == "main"'],
    ['"open', '"a\\"b"', '$CI_COMMIT_BRANCH == main'],
  ),
  row(
    'expression/pattern',
    ['$CI_COMMIT_BRANCH =~ /AI/i', '$LINES =~ /^two$/m', '$CI_PROJECT_PATH =~ /^group\\/pro/'],
    ['$CI_COMMIT_BRANCH =~ /^ai/', '$LINES =~ /one.two/'],
    ['$A =~ /a/', '$A =~ /ab', '$A =~ /((/', '$A =~ /(?=ab)/', '$A =~ /ab/x'],
  ),
  row(
    'expression/null',
    ['$MISSING == null', '$EMPTY != null'],
    ['$CI_COMMIT_BRANCH == null', 'null'],
    ['nil', 'NULL'],
  ),
  row('expression/boolean', ['true', 'true != false'], ['false', '"true" == true'], ['TRUE', 'yes']),
  row('expression/equality', ['"a" == "a"', '"a" != "b"'], ['"a" == "b"', '"a" != "a"'], ['"a" = "a"', '"a" == ']),
  row(
    'expression/match',
    ['$CI_COMMIT_BRANCH =~ $RE', '$MISSING !~ /ab/', '$CI_COMMIT_BRANCH !~ $MISSING', '$EMPTY =~ /^$/'],
    ['$CI_COMMIT_BRANCH !~ $RE', '$CI_COMMIT_BRANCH =~ $MISSING', '$CI_COMMIT_BRANCH =~ null'],
    ['=~ /ab/', '$A =~ '],
  ),
  row(
    'expression/and-or',
    ['"y" || null && null', '$MISSING || $CI_COMMIT_BRANCH', '$EMPTY && "x"'],
    ['null && null', '$CI_COMMIT_BRANCH && $MISSING', '$EMPTY || "x"'],
    ['$A && ', '|| $A', '$A & $B', '$A $B', '!$A'],
  ),
  row('expression/parentheses', ['(("x"))', '("a" || "b") == "a"'], ['("y" || null) && null'], ['("x"', '"x")', '()']),
  row(
    'expression/length',
    [Array(50).fill('"x"').join(' && ')],
    [[...Array(49).fill('"x"'), 'null'].join(' && ')],
    [Array(51).fill('"x"').join(' && ')],
  ),
];
