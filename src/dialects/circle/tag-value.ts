import type { Span } from '../../diagnostics/diagnostic.ts';
import type { Node } from '../../syntax/node.ts';
import { type Expression, readExpression, type Value } from './expression.ts';
import { ExpressionError } from './expression-tokens.ts';
import { problem, type Reading, scalar, suggestion } from './reading.ts';
import { lookUp, namesIn, type Scope } from './scope.ts';
import type { TextRange } from './template.ts';

/** What is needed to fill in the tags of one text. */
export interface Asking {
  readonly scope: Scope;
  readonly reading: Reading;
  /** Where a part of the text stands in its file. */
  readonly place: (range: TextRange) => Span;
}

const nameForm = /^[A-Za-z][\w-]*(?:\.[\w-]+)*$/;
/** The service still takes names that no expression could have: those of parameters like addresses. */
const laxNameForm = /^(?:parameters|matrix|pipeline\.parameters)\.\S+$/;
const nowhere = { file: '', start: 0, end: 0 };

/** The value of what stands between `<<` and `>>`; undefined: none, which was told. */
export function valueOfTag(body: string, at: TextRange, asking: Asking): Node | undefined {
  if (isName(body)) return valueOfName(body, at, asking);
  let expression: Expression;
  try {
    expression = readExpression(body);
  } catch (error) {
    if (laxNameForm.test(body)) return valueOfName(body, at, asking);
    return reportExpression(error, `<< ${body} >>`, at, asking);
  }
  return evaluate(expression, `<< ${body} >>`, at, asking);
}

/** Tells what is wrong with what stands between `<<` and `>>`, whatever the values are. */
export function checkTag(body: string, at: TextRange, asking: Asking): void {
  if (isName(body)) {
    valueOfName(body, at, asking);
    return;
  }
  try {
    for (const { name } of readExpression(body).names) valueOfName(name, at, asking);
  } catch (error) {
    if (laxNameForm.test(body)) valueOfName(body, at, asking);
    else reportExpression(error, `<< ${body} >>`, at, asking);
  }
}

function isName(body: string): boolean {
  return nameForm.test(body) && body !== 'true' && body !== 'false';
}

/** The value of an expression; what is wrong with it was told. @param shown for messages: how it is written. */
export function evaluate(expression: Expression, shown: string, at: TextRange, asking: Asking): Node | undefined {
  // All names are looked up, so that all that are wrong are told.
  const values = new Map<string, Value>();
  for (const { name } of expression.names) {
    const value = valueOfName(name, at, asking);
    if (value === undefined) return undefined;
    values.set(name, value.kind === 'scalar' ? value.value : true);
  }
  try {
    return scalar(
      expression.evaluate((name) => values.get(name)),
      asking.place(at),
    );
  } catch (error) {
    return reportExpression(error, shown, at, asking);
  }
}

/** Tells what is wrong with an expression. @throws what is no `ExpressionError`. */
export function reportExpression(error: unknown, shown: string, at: TextRange, asking: Asking): undefined {
  if (!(error instanceof ExpressionError)) throw error;
  const text = shown.length > 80 ? `${shown.slice(0, 77)}…` : shown;
  const message = `the expression \`${text}\` is wrong: ${error.message}`;
  problem(asking.reading, 'circle/expression', asking.place(at), message);
  return undefined;
}

/** The value of a dotted name; undefined: there is none, which was told. */
export function valueOfName(name: string, at: TextRange, { scope, reading, place }: Asking): Node | undefined {
  const value = lookUp(scope, name);
  if (value !== undefined) return value;
  if (isUnknownPipelineValue(name)) {
    const hint = suggestion(reading, name, () => namesIn(scope));
    const message = `there is no value \`${name}\`: it is empty`;
    const more = hint === undefined ? {} : { hint };
    reading.report({ code: 'circle/unknown-parameter', severity: 'warning', message, span: place(at), ...more });
    return scalar(null, nowhere);
  }
  const hint = suggestion(reading, name, () => namesIn(scope)) ?? missingHint(name, scope);
  problem(reading, 'circle/unknown-parameter', place(at), `there is no \`${name}\` here`, { hint });
  return undefined;
}

/** The service leaves a value of the pipeline that it doesn't know empty. */
function isUnknownPipelineValue(name: string): boolean {
  return name.startsWith('pipeline.') && !name.startsWith('pipeline.parameters.');
}

function missingHint(name: string, scope: Scope): string {
  if (name.startsWith('parameters.')) {
    if (scope.parameters === undefined)
      return 'outside of commands, jobs and executors write `pipeline.parameters.NAME`';
    return 'declare it under `parameters` of the same command, job or executor, and pass it where that is used';
  }
  if (name.startsWith('pipeline.parameters.')) {
    return scope.isOrb
      ? 'an orb does not see the parameters of the pipeline: pass it in as a parameter'
      : 'declare it under `parameters` at the top of the file';
  }
  if (name.startsWith('matrix.')) return 'only the entry of a workflow that has a `matrix` knows its values';
  return 'names begin with `parameters.`, `pipeline.` or `matrix.`; write `\\<<` for a literal `<<`';
}
