import { assertNever } from '../../util/assert-never.ts';
import { MoaError } from './moa-token.ts';
import { type MoaExpression, parseMoaTemplate } from './parse-moa.ts';

/** A value of Moa: what JSON has. Objects may come from anywhere; only their own keys count. */
export type MoaValue = null | boolean | number | string | readonly MoaValue[] | MoaObject;

/** Values by their names. */
export interface MoaObject {
  readonly [key: string]: MoaValue;
}

/**
 * A text with its `${{ … }}` filled in. Source: https://docs.gitlab.com/ci/functions/moa/
 * @param context what expressions may name.
 * @throws MoaError
 */
export function fillMoaTemplate(text: string, context: MoaObject): string {
  if (!text.includes('$' + '{{')) return text;
  return moaText(evaluate(parseMoaTemplate(text), context));
}

/** A value as a text holds it. */
export function moaText(value: MoaValue): string {
  if (value === null) return '<null>';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function evaluate(expression: MoaExpression, context: MoaObject): MoaValue {
  const resultOf = (inner: MoaExpression): MoaValue => evaluate(inner, context);
  switch (expression.kind) {
    case 'value':
      return expression.value;
    case 'name':
      return property(context, expression.name);
    case 'template':
      return expression.parts.map((part) => moaText(resultOf(part))).join('');
    case 'array':
      return expression.items.map(resultOf);
    case 'object':
      return Object.fromEntries(
        expression.entries.map(([key, value]) => {
          const name = resultOf(key);
          if (typeof name !== 'string') throw new MoaError(`a key of an object is ${kindOf(name)}, not a string`);
          return [name, resultOf(value)];
        }),
      );
    case 'select':
      return select(resultOf(expression.from), resultOf(expression.key));
    case 'call':
      return call(expression.name, expression.given.map(resultOf));
    case 'unary':
      return unary(expression.operator, resultOf(expression.operand));
    case 'binary': {
      const left = resultOf(expression.left);
      // Either gives one of its operands, and looks at the right one only if it must.
      if (expression.operator === '||') return isTruthy(left) ? left : resultOf(expression.right);
      if (expression.operator === '&&') return isTruthy(left) ? resultOf(expression.right) : left;
      return binary(expression.operator, left, resultOf(expression.right));
    }
    default:
      return assertNever(expression);
  }
}

function isObject(value: MoaValue): value is MoaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: MoaValue): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function property(object: MoaObject, name: string): MoaValue {
  if (Object.hasOwn(object, name)) return object[name]!;
  const known = Object.keys(object);
  throw new MoaError(`there is no \`${name}\`${known.length === 0 ? '' : `, only ${known.join(', ')}`}`);
}

function select(from: MoaValue, key: MoaValue): MoaValue {
  if (isObject(from)) {
    if (typeof key === 'string') return property(from, key);
    throw new MoaError(`an object has keys that are strings, not ${kindOf(key)}`);
  }
  if (!Array.isArray(from)) throw new MoaError(`${kindOf(from)} has nothing in it to select`);
  if (typeof key !== 'number') throw new MoaError(`an array is selected from by numbers, not by ${kindOf(key)}`);
  const item = (from as readonly MoaValue[])[key];
  if (item === undefined) throw new MoaError(`an array of ${from.length} has no item ${key}`);
  return item;
}

function call(name: string, given: readonly MoaValue[]): MoaValue {
  if (!['str', 'num', 'bool'].includes(name)) throw new MoaError(`there is no function \`${name}\``);
  const [value] = given;
  if (value === undefined || given.length > 1) throw new MoaError(`\`${name}\` takes one value, not ${given.length}`);
  if (name === 'str') return moaText(value);
  if (name === 'bool') return isTruthy(value);
  if (typeof value === 'number') return value;
  const number =
    typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value) ? Number(value) : NaN;
  if (Number.isFinite(number)) return number;
  throw new MoaError(`\`num\` makes no number of ${typeof value === 'string' ? `"${value}"` : kindOf(value)}`);
}

function unary(operator: string, operand: MoaValue): MoaValue {
  if (operator === '!') return !isTruthy(operand);
  if (typeof operand !== 'number') throw new MoaError(`\`${operator}\` wants a number, not ${kindOf(operand)}`);
  return operator === '-' ? -operand : operand;
}

function binary(operator: string, left: MoaValue, right: MoaValue): MoaValue {
  switch (operator) {
    case '==':
      return compare(left, right) === 0;
    case '!=':
      return compare(left, right) !== 0;
    case '<':
      return compare(left, right) < 0;
    case '<=':
      return compare(left, right) <= 0;
    case '>':
      return compare(left, right) > 0;
    case '>=':
      return compare(left, right) >= 0;
    case '+':
      if (typeof left === 'string' && typeof right === 'string') return left + right;
      break;
  }
  if (typeof left !== 'number' || typeof right !== 'number') {
    const hint = operator === '+' ? '; `str(…)` makes a string of a value' : '';
    throw new MoaError(`\`${operator}\` can't take ${kindOf(left)} and ${kindOf(right)}${hint}`);
  }
  return calculate(operator, left, right);
}

function calculate(operator: string, left: number, right: number): number {
  if (right === 0 && (operator === '/' || operator === '%')) throw new MoaError('a division by zero');
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    default:
      return left % right;
  }
}

/** Types one behind the other; strings by their bytes, lists by their items, objects by length, keys and values. */
function compare(left: MoaValue, right: MoaValue): number {
  const order = rank(left) - rank(right);
  if (order !== 0 || left === null || right === null) return order;
  if (typeof left === 'string' && typeof right === 'string')
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  if (isList(left) && isList(right)) return compareLists(left, right);
  if (isObject(left) && isObject(right)) {
    const [keys, others] = [left, right].map((object) => Object.keys(object).sort()) as [string[], string[]];
    const length = keys.length - others.length;
    if (length !== 0) return length;
    const values = keys.map((key) => left[key]!);
    return (
      compareLists(keys, others) ||
      compareLists(
        values,
        others.map((key) => right[key]!),
      )
    );
  }
  return Number(left) - Number(right);
}

function isList(value: MoaValue): value is readonly MoaValue[] {
  return Array.isArray(value);
}

function compareLists(left: readonly MoaValue[], right: readonly MoaValue[]): number {
  for (const [index, item] of left.entries()) {
    if (index >= right.length) return 1;
    const order = compare(item, right[index]!);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function rank(value: MoaValue): number {
  if (value === null) return 0;
  if (Array.isArray(value)) return 4;
  return { boolean: 1, number: 2, string: 3, object: 5 }[typeof value as 'boolean' | 'number' | 'string' | 'object'];
}

function isTruthy(value: MoaValue): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isObject(value) ? Object.keys(value).length > 0 : Boolean(value);
}
