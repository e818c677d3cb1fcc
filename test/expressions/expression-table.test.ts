import { describe, expect, it } from 'vitest';
import { evaluateExpression } from '../../src/expressions/evaluate-expression.ts';
import { parseExpression } from '../../src/expressions/parse-expression.ts';
import { memoisedCompileRegex } from '../../src/expressions/user-regex.ts';

/**
 * The grammar of `rules:if` as a table: written from the grammar and GitLab's own lexemes, not from our evaluator.
 * Sources: lib/gitlab/ci/pipeline/expression (lexer, parser, lexeme/*), https://docs.gitlab.com/ci/jobs/job_rules/
 */
const values: Readonly<Record<string, string>> = {
  A: 'a',
  B: 'b',
  ONE: '1',
  EMPTY: '',
  BLANK: ' ',
  YES: 'true',
  NO: 'false',
  NULL: 'null',
  NAME: 'my variable',
  PATH_: 'a/path/variable',
  FULL: '/a/full/path',
  NESTED: '$A',
  QUOTED: 'say "it\'s"',
  LINES: 'line1\nline2',
  '1ST': 'first',
  _: 'underscore',
  TEXT: 'abcde',
  RE: '/^ab.*/',
  RE_I: '/^AB/i',
  RE_OTHER: '/^at.*/',
  RE_ONE: '/b/',
  RE_ALL: '//',
  RE_SLASH: '/path\\/var/',
  RE_BROKEN: '/(/',
  BRANCH: 'feature/login-1',
  VERSION: 'v1.20.3',
  LOOKS_LIKE_RE: '/not closed',
};

type Row = readonly [expression: string, result: boolean];

const truth: readonly Row[] = [
  // A value by itself: true if it is neither null nor blank.
  ['$A', true],
  ['$EMPTY', false],
  ['$MISSING', false],
  ['$YES', true],
  ['$NO', true],
  ['$NULL', true],
  ['"text"', true],
  ["'text'", true],
  ['""', false],
  ["''", false],
  ['null', false],
  ['true', true],
  ['false', false],
  ['/ab/', true],
  ['$1ST', true],
  ['$_', true],
];

const comparisons: readonly Row[] = [
  ['$A == "a"', true],
  ["$A == 'a'", true],
  ['"a" == $A', true],
  ['$A == "b"', false],
  ['$A == "A"', false],
  ['$A != "b"', true],
  ['$A != "a"', false],
  ['"b" != $A', true],
  ['$A == $A', true],
  ['$A == $B', false],
  ['$A != $B', true],
  ['$ONE == "1"', true],
  ['"" == \'\'', true],
  ['$EMPTY == ""', true],
  ['"" == $EMPTY', true],
  ['$EMPTY != ""', false],
  ['$BLANK == ""', false],
  ['$BLANK == " "', true],
  // Null is what is not defined, and nothing else.
  ['$MISSING == null', true],
  ['null == $MISSING', true],
  ['$MISSING != null', false],
  ['null != $MISSING', false],
  ['$EMPTY == null', false],
  ['$EMPTY != null', true],
  ['$A == null', false],
  ['$A != null', true],
  ['$NULL == null', false],
  ['$NULL == "null"', true],
  ['null == null', true],
  ['null != null', false],
  ['$MISSING == ""', false],
  ['$MISSING != ""', true],
  ['$MISSING == $MISSING', true],
  ['$MISSING == $ALSO_MISSING', true],
  ['"null" == null', false],
  // Variables are texts: never equal to a boolean.
  ['$YES == "true"', true],
  ['$YES == true', false],
  ['$NO == false', false],
  ['$NO == "false"', true],
  ['true == true', true],
  ['true == false', false],
  ['true != false', true],
  ['false == null', false],
  ['"true" == true', false],
  ['$MISSING == false', false],
  // Texts hold no escapes, and nothing in them or in a value is expanded.
  ['$QUOTED =~ /say "it\'s"/', true],
  ['"it\'s" == "it\'s"', true],
  ['\'say "x"\' == \'say "x"\'', true],
  ['$NESTED == "a"', false],
  ['$NESTED == "$A"', true],
  ["$NESTED == '$A'", true],
  ['$NESTED == $A', false],
  ['"\\n" == \'\\n\'', true],
  ['$LINES == "line1\\nline2"', false],
  // Blanks of any kind between tokens, or none.
  ['$A=="a"', true],
  ['$A=="a"&&$B=="b"', true],
  ['  $A  ==\t"a"  ', true],
  ['$A\n== "a"\n', true],
  // Comparisons are left associative.
  ['$A == "a" == true', true],
  ['"a" == "a" == "a"', false],
  ['$A != "b" != false', true],
];

