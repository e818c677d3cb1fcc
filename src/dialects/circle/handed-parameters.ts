import type { Span } from '../../diagnostics/diagnostic.ts';
import type { Node, Scalar } from '../../syntax/node.ts';
import { problem, type Reading, scalar } from './reading.ts';

/** The place of a parameter; of all of them, where no name is given. */
export type PlaceOf = (name: string | undefined) => Span;

/** Reads the parameters that a setup job gives: a JSON object of texts, whole numbers, `true` and `false`. Undefined: it is none. */
export function readHandedParameters(
  text: string,
  placeOf: PlaceOf,
  reading: Reading,
): ReadonlyMap<string, Node> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    value = error;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Error) {
    const why = value instanceof Error ? `: ${value.message}` : '';
    problem(reading, 'circle/continuation', placeOf(undefined), `the parameters must be a JSON object${why}`, {
      hint: 'write them like {"name": true}, or name a file that holds such an object',
    });
    return undefined;
  }
  const parameters = new Map<string, Node>();
  for (const [name, one] of Object.entries(value as Record<string, unknown>)) {
    if (['string', 'boolean'].includes(typeof one) || Number.isInteger(one)) {
      parameters.set(name, scalar(one as Scalar, placeOf(name)));
      continue;
    }
    const message = `the parameter \`${name}\` must be a text, a whole number, true or false`;
    problem(reading, 'circle/continuation', placeOf(name), message);
  }
  return parameters;
}
