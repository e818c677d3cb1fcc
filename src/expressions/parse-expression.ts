import { type ComparisonOperator, type Expression, failed, type LogicalOperator, type Parsed } from './expression.ts';
import { type Token, tokenize } from './lexer.ts';
import { compileUserRegex, splitPattern } from './user-regex.ts';

/**
 * Parses the text of `rules:if` by GitLab's grammar: comparisons bind tighter than `&&`, that tighter than `||`, all
 * from left to right. A pattern that RE2 refuses is an error here, as in GitLab's linter. Never throws.
 * Source: https://docs.gitlab.com/ci/jobs/job_rules/#cicd-variable-expressions
 */
export function parseExpression(text: string): Parsed<Expression> {
  const tokens = tokenize(text);
  if (!tokens.ok) return tokens;
  if (tokens.value.length === 0) return failed('the expression is empty', { start: 0, end: text.length });
  const reader: Reader = { tokens: tokens.value, next: 0, end: text.length };
  const parsed = parseLevel(reader, 0);
  const rest = reader.tokens[reader.next];
  if (!parsed.ok || !rest) return parsed;
  if (rest.kind === ')') return failed('`)` closes nothing', rest);
  return failed(`there is no operator before \`${rest.text}\``, rest, 'join conditions with `&&` or `||`');
}

interface Reader {
  readonly tokens: readonly Token[];
  next: number;
  readonly end: number;
}

/** Loosest first. */
const levels = ['||', '&&', 'comparison'] as const;

function parseLevel(reader: Reader, level: number): Parsed<Expression> {
  const kind = levels[level];
  if (kind === undefined) return parseValue(reader);
  let left = parseLevel(reader, level + 1);
  while (left.ok && reader.tokens[reader.next]?.kind === kind) {
    const operator = reader.tokens[reader.next++]!;
    const right = parseLevel(reader, level + 1);
    if (!right.ok) return right;
    left = { ok: true, value: combine(operator, left.value, right.value) };
  }
  return left;
}

function combine(operator: Token, left: Expression, right: Expression): Expression {
  const range = { start: left.start, end: right.end, left, right };
  return operator.kind === 'comparison'
    ? { kind: 'comparison', operator: operator.text as ComparisonOperator, ...range }
    : { kind: 'logical', operator: operator.text as LogicalOperator, ...range };
}

function parseValue(reader: Reader): Parsed<Expression> {
  const token = reader.tokens[reader.next];
  if (!token) {
    const last = reader.tokens.at(-1)!;
    return failed(`something is missing after \`${last.text}\``, { start: last.start, end: reader.end });
  }
  reader.next++;
  const { start, end, text } = token;
  switch (token.kind) {
    case 'variable':
      return { ok: true, value: { kind: 'variable', name: text.slice(1), start, end } };
    case 'input':
      return { ok: true, value: { kind: 'input', name: /inputs\.([\w/-]+)/.exec(text)![1]!, start, end } };
    case 'string':
      return { ok: true, value: { kind: 'string', value: text.slice(1, -1), start, end } };
    case 'null':
      return { ok: true, value: { kind: 'null', start, end } };
    case 'boolean':
      return { ok: true, value: { kind: 'boolean', value: text === 'true', start, end } };
    case 'pattern':
      return parsePattern(token);
    case '(':
      return parseGroup(reader, token);
    default:
      return failed(`\`${text}\` has nothing on its left`, token);
  }
}

function parsePattern(token: Token): Parsed<Expression> {
  const pattern = splitPattern(token.text);
  if (!pattern) return failed('a regular expression stands on one line', token, 'write `\\n` for a line break');
  const { source, flags } = pattern;
  const regex = compileUserRegex(source, flags);
  if (regex.kind === 'invalid') return failed(`the regular expression is not valid: ${regex.message}`, token);
  return { ok: true, value: { kind: 'pattern', source, flags, start: token.start, end: token.end } };
}

function parseGroup(reader: Reader, open: Token): Parsed<Expression> {
  const inner = parseLevel(reader, 0);
  if (!inner.ok) return inner;
  const close = reader.tokens[reader.next];
  if (!close) return failed('`(` is never closed', open);
  if (close.kind !== ')') return failed(`there is no operator before \`${close.text}\``, close);
  reader.next++;
  return { ok: true, value: { ...inner.value, start: open.start, end: close.end } };
}
