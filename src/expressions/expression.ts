/** Offsets into the text of one expression, UTF-16 code units, `end` exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The right side of `=~` and `!~` is a pattern, or a variable that holds one. */
export type ComparisonOperator = '==' | '!=' | '=~' | '!~';

/** `&&` binds tighter than `||`; both give one of their operands, as in Ruby. */
export type LogicalOperator = '&&' | '||';

/** The tree of a `rules:if` expression. Plain data. */
export type Expression =
  | (Range & { readonly kind: 'variable'; readonly name: string })
  | (Range & { readonly kind: 'input'; readonly name: string })
  | (Range & { readonly kind: 'string'; readonly value: string })
  | (Range & { readonly kind: 'pattern'; readonly source: string; readonly flags: string })
  | (Range & { readonly kind: 'null' })
  | (Range & { readonly kind: 'boolean'; readonly value: boolean })
  | (Range & {
      readonly kind: 'comparison';
      readonly operator: ComparisonOperator;
      readonly left: Expression;
      readonly right: Expression;
    })
  | (Range & {
      readonly kind: 'logical';
      readonly operator: LogicalOperator;
      readonly left: Expression;
      readonly right: Expression;
    });

/** What is wrong with an expression, and where in its text. One clause, no full stop. */
export interface ExpressionError extends Range {
  readonly message: string;
  readonly hint?: string;
}

/** What a parser gives back: the value, or the first thing that is wrong, with its place in the text. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: ExpressionError };

/** The result of a parse that failed. */
export function failed(message: string, range: Range, hint?: string): Parsed<never> {
  const error = { message, start: range.start, end: range.end, ...(hint === undefined ? {} : { hint }) };
  return { ok: false, error };
}