const matches: readonly Row[] = [
  ['$NAME =~ /var/', true],
  ['$NAME =~ /^var/', false],
  ['$NAME =~ /^my/', true],
  ['$NAME =~ /able$/', true],
  ['$NAME =~ /VAR/', false],
  ['$NAME =~ /VAR/i', true],
  ['$NAME =~ /var.*e$/', true],
  ['$NAME =~ /my variable/', true],
  ['$NAME !~ /var/', false],
  ['$NAME !~ /^var/', true],
  ['$NAME !~ /VAR/i', false],
  ['"my variable" =~ /var/', true],
  ['$PATH_ =~ /path\\/variable/', true],
  ['$FULL =~ /^\\/a\\/full/', true],
  ['$FULL =~ /\\/path$/', true],
  ['$BRANCH =~ /^feature\\/.+-\\d+$/', true],
  ['$BRANCH =~ /^(feature|fix)\\//', true],
  ['$VERSION =~ /^v\\d+\\.\\d+\\.\\d+$/', true],
  ['$VERSION =~ /^v\\d+\\.\\d+\\.\\d+-rc/', false],
  ['$BRANCH =~ /-\\d$/ && $VERSION =~ /^v1/', true],
  ['$BRANCH =~ /-\\d$/ && $VERSION =~ /^v2/', false],
  // No value is an empty text on the left.
  ['$MISSING =~ /var/', false],
  ['$MISSING !~ /var/', true],
  ['$EMPTY =~ /var/', false],
  ['$EMPTY !~ /var/', true],
  ['$EMPTY =~ /^$/', true],
  ['$MISSING =~ /^$/', true],
  ['$A =~ /^$/', false],
  ['null =~ /.*/', true],
  ['true =~ /rue/', true],
  // Flags mean what they mean in RE2.
  ['$LINES =~ /line1.line2/', false],
  ['$LINES =~ /line1.line2/s', true],
  ['$LINES =~ /^line2/', false],
  ['$LINES =~ /^line2/m', true],
  ['$LINES =~ /LINE1.LINE2/is', true],
  ['$NAME =~ /m.*e/U', true],
  ['$NAME =~ /MY.*E/ismU', true],
  ['$NAME =~ /(?i)VAR/', true],
  // Nothing on the right: no match.
  ['$A =~ null', false],
  ['$A !~ null', true],
  ['$A =~ $MISSING', false],
  ['$A !~ $MISSING', true],
  ['$A =~ false', false],
  ['$A !~ false', true],
  // A variable that holds `/…/` is a pattern, also one of a single character.
  ['$TEXT =~ $RE', true],
  ['$TEXT =~ $RE_OTHER', false],
  ['$TEXT !~ $RE', false],
  ['$TEXT !~ $RE_OTHER', true],
  ['$TEXT =~ $RE_I', true],
  ['$TEXT =~ $RE_ONE', true],
  ['$A =~ $RE_ONE', false],
  ['$A =~ $RE_ALL', true],
  ['$PATH_ =~ $RE_SLASH', true],
  ['$TEXT =~ "/^ab/"', true],
  ['$TEXT =~ "/^b/"', false],
  // Any other text is searched for what stands on the left.
  ['$TEXT =~ "abcde"', true],
  ['$TEXT =~ $TEXT', true],
  ['"bcd" =~ $TEXT', true],
  ['$TEXT =~ "bcd"', false],
  ['$TEXT !~ "bcd"', true],
  ['$EMPTY =~ "abc"', true],
  ['$A =~ ""', false],
  ['"(" =~ $RE_BROKEN', true],
  ['$A =~ $RE_BROKEN', false],
  ['"not" =~ $LOOKS_LIKE_RE', true],
  ['$TEXT =~ "$RE"', false],
  // Patterns are equal if they are written the same.
  ['/ab/ == /ab/', true],
  ['/ab/ == /abc/', false],
  ['/ab/ != /abc/', true],
  // The pattern goes on to a slash that has something but a backslash before it.
  ['"ab/" =~ /ab//', true],
  ['"ab" =~ /ab//', false],
];

