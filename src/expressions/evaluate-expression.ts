import { assertNever } from '../util/assert-never.ts';
import type { Expression } from './expression.ts';
import { type CompileRegex, compileUserRegex, splitPattern } from './user-regex.ts';

/** What an expression may look at. */
export interface Lookup {
  /** Undefined: no such variable, which is `null` in the expression. Values are not expanded further. */
  readonly variable: (name: string) => string | undefined;
  /** For `$[[ inputs.x ]]`, where inputs are known. */
  readonly input?: (name: string) => string | number | boolean | undefined;
  /** Default: compiles anew each time. */
  readonly compileRegex?: CompileRegex;
}

/** A variable that an expression looked at, and what it saw; undefined: there is none of that name. */
export interface SeenVariable {
  readonly name: string;
  readonly value: string | undefined;
}

/** What an expression comes to, and what decided that. */
export interface Evaluation {
  readonly result: boolean;
  /** Variables that were looked at, each once, in order of the first look. */
  readonly seen: readonly SeenVariable[];
}

interface PatternValue {
  readonly source: string;
  readonly flags: string;
}

type Value = string | boolean | null | PatternValue;

/**
 * Evaluates a parsed `rules:if`. As on GitLab (spec/lib/gitlab/ci/pipeline/expression/statement_spec.rb) `&&` and `||`
 * give one of their operands and count only null and false as false, while the end result is true if it is neither
 * null, false, empty nor blank: `$EMPTY && "x"` is true, `$EMPTY || "x"` is false.
 */
export function evaluateExpression(expression: Expression, lookup: Lookup): Evaluation {
  const seen = new Map<string, SeenVariable>();
  const compileRegex = lookup.compileRegex ?? compileUserRegex;

  const evaluate = (node: Expression): Value => {
    switch (node.kind) {
      case 'variable': {
        const value = lookup.variable(node.name);
        seen.set(node.name, { name: node.name, value });
        return value ?? null;
      }
      case 'input': {
        const value = lookup.input?.(node.name);
        return value === undefined ? null : typeof value === 'boolean' ? value : String(value);
      }
      case 'string':
      case 'boolean':
        return node.value;
      case 'pattern':
        return { source: node.source, flags: node.flags };
      case 'null':
        return null;
      case 'logical': {
        const left = evaluate(node.left);
        const stop = node.operator === '&&' ? isNothing(left) : !isNothing(left);
        return stop ? left : evaluate(node.right);
      }
      case 'comparison': {
        const left = evaluate(node.left);
        const right = evaluate(node.right);
        switch (node.operator) {
          case '==':
            return equal(left, right);
          case '!=':
            return !equal(left, right);
          case '=~':
            return matches(left, right, compileRegex);
          case '!~':
            return !matches(left, right, compileRegex);
          default:
            return assertNever(node);
        }
      }
      default:
        return assertNever(node);
    }
  };

  const value = evaluate(expression);
  const result = typeof value === 'string' ? value.trim() !== '' : !isNothing(value);
  return { result, seen: [...seen.values()] };
}

function isNothing(value: Value): boolean {
  return value === null || value === false;
}

function equal(left: Value, right: Value): boolean {
  if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object') return left === right;
  return left.source === right.source && left.flags === right.flags;
}

/**
 * A string on the right that has not the form `/…/`, or that RE2 refuses, matches if it *contains* the left side:
 * GitLab then calls Ruby's `String#scan` on it.
 * Source: lib/gitlab/ci/pipeline/expression/lexeme/matches.rb
 */
function matches(left: Value, right: Value, compileRegex: CompileRegex): boolean {
  if (right === null || typeof right === 'boolean') return false;
  const text = left === null ? '' : typeof left === 'object' ? `/${left.source}/${left.flags}` : String(left);
  const pattern = typeof right === 'string' ? splitPattern(right) : right;
  const regex = pattern && compileRegex(pattern.source, pattern.flags);
  if (regex?.kind === 'regex') return regex.test(text);
  return typeof right === 'string' && right.includes(text);
}
