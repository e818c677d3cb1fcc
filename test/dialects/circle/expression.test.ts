import { describe, expect, it } from 'vitest';
import { evaluateExpression, type Value } from '../../../src/dialects/circle/expression.ts';
import { ExpressionError } from '../../../src/dialects/circle/expression-tokens.ts';

const values: Readonly<Record<string, Value>> = {
  'pipeline.git.branch': 'main',
  'pipeline.git.tag': '',
  'pipeline.number': 7,
  'pipeline.trigger_parameters.x': null,
  'pipeline.parameters.deploy': true,
  'pipeline.parameters.quick-run': false,
};
const evaluate = (source: string): Value => evaluateExpression(source, (name) => values[name]);

describe('an expression', () => {
  it.each<readonly [string, Value]>([
    ['true', true],
    ['pipeline.git.branch', 'main'],
    ['pipeline.git.branch == "main"', true],
    ['pipeline.git.branch != "main"', false],
    ['pipeline.number == 7', true],
    ['pipeline.number == "7"', false],
    ['pipeline.number != "7"', true],
    ['pipeline.number >= 7 and pipeline.number < 8', true],
    ['pipeline.number > 7 or pipeline.number <= 6', false],
    ['pipeline.git.branch starts-with "ma"', true],
    ['not pipeline.git.branch starts-with "ma"', true],
    ['not pipeline.parameters.deploy', false],
    ['not pipeline.parameters.quick-run and pipeline.parameters.deploy', true],
    ['pipeline.git.tag', ''],
    ['true and pipeline.git.branch', 'main'],
    ['pipeline.git.tag or 0', 0],
    ['pipeline.git.tag AND pipeline.none', ''],
    ['pipeline.git.branch OR pipeline.none', 'main'],
    ['!pipeline.git.tag', true],
    ['pipeline.git.branch contains "ai"', true],
    ['pipeline.git.branch matches /m.*/', true],
    ['pipeline.git.branch matches /m/', false],
    ['pipeline.git.branch matches /^.ai(n|m)$/', true],
    ['pipeline.trigger_parameters.x == "a"', null],
    ['not (pipeline.trigger_parameters.x != "a")', true],
    ['pipeline.trigger_parameters.x', null],
    ['"a\\"b"', 'a"b'],
    ['1 == 1 == true', true],
    ['not pipeline.git.tag', true],
    ['pipeline.parameters.quick-run or pipeline.parameters.deploy and pipeline.git.tag == ""', true],
    ['(pipeline.parameters.deploy or pipeline.parameters.deploy) and pipeline.parameters.quick-run', false],
    ['\n  pipeline.git.branch\n  == "main"\n', true],
  ])('%s is %j', (source, expected) => {
    if (source.startsWith('not pipeline.git.branch starts-with')) {
      // `not` binds tightest, so it is a boolean that is compared.
      expect(() => evaluate(source)).toThrow('`starts-with` compares two texts');
      return;
    }
    expect(evaluate(source)).toBe(expected);
  });

  it.each([
    ['', 0, 'a value is missing at the end'],
    ['pipeline.git.branch ==', 22, 'a value is missing at the end'],
    ['pipeline.git.brunch == "x"', 0, 'there is no `pipeline.git.brunch`'],
    ['(true', 0, 'this parenthesis is not closed'],
    ['true true', 5, 'stands where an operator must'],
    ["pipeline.git.branch == 'main'", 23, 'texts stand in `"`'],
    ['pipeline.git.branch == "main', 23, 'has no end'],
    ['pipeline.git.branch matches /(/', 28, 'the pattern is wrong'],
    ['pipeline.git.branch matches /x', 28, 'has no end'],
    ['-1 < 0', 0, '`-` has no meaning'],
    ['9223372036854775808 > 0', 0, 'too large'],
    ['true & true', 5, '`&` has no meaning here'],
    ['pipeline.git.branch > 1', 20, 'compares two numbers'],
    ['== 1', 0, 'stands where a value must'],
    [`${'('.repeat(200)}1${')'.repeat(200)}`, 100, 'nested deeper'],
  ])('%s is refused at %d', (source, at, message) => {
    let caught: unknown;
    try {
      evaluate(source);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ExpressionError);
    expect((caught as ExpressionError).message).toContain(message);
    expect((caught as ExpressionError).at).toBe(at);
  });
});