const logic: readonly Row[] = [
  ['$A && $B', true],
  ['$A && $MISSING', false],
  ['$MISSING && $A', false],
  ['$A || $MISSING', true],
  ['$MISSING || $A', true],
  ['$MISSING || $ALSO_MISSING', false],
  ['$A == "a" && $B == "b"', true],
  ['$A == "a" && $B == "x"', false],
  ['$A == "x" || $B == "b"', true],
  ['$A == "x" || $B == "x"', false],
  ['$A && "text"', true],
  ['$A && null', false],
  ['null && $A', false],
  ['true && false', false],
  ['true || false', true],
  ['false || false', false],
  ['false || $A', true],
  ['true && $A', true],
  // Only null and false end an `&&`, and only they let an `||` go on: an empty text does not.
  ['$EMPTY && $A', true],
  ['$A && $EMPTY', false],
  ['$EMPTY && "text"', true],
  ['$EMPTY && $EMPTY', false],
  ['$EMPTY || $A', false],
  ['$EMPTY || true', false],
  ['$MISSING || $EMPTY', false],
  ['$EMPTY == "" || $A', true],
  // `&&` binds closer than `||`, comparisons closer than both.
  ['"y" || null && null', true],
  ['("y" || null) && null', false],
  ['null && null || "y"', true],
  ['null && (null || "y")', false],
  ['$A == "a" || $B == "x" && null', true],
  ['($A == "a" || $B == "x") && null', false],
  ['null && $A || $B == "b"', true],
  ['$A == "x" && $B == "b" || $ONE == "1"', true],
  ['$ONE == "1" || $A == "x" && $B == "b"', true],
  ['$A == "x" && ($B == "b" || $ONE == "1")', false],
  ['$A == "a" && $B == "b" && $ONE == "1"', true],
  ['$A == "a" && $B == "b" && $ONE == "2"', false],
  // The value of `&&` and `||` is one of their operands.
  ['("a" || "b") == "a"', true],
  ['("a" && "b") == "b"', true],
  ['"b" == ("a" || "b")', false],
  ['($MISSING || "b") == $B', true],
  ['($A == "a") == ($B == "b")', true],
  ['($A == "a") == true', true],
  ['(null || ("a" == "b"))', false],
  // Parentheses.
  ['($A)', true],
  ['(($A))', true],
  ['((($MISSING)))', false],
  ['(($A && null) || $EMPTY == "")', true],
  ['($A) && (null || $EMPTY == "")', true],
  ['(  $A == "a"  )', true],
  ['($A == "a")&&($B == "b")', true],
  ['($NAME =~ /var/) && $A', true],
];

const inputs: readonly Row[] = [
  ['$[[ inputs.cloud ]] == "aws"', true],
  ['$[[inputs.cloud]] == "aws"', true],
  ['$[[ inputs.cloud ]] == "gcp"', false],
  ['"aws" == $[[  inputs.cloud  ]]', true],
  ['$[[ inputs.cloud ]] =~ /^a/ && $A', true],
  ['$[[ inputs.debug ]] == true', true],
  ['$[[ inputs.debug ]] == "true"', false],
  ['$[[ inputs.other ]] == null', true],
];

