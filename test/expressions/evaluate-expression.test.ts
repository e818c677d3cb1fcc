import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateExpression } from '../../src/expressions/evaluate-expression.ts';
import { parseExpression } from '../../src/expressions/parse-expression.ts';
import { cpuTimer } from '../support/cpu-timer.ts';

const variables: Readonly<Record<string, string>> = {
  NAME: 'my variable',
  PATHISH: 'a/path/value',
  ABSOLUTE: '/a/full/path',
  EMPTY: '',
  BLANK: '  ',
  BRANCH: 'feature/login',
  MAIN: 'main',
  TAG: 'v1.2.3',
  ZERO: '0',
  FALSE: 'false',
  TRUE: 'true',
  PATTERN: '/^feat/',
  PATTERN_I: '/^FEAT/i',
  BROKEN: '/fe(at/',
  SLASHES: '/\\/path$/',
  EVERYTHING: '//',
  LINES: 'one\ntwo',
  NULLISH: 'null',
  HOSTILE: '") || true || ("',
};

function evaluate(text: string): boolean {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error.message}`);
  return evaluateExpression(parsed.value, {
    variable: (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined),
  }).result;
}

const truths: readonly string[] = [
  '$NAME',
  '$ZERO',
  '$FALSE',
  '"x"',
  'true',
  '/ab/',
  '($NAME)',
  '(($NAME))',
  '$NAME == "my variable"',
  "$NAME == 'my variable'",
  '"my variable" == $NAME',
  '$EMPTY == ""',
  '"" == $EMPTY',
  "$EMPTY == ''",
  '$EMPTY != null',
  '$UNSET == null',
  'null == $UNSET',
  '$UNSET == $OTHER_UNSET',
  '$UNSET != ""',
  '$NAME != null',
  '$NAME != "other"',
  '$TRUE == "true"',
  '$TRUE != true',
  'true == true',
  'true != false',
  'null == null',
  'null != false',
  '"a" == "a"',
  '"it\'s" == "it\'s"',
  '\'say "x"\' == \'say "x"\'',
  '"a\\b" == \'a\\b\'',
  '$NULLISH != null',
  '$NULLISH == "null"',
  '"$NAME" != $NAME',
  '$HOSTILE != "x"',
  '$NAME =~ /var.*e$/',
  '$NAME =~ /VAR/i',
  '$NAME =~ /^my/',
  '$NAME =~ /variable/',
  '$PATHISH =~ /path\\/value/',
  '$ABSOLUTE =~ /^\\/a\\/full\\/path$/',
  '$TAG =~ /^v\\d+\\.\\d+\\.\\d+$/',
  '$TAG =~ /^v\\d+/',
  '$BRANCH =~ /^feature\\//',
  '$BRANCH =~ /^(feature|fix)\\/.+$/',
  '$BRANCH =~ $PATTERN',
  '$BRANCH =~ $PATTERN_I',
  '$ABSOLUTE =~ $SLASHES',
  '$NAME =~ $EVERYTHING',
  '$EMPTY =~ $EVERYTHING',
  '$LINES =~ /^two$/m',
  '$LINES =~ /one.two/s',
  '$LINES =~ /ONE.TWO/is',
  '$NAME =~ /a+?b/U',
  '$MAIN =~ "main branch"',
  '$MAIN =~ $MAIN',
  '"" =~ "abc"',
  '$UNSET =~ "abc"',
  '$UNSET =~ /^$/',
  '$EMPTY =~ /^$/',
  '"at" =~ "at(/"',
  '$BROKEN =~ $BROKEN',
  '$NAME !~ /^var/',
  '$EMPTY !~ /var/',
  '$UNSET !~ /var/',
  '$NAME !~ $UNSET',
  '$NAME !~ null',
  '$MAIN !~ $PATTERN',
  '$NAME && $MAIN',
  '$NAME && "x"',
  '$EMPTY && "x"',
  '$EMPTY && $NAME',
  '$BLANK && $NAME',
  '$NAME || $UNSET',
  '$UNSET || $NAME',
  'null || "x"',
  'false || true',
  '$UNSET == null || $NAME',
  '$NAME && null || $EMPTY == ""',
  'null && null || "x"',
  '"x" || null && null',
  'true || false && false',
  '(true || false) && true',
  '$NAME == "x" || $MAIN == "main" && $TAG',
  '$MAIN == "main" && $TAG =~ /^v/ && $UNSET == null',
  '($NAME) && (null || $EMPTY == "")',
  '("string" || "test") == "string"',
  '"string" == ("test" && "string")',
  '"string" == ("string" || (("1" == "1") && ("2" == "3")))',
  '$NAME=="my variable"&&$MAIN=="main"',
  '\t$NAME\n==  "my variable"  ',
  '"a" == "b" == false',
  '"a" == "a" == true',
  '$BRANCH =~ /feature/ == true',
  '$NAME =~ /my/ && $BRANCH =~ /login/',
  '$NAME =~ /no/ || $BRANCH =~ /login/',
  '"a/b" =~ /a\\/b/',
  '"a/" =~ /a//',
  '"x" != /xx/',
  '/ab/ == /ab/',
  '/ab/ != /ab/i',
  '$_x == null',
  '$1 == null',
  '$NAME =~ /[aeiou]{1}/',
  '$NAME =~ /\\bvariable\\b/',
  '"ß" =~ /^.$/',
  '"äöü" =~ /^\\pL+$/',
];

const lies: readonly string[] = [
  '$EMPTY',
  '$BLANK',
  '$UNSET',
  'null',
  'false',
  '""',
  "''",
  '$NAME == null',
  '$EMPTY == null',
  '$NAME != "my variable"',
  '"" != $EMPTY',
  '$UNSET == ""',
  '$UNSET != null',
  '$TRUE == true',
  '$NULLISH == null',
  'null == false',
  'true == false',
  '"$NAME" == $NAME',
  '"A" == "a"',
  '$NAME =~ /^var/',
  '$NAME =~ /VARIABLE/',
  '$EMPTY =~ /var/',
  '$UNSET =~ /var/',
  '$NAME =~ $UNSET',
  '$NAME =~ null',
  '$NAME =~ true',
  '$NAME =~ false',
  '$UNSET =~ $UNSET',
  '$MAIN =~ $PATTERN',
  '$BRANCH =~ $BROKEN',
  '"abc" =~ "ab"',
  '$NAME =~ "my"',
  '$LINES =~ /^two$/',
  '$LINES =~ /one.two/',
  '$TAG =~ /^v\\d+$/',
  '$NAME !~ /var.*e$/',
  '$NAME !~ /VAR/i',
  '$BRANCH !~ $PATTERN',
  '$NAME && $EMPTY',
  '$NAME && $UNSET',
  '$NAME && null',
  'null && $NAME',
  '$UNSET && $EMPTY',
  '$EMPTY || $NAME',
  '$BLANK || $NAME',
  'false || null',
  'false && true',
  '(true || false) && false',
  '(null || ("test" == "string"))',
  '"string" == ("test" || "string")',
  '$NAME =~ /my/ && $EMPTY =~ /nope/',
  '$MAIN == "main" && $TAG == null || $NAME == "x"',
  '"a" == "b" == true',
  '"x" == /xx/',
  '/ab/ == /ab/i',
  '$HOSTILE == "x"',
];

describe('the table', () => {
  it.each(truths)('%s is true', (text) => expect(evaluate(text)).toBe(true));
  it.each(lies)('%s is false', (text) => expect(evaluate(text)).toBe(false));
  it('is long enough', () => expect(truths.length + lies.length).toBeGreaterThanOrEqual(120));
});

describe('what was seen', () => {
  const seen = (text: string) => {
    const parsed = parseExpression(text);
    if (!parsed.ok) throw new Error(parsed.error.message);
    return evaluateExpression(parsed.value, { variable: (name) => variables[name] }).seen;
  };

  it('names each variable once, in order', () => {
    expect(seen('$MAIN == "x" || $UNSET || $MAIN == "main"')).toEqual([
      { name: 'MAIN', value: 'main' },
      { name: 'UNSET', value: undefined },
    ]);
  });

  it('leaves out what a short circuit skips', () => {
    expect(seen('$UNSET && $MAIN').map(({ name }) => name)).toEqual(['UNSET']);
  });
});

it('reads inputs from the lookup', () => {
  const parsed = parseExpression('$[[ inputs.cloud-name ]] == "aws" && $[[inputs.on]]');
  expect(
    parsed.ok &&
      evaluateExpression(parsed.value, { variable: () => undefined, input: (name) => (name === 'on' ? true : 'aws') })
        .result,
  ).toBe(true);
});

describe('evil patterns', () => {
  const patterns = [
    '^(a+)+$',
    '(a|aa)+$',
    '(a|a?)+$',
    '(.*a){20}$',
    '(a*)*b',
    '((a*)*)*b',
    '(x+x+)+y',
    '(\\w+\\s?)+!',
    '([a-z]+)*\\d',
    'a*a*a*a*a*a*b',
    '(.*)*(.*)*z',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    '(a?){50}a{50}b',
    '(aa|aab?)*c',
    '(?:a{1,30}){1,30}b',
    '[a-z]*[a-z]*[a-z]*1',
    '(a+)+(b+)+(c+)+d',
    '(.+)+x',
    '(\\s*a\\s*)*b',
    '(a|b|ab)*c',
  ];
  const text = 'a'.repeat(100_000);

  it.each(patterns)('%s on 100 KB', (pattern) => {
    const parsed = parseExpression(`$TEXT =~ /${pattern}/ || $TEXT =~ $PATTERN`);
    expect(parsed.ok).toBe(true);
    if (!parsed.ok) return;
    const values: Record<string, string> = { TEXT: text, PATTERN: `/${pattern}/` };
    const spentMs = cpuTimer();
    evaluateExpression(parsed.value, { variable: (name) => values[name] });
    expect(spentMs()).toBeLessThan(2000);
  });
});

it('never throws, whatever the values are', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (left, right) => {
      for (const operator of ['==', '!=', '=~', '!~', '&&', '||']) {
        const parsed = parseExpression(`$LEFT ${operator} $RIGHT`);
        if (!parsed.ok) throw new Error('does not parse');
        const { result } = evaluateExpression(parsed.value, { variable: (name) => (name === 'LEFT' ? left : right) });
        expect(typeof result).toBe('boolean');
      }
    }),
  );
});
