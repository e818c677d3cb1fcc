import type { Span } from '../../../diagnostics/diagnostic.ts';
import type { Node } from '../../../syntax/node.ts';
import { didYouMean } from '../../../util/nearest.ts';
import { textNode } from '../inputs/plain-node.ts';
import { type BlockOutcome, given, refused } from './outcome.ts';

/** A variable as far as it is known while files are read. */
export interface KnownVariable {
  readonly value: string;
  readonly masked?: boolean;
}

/** What functions may look at. */
export interface FunctionContext {
  readonly variable: (name: string) => KnownVariable | undefined;
}

interface BlockFunction {
  /** How it is written, for hints. */
  readonly usage: string;
  readonly pattern: RegExp;
  readonly apply: (
    text: string,
    arguments_: readonly string[],
    context: FunctionContext,
  ) => BlockOutcome<string | readonly string[]>;
}

/** Source: https://docs.gitlab.com/ci/inputs/#predefined-interpolation-functions and lib/gitlab/ci/config/interpolation/functions */
const functions: Readonly<Record<string, BlockFunction>> = {
  expand_vars: {
    usage: 'expand_vars',
    pattern: /^expand_vars$/,
    apply: (text, _, context) => expandKnown(text, context),
  },
  truncate: {
    usage: 'truncate(offset, length)',
    pattern: /^truncate\(\s*(\d+)\s*,\s*(\d+)\s*\)?$/,
    apply: (text, [offset, length]) => {
      const start = Number(offset);
      return given([...text].slice(start, start + Number(length)).join(''));
    },
  },
  posix_escape: { usage: 'posix_escape', pattern: /^posix_escape$/, apply: (text) => given(posixEscape(text)) },
  posix_quote: { usage: 'posix_quote', pattern: /^posix_quote$/, apply: (text) => given(posixEscape(text)) },
  split: {
    usage: "split('separator')",
    pattern: /^split\('([^']*)'\)$/,
    apply: (text, [separator = '']) => {
      if (separator === '') return refused('`split` needs a separator');
      // Ruby takes one space for any run of white space.
      const parts = separator === ' ' ? text.split(/\s+/) : text.split(separator);
      return given(parts.map((part) => part.trim()).filter((part) => part !== ''));
    },
  },
};

/**
 * Applies one function, as it is written between pipes, to a value.
 * @param span the place that a new value gets.
 */
export function applyFunction(written: string, value: Node, context: FunctionContext, span: Span): BlockOutcome<Node> {
  const name = /^\w*/.exec(written)![0];
  const known = Object.hasOwn(functions, name) ? functions[name]! : undefined;
  if (known === undefined) {
    const hint = didYouMean(name, Object.keys(functions)) ?? `there are ${Object.keys(functions).join(', ')}`;
    return refused(`there is no function \`${written}\``, hint);
  }
  const match = known.pattern.exec(written);
  if (!match) return refused(`\`${written}\` is not how \`${name}\` is written`, `write \`${known.usage}\``);
  if (value.kind !== 'scalar' || typeof value.value !== 'string') {
    return refused(`\`${name}\` takes a string only`, 'declare the input with `type: string`');
  }
  const result = known.apply(value.value, match.slice(1), context);
  if (!result.ok) return result;
  if (typeof result.value === 'string') return given(textNode(result.value, span));
  return given({ kind: 'seq', items: result.value.map((item) => textNode(item, span)), span });
}

/** In one pass; unknown names stay. Source: lib/expand_variables.rb (`expand_existing`) */
function expandKnown(text: string, { variable }: FunctionContext): BlockOutcome<string> {
  let masked: string | undefined;
  const reference = /\$([A-Za-z_]\w*)|\$\{([A-Za-z_]\w*)\}|%([A-Za-z_]\w*)%/g;
  const expanded = text.replace(reference, (written: string, ...names: readonly (string | undefined)[]) => {
    const name = names.slice(0, 3).find((candidate) => candidate !== undefined)!;
    const found = variable(name);
    if (found?.masked) masked ??= name;
    return found?.value ?? written;
  });
  if (masked === undefined) return given(expanded);
  return refused(`\`expand_vars\` does not expand \`${masked}\`: it is masked`, 'use the variable in the job itself');
}

/** As Ruby's `Shellwords.shellescape`. */
function posixEscape(text: string): string {
  if (text === '') return "''";
  return text.replace(/[^A-Za-z0-9_\-.,:+/@\n]/gu, '\\$&').replaceAll('\n', "'\n'");
}
