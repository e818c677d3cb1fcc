import type { Report, Span } from '../../../diagnostics/diagnostic.ts';
import type { Node } from '../../../syntax/node.ts';
import type { GivenInputs } from '../../dialect.ts';
import { isAbsent } from '../merge.ts';
import { kindOf } from '../values.ts';
import { plainNode } from './plain-node.ts';

/** One value for an input, from a file or from the command line. */
export type GivenInput =
  | { readonly kind: 'node'; readonly node: Node; readonly keySpan: Span }
  | { readonly kind: 'text'; readonly text: string };

/** Where the values come from, for messages. */
export interface InputSource {
  readonly report: Report;
  /** The file that declares the inputs, as messages name it. */
  readonly path: string;
  /** The include or trigger that gives them. Absent: the file is the entry file. */
  readonly includedAt?: Span;
}

/** The values by the names of the inputs; those that are null count as not given. */
export function readGivenInputs(given: GivenInputs | undefined, report: Report): ReadonlyMap<string, GivenInput> {
  if (given === undefined) return new Map();
  if (given.kind === 'texts') {
    return new Map([...given.texts].map(([name, text]) => [name, { kind: 'text', text } as const]));
  }
  const node = given.kind === 'node' ? given.node : plainNode(given.values, given.span);
  if (node !== undefined && isAbsent(node)) return new Map();
  if (node?.kind !== 'map') {
    const span = given.kind === 'node' ? given.node.span : given.span;
    const message = `\`inputs\` must be a map of values, not ${node ? kindOf(node) : 'this'}`;
    report({ code: 'gitlab/invalid-value', severity: 'error', message, span });
    return new Map();
  }
  const entries = [...node.entries.values()].filter(({ value }) => value.kind === 'reference' || !isAbsent(value));
  return new Map(entries.map(({ key, keySpan, value }) => [key, { kind: 'node', node: value, keySpan }]));
}
