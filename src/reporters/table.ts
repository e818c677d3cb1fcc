import { displayWidth, padToWidth, truncateToWidth } from './display-width.ts';

/** How a table is laid out; the rows themselves are lists of texts, which may have colours. */
export interface TableOptions {
  readonly header?: readonly string[];
  /** Width of the terminal: the last column is cut to fit. Absent: nothing is cut. */
  readonly columns?: number;
  /** Numbers of the columns that are aligned on the right. */
  readonly rightAligned?: readonly number[];
  /** Put before each line. */
  readonly indent?: string;
}

const gap = '  ';

/**
 * Lines of an aligned text table without any drawing; two spaces between columns, none at the end of a line. Cells
 * are single lines; they may hold colours and wide characters. Columns that are empty throughout are left out.
 */
export function renderTable(rows: readonly (readonly string[])[], options: TableOptions = {}): string[] {
  const { header, columns, rightAligned = [], indent = '' } = options;
  const all = header ? [header, ...rows] : rows;
  const widths: number[] = [];
  for (const row of all) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, displayWidth(cell));
    });
  }
  const used = widths.map((_, index) => rows.some((row) => (row[index] ?? '') !== ''));
  return all.map((row) => {
    const cells: string[] = [];
    for (let index = 0; index < widths.length; index++) {
      if (!used[index]) continue;
      const side = rightAligned.includes(index) ? 'left' : 'right';
      cells.push(padToWidth(row[index] ?? '', widths[index]!, side));
    }
    const line = `${indent}${cells.join(gap)}`.trimEnd();
    return columns === undefined ? line : truncateToWidth(line, columns);
  });
}
