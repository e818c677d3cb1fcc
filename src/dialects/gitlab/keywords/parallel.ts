import type { Parallel } from '../../../model/pipeline.ts';
import type { Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { runs } from '../support.ts';
import { field, flatItems, kindOf, readInteger, readTexts } from '../values.ts';

/** GitLab's limit for both forms. Source: https://docs.gitlab.com/ci/yaml/#parallel */
const mostLegs = 200;

/** A variable of one matrix entry with the values it takes in turn; a single value is a list of one. */
export interface MatrixAxis {
  readonly name: string;
  readonly values: readonly string[];
}

/** How many jobs of one definition: a number, or a matrix of variables. */
export const parallel: Keyword<Parallel> = {
  name: 'parallel',
  scopes: ['job'],
  parts: runs('matrix'),
  read: (entry, reading) => {
    const { value: node } = entry;
    if (node.kind !== 'map') {
      const count = readInteger(node, 'parallel', { least: 1, most: mostLegs }, reading);
      return count === undefined ? undefined : { kind: 'count', count, span: node.span };
    }
    const matrix = field(node, 'matrix');
    if (matrix === undefined) {
      invalidValue(reading, node.span, '`parallel` must be a number or a map with `matrix`');
      return undefined;
    }
    return readMatrix(matrix.value, reading);
  },
};

function readMatrix(node: Node, reading: Reading): Parallel | undefined {
  const entries = readMatrixEntries(node, 'parallel:matrix', reading);
  if (entries.length === 0 || !checkMatrixSize(node, entries, reading)) return undefined;
  return { kind: 'matrix', entries, span: node.span };
}

/** Tells a matrix that gives too many jobs; true if it does not. */
export function checkMatrixSize(node: Node, entries: readonly (readonly MatrixAxis[])[], reading: Reading): boolean {
  const legs = entries.reduce((sum, axes) => sum + axes.reduce((product, axis) => product * axis.values.length, 1), 0);
  if (legs <= mostLegs) return true;
  reading.report({
    code: 'gitlab/matrix-too-large',
    severity: 'error',
    message: `the matrix gives ${legs} jobs, at most ${mostLegs} are allowed`,
    span: node.span,
    hint: 'entries of the list are multiplied out each by itself: name only the combinations that are wanted',
  });
  return false;
}

/** The list of maps of a matrix, in the file's order, not multiplied out. Axes without values are left out. */
export function readMatrixEntries(node: Node, what: string, reading: Reading): readonly (readonly MatrixAxis[])[] {
  return flatItems(node, what, reading).flatMap((item) => {
    if (item.kind !== 'map') {
      invalidValue(reading, item.span, `an entry of \`${what}\` must be a map, not ${kindOf(item)}`);
      return [];
    }
    const axes = [...item.entries.values()].map((axis) => ({
      name: axis.key,
      values: readTexts(axis.value, `${what}:${axis.key}`, reading),
    }));
    return [axes.filter((axis) => axis.values.length > 0)];
  });
}