const refused: readonly string[] = [
  '',
  '   ',
  '\n',
  // Unknown tokens.
  '${A} == "a"',
  '${A}',
  '%A%',
  '$',
  '$-',
  '$A-B',
  '$A.b',
  '$Ä',
  '$A == a',
  'A == "a"',
  '$A == 1',
  '$A = "a"',
  '$A === "a"',
  '$A ~ /ab/',
  '$A > "a"',
  '$A >= "a"',
  '$A & $B',
  '$A | $B',
  '$A and $B',
  '$A or $B',
  'not $A',
  '!$A',
  '! ($A)',
  '$A == "a" # remark',
  '$A; $B',
  '$A + $B',
  'nullable',
  'truex',
  'TRUE',
  'NULL',
  'nil',
  'yes',
  // Texts.
  '"open',
  "'open",
  '"open\'',
  '$A == "say \\"x\\""',
  '$A == "two\nlines"',
  // Patterns: two characters at least, closed, flags out of `ismU`, RE2.
  '$A =~ //',
  '$A =~ /a/',
  '$A =~ /ab',
  '$A =~ ab/',
  '$A =~ /ab\\/',
  '$A =~ /ab/x',
  '$A =~ /ab/I',
  '$A =~ /((/',
  '$A =~ /[a/',
  '$A =~ /a**/',
  '$A =~ /(?=ab)/',
  '$A =~ /(?!ab)c/',
  '$A =~ /(a)\\1/',
  '$A =~ /two\nlines/',
  // Operands and operators in the wrong number or place.
  '==',
  '$A ==',
  '== $A',
  '$A == == "a"',
  '&&',
  '$A &&',
  '&& $A',
  '$A && && $B',
  '$A || || $B',
  '$A || && $B',
  '$A =~',
  '=~ /ab/',
  '$A $B',
  '"a" "b"',
  '$A "b"',
  '$A null',
  '$A == "a" $B == "b"',
  // Parentheses.
  '(',
  ')',
  '()',
  '($A',
  '$A)',
  '(($A)',
  '($A))',
  ')$A(',
  '($A == "a"',
  '$A == ("a"',
  '$A == "a")',
  '($A ==) "a"',
  // Inputs: a name of letters, digits and `_`, no functions.
  '$[[ inputs.cloud | truncate(0,1) ]] == "a"',
  '$[[ variables.cloud ]] == "a"',
  '$[[ inputs. ]] == "a"',
  '$[[ inputs.cloud == "a"',
];

const inputValues: Readonly<Record<string, string | boolean>> = { cloud: 'aws', debug: true };

describe('the table of expressions', () => {
  const compileRegex = memoisedCompileRegex();
  const rows: readonly Row[] = [...truth, ...comparisons, ...matches, ...logic, ...inputs];

  it.each(rows)('%s is %s', (text, expected) => {
    const parsed = parseExpression(text);
    if (!parsed.ok) expect.fail(parsed.error.message);
    const variable = (name: string) => values[name];
    const lookup = { variable, input: (name: string) => inputValues[name], compileRegex };
    expect(evaluateExpression(parsed.value, lookup).result).toBe(expected);
  });

  it.each(refused)('%j is refused, at a place inside of it', (text) => {
    const parsed = parseExpression(text);
    if (parsed.ok) expect.fail('it was taken');
    const { message, start, end } = parsed.error;
    expect(message).not.toBe('');
    expect(start).toBeGreaterThanOrEqual(0);
    expect(end).toBeGreaterThanOrEqual(start);
    expect(end).toBeLessThanOrEqual(text.length);
  });

  it.each([
    [Array(50).fill('$A').join(' && '), true],
    [`(${Array(49).fill('$A').join(' || ')})`, true],
    [`${Array(49).fill('$A').join(' && ')} && ($MISSING`, undefined],
    [Array(51).fill('$A').join(' && '), undefined],
    [`((${Array(49).fill('$A').join(' || ')}))`, undefined],
    ['('.repeat(49) + '$A' + ')'.repeat(49), true],
    ['('.repeat(50) + '$A' + ')'.repeat(50), undefined],
  ])('reads 99 tokens and refuses 100 (%#)', (text, expected) => {
    const parsed = parseExpression(text);
    expect(parsed.ok ? evaluateExpression(parsed.value, { variable: (name) => values[name] }).result : undefined).toBe(
      expected,
    );
  });

  it.each([
    ['$A == "a" && ${B}', 13, 17],
    ['$A == "a" && $B = "b"', 16, 17],
    ['$A == "a" $B', 10, 12],
    ['($A == "a"', 0, 1],
    ['$A == "a")', 9, 10],
    ['$A =~ /((/', 6, 10],
    ['$A && "open', 6, 11],
    ['&& $A', 0, 2],
  ])('points at what is wrong in %s', (text, start, end) => {
    expect(parseExpression(text)).toMatchObject({ ok: false, error: { start, end } });
  });

  it('has enough rows, each once', () => {
    const all = [...rows.map(([text]) => text), ...refused];
    expect(all.length).toBeGreaterThanOrEqual(120);
    expect(new Set(all).size).toBe(all.length);
  });
});
