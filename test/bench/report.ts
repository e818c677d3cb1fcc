import type { Result } from './measure.ts';
import type { Summary, Target } from './workload.ts';

/** One line of the table: a target, or a workload without one. */
interface Row {
  readonly workload: string;
  readonly cells: readonly string[];
}

const heads = ['workload', 'ours', 'limits', 'peers', 'ratio', 'target', 'met'] as const;

/** The verdict on a target: `–` where a side that it reads did not run. */
export function judge(target: Target, result: Result): { readonly value: string; readonly met: 'yes' | 'no' | '–' } {
  if (target.sides.some((side) => result.measured[side] === undefined)) return { value: '–', met: '–' };
  const value = target.value(result.measured);
  const met = target.sense === 'at most' ? value <= target.bound : value >= target.bound;
  return { value: withUnit(value, target.unit), met: met ? 'yes' : 'no' };
}

function withUnit(value: number, unit: Target['unit']): string {
  return `${unit === 'MB' ? value.toFixed(0) : value.toFixed(2)} ${unit}`;
}

/** Plain text for a terminal. */
export function textTable(results: readonly Result[]): string {
  const rows = [heads, ...results.flatMap((result) => rowsOf(result).map(({ cells }) => cells))];
  const widths = heads.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The same as a page, with what it was measured on. */
export function markdownPage(results: readonly Result[], facts: Readonly<Record<string, string>>): string {
  const escapeCell = (cell: string): string => cell.replaceAll('|', '\\|');
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(' | ')} |`;
  const rows = results.flatMap((result) => rowsOf(result).map(({ cells }) => line(cells)));
  const targets = results.flatMap((result) => result.workload.targets.map((target) => judge(target, result).met));
  const count = (met: string): number => targets.filter((each) => each === met).length;
  return [
    '# Benchmarks',
    '',
    'Written by `npm run bench -- --write`; do not edit. All sides of a row ran in turn on the same machine, each as a',
    'whole process, in fresh directories. Times are medians in seconds (least–most), `cpu` is user and system time,',
    '`rss` the largest process. A limit is the least that the same work costs: bare programs in `test/bench/limits`.',
    'A bound in seconds counts as so many starts of Node (`node -e 0`), measured in the same turns.',
    '',
    ...Object.entries(facts).map(([name, value]) => `- ${name}: ${value}`),
    `- targets: ${count('yes')} met, ${count('no')} not met, ${count('–')} not measured`,
    '',
    line(heads),
    line(heads.map(() => '---')),
    ...rows,
    '',
    ...notes(results).map((note) => `- ${note}`),
    '',
  ].join('\n');
}

/** What did not run, or ended as it should not have. */
export function notes(results: readonly Result[]): readonly string[] {
  return results.flatMap(({ workload, skipped, failed }) => [
    ...skipped.map(({ side, because }) => `${workload.name}, ${side}: not run: ${because}`),
    ...failed.map(
      ({ side, because }) => `${workload.name}, ${side}: FAILED: ${because.replaceAll(/\s+/g, ' ').slice(0, 800)}`,
    ),
  ]);
}

function rowsOf(result: Result): readonly Row[] {
  const { workload } = result;
  const sides = (role: string): string =>
    Object.entries(workload.sides)
      .filter(([name, side]) => side.role === role && result.measured[name] !== undefined)
      .map(([name]) => `${name} ${summaryText(result.measured[name]!)}`)
      .join('; ');
  const noneOfOurs = result.failed.some(({ side }) => workload.sides[side]?.role === 'ours') ? 'FAILED' : 'not run';
  const first = [workload.title, sides('ours') || noneOfOurs, sides('limit'), sides('peer')];
  return workload.targets.map((target, index) => {
    const { value, met } = judge(target, result);
    const bound = `${target.what} ${target.sense === 'at most' ? '≤' : '≥'} ${withUnit(target.bound, target.unit)}`;
    const cells = [...(index === 0 ? first : ['″', '', '', '']), value, bound, met];
    return { workload: workload.name, cells };
  });
}

function summaryText({ runs, wall, cpu, rss }: Summary): string {
  const range = runs > 1 ? ` (${wall.least.toFixed(3)}–${wall.most.toFixed(3)})` : '';
  return `${wall.median.toFixed(3)}${range} cpu ${cpu.median.toFixed(2)} rss ${rss.median.toFixed(0)}`;
}
