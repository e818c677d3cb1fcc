import type { Spanned } from '../../diagnostics/diagnostic.ts';
import { parseExpression } from '../../expressions/parse-expression.ts';
import { compileUserRegex, splitPattern } from '../../expressions/user-regex.ts';
import type { Node } from '../../syntax/node.ts';
import { invalidValue, type Reading } from './reading.ts';
import { kindOf, spanInside } from './values.ts';

/** The text of a `rules:if` that parses; a mistake is told at its place inside the text. */
export function readExpression(node: Node, what: string, reading: Reading): Spanned<string> | undefined {
  if (node.kind !== 'scalar' || typeof node.value !== 'string') {
    invalidValue(reading, node.span, `\`${what}\` must be a text, not ${kindOf(node)}`);
    return undefined;
  }
  const parsed = parseExpression(node.text);
  if (parsed.ok) return { value: node.text, span: node.span };
  const { message, hint, start, end } = parsed.error;
  reading.report({
    code: 'gitlab/expression',
    severity: 'error',
    message: `\`${what}\` is not valid: ${message}`,
    span: spanInside(node, start, end),
    ...(hint === undefined ? {} : { hint }),
  });
  return undefined;
}

/** RE2 source without slashes, flags (`ismU`) in front, from a text in slashes. */
export function readRegex(node: Node, what: string, reading: Reading): string | undefined {
  const pattern = node.kind === 'scalar' ? splitPattern(node.text.trim()) : undefined;
  if (pattern === undefined) {
    invalidValue(reading, node.span, `\`${what}\` must be a regular expression in slashes`, 'write it like `/\\d+%/`');
    return undefined;
  }
  const source = pattern.flags === '' ? pattern.source : `(?${pattern.flags})${pattern.source}`;
  const regex = compileUserRegex(source);
  if (regex.kind === 'regex') return source;
  reading.report({
    code: 'gitlab/regex',
    severity: 'error',
    message: `the regular expression of \`${what}\` is not valid: ${regex.message}`,
    span: node.span,
    hint: 'GitLab uses RE2: lookaheads and backreferences do not exist',
  });
  return undefined;
}
