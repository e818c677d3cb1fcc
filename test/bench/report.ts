import type { Result } from './measure.ts';
import { reasons } from './reasons.ts';
import { nodeStartSeconds, wall } from './targets.ts';
import type { Summary, Target } from './workload.ts';

const heads = ['workload', 'ours', 'held against', 'ratio', 'target', 'met', 'peers take'] as const;

/** The verdict on a target: `–` where a side that it reads did not run. */
export interface Verdict {
  readonly value: string;
  readonly bound: string;
  readonly met: 'yes' | 'no' | '–';
}

/** Holds what was measured against a target. */
export function judge(target: Target, { measured }: Result): Verdict {
  const start = measured['start']?.wall.median ?? Number.NaN;
  const sign = target.sense === 'at most' ? '≤' : '≥';
  const scale = target.unit === 's' ? start / nodeStartSeconds : 1;
  const bound = `${sign} ${boundText(target, start, scale)}${target.remark === undefined ? '' : `, ${target.remark}`}`;
  if (target.sides.some((side) => measured[side] === undefined)) return { value: '–', bound, met: '–' };
  const value = target.value(measured);
  const isMet = target.sense === 'at most' ? value <= target.bound * scale : value >= target.bound;
  const isCut = target.sides.some((side) => measured[side]!.stopped);
  return { value: `${isCut ? '> ' : ''}${valueText(value, target, start)}`, bound, met: isMet ? 'yes' : 'no' };
}

/** A bound in seconds is told as so many starts of Node, and as seconds where the bound comes from and here. */
function boundText({ bound, unit, against }: Target, start: number, scale: number): string {
  switch (unit) {
    case 'MB':
      return `${bound} MB`;
    case '×':
      return `${Number(bound.toFixed(2))} ×${against === undefined ? '' : ` ${against}`}`;
    case 's': {
      const here = Number.isNaN(start) ? '' : `; here ${(bound * scale).toFixed(3)} s`;
      return `${(bound / nodeStartSeconds).toFixed(1)} × Node (${Number(bound.toFixed(3))} s${here})`;
    }
  }
}

function valueText(value: number, { unit }: Target, start: number): string {
  switch (unit) {
    case 'MB':
      return `${value.toFixed(0)} MB`;
    case '×':
      return `${value.toFixed(2)} ×`;
    case 's':
      return `${(value / start).toFixed(1)} × Node (${value.toFixed(3)} s)`;
  }
}

/** Plain text for a terminal. */
export function textTable(results: readonly Result[]): string {
  const rows = [heads, ...results.flatMap(rowsOf)];
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

/** A page with what it was measured on, the targets, what is not met and why, and every side's figures. */
export function markdownPage(results: readonly Result[], facts: Readonly<Record<string, string>>): string {
  const verdicts = results.flatMap((result) => result.workload.targets.map((target) => judge(target, result).met));
  const count = (met: string): number => verdicts.filter((each) => each === met).length;
  return [
    ...introduction,
    '',
    ...Object.entries(facts).map(([name, value]) => `- ${name}: ${value}`),
    `- targets: ${count('yes')} met, ${count('no')} not met, ${count('–')} not measured`,
    '',
    '## Targets',
    '',
    ...markdownTable(heads, results.flatMap(rowsOf)),
    '',
    '## Not met, and why',
    '',
    ...orNothing(missed(results)),
    '',
    '## Every side',
    '',
    'Median (least–most) of the runs; CPU is user and system time with all children, memory the largest process.',
    '',
    ...markdownTable(['workload', 'side', 'what', 'seconds', 'CPU s', 'MB', 'runs'], results.flatMap(sidesOf)),
    '',
    '## Not run',
    '',
    ...orNothing(notes(results)),
    '',
  ].join('\n');
}

const introduction = [
  '# Benchmarks',
  '',
  'Written by `npm run bench -- --full --write`; do not edit, but write reasons into `test/bench/reasons.ts`.',
  'All sides of a row ran in turn on the same machine, each as a whole process, in fresh directories.',
  '',
  '- *Ours* is the median (least–most), processor time and memory.',
  '- Most rows are *held against* a limit: the least that the same work costs, bare programs in `test/bench/limits`.',
  '  *Growth* is held against the same with less to do, less what doing nearly nothing takes.',
  '- A bound that was set in seconds counts as so many starts of Node (`node -e 0`, measured in the same turns). In',
  '  brackets: the seconds where it was set, and what they come to here.',
  '- *Peers take* so many times our time (for memory: our memory); *gcl* is gitlab-ci-local.',
];

function orNothing(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? ['Nothing.'] : lines.map((line) => `- ${line}`);
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

/** What did not run, was stopped, or ended as it should not have. */
export function notes(results: readonly Result[]): readonly string[] {
  return results.flatMap(({ workload, measured, skipped, failed }) => [
    ...skipped.map(({ side, because }) => `${workload.name}, ${side}: skipped: ${because}`),
    ...Object.entries(measured)
      .filter(([, { stopped }]) => stopped)
      .map(
        ([
          side,
          {
            wall: { median },
          },
        ]) => `${workload.name}, ${side}: stopped after ${median} s`,
      ),
    ...failed.map(
      ({ side, because }) => `${workload.name}, ${side}: FAILED: ${because.replaceAll(/\s+/g, ' ').slice(0, 800)}`,
    ),
  ]);
}

/** Key of a row in `reasons`. */
export function rowKey({ workload }: Pick<Result, 'workload'>, { name }: Target): string {
  return `${workload.name}/${name}`;
}

function missed(results: readonly Result[]): readonly string[] {
  return results.flatMap((result) =>
    result.workload.targets.flatMap((target) => {
      const { value, bound, met } = judge(target, result);
      const key = rowKey(result, target);
      return met === 'no'
        ? [`\`${key}\`: ${value}, wanted ${bound}. ${reasons[key] ?? 'No reason is written yet.'}`]
        : [];
    }),
  );
}

function rowsOf(result: Result): readonly (readonly string[])[] {
  const { workload, measured, failed } = result;
  return workload.targets.map((target, index) => {
    const { value, bound, met } = judge(target, result);
    const didNotRun = failed.some(({ side }) => side === target.side) ? 'FAILED' : '–';
    const mine = measured[target.side];
    const other = target.against === undefined ? undefined : measured[target.against];
    const isSame = target.side === workload.targets[index - 1]?.side;
    const isMemory = target.about === 'memory' || target.unit === 'MB';
    return [
      index === 0 ? `${workload.title}${workload.targets.length > 1 ? `: ${target.name}` : ''}` : `… ${target.name}`,
      isSame ? '″' : mine === undefined ? didNotRun : summaryText(mine),
      other === undefined
        ? '–'
        : `${target.against} ${isMemory ? `${other.rss.median.toFixed(0)} MB` : `${seconds(other)} s`}`,
      value,
      bound,
      met,
      peersText(target, index === 0, result),
    ];
  });
}

/** How many times what we take the peers take. */
function peersText(target: Target, isFirst: boolean, { workload, measured }: Result): string {
  const named = new Set(workload.targets.flatMap(({ peers = [] }) => peers));
  const rest = Object.entries(workload.sides).flatMap(([name, { role }]) =>
    role === 'peer' && !named.has(name) ? [name] : [],
  );
  const mine = measured[target.side];
  const texts = (target.peers ?? (isFirst ? rest : [])).flatMap((name) => {
    const peer = measured[name];
    if (peer === undefined || mine === undefined) return [];
    const times = target.unit === 'MB' ? peer.rss.median / mine.rss.median : wall(measured, name) / mine.wall.median;
    return [`${name} ${peer.stopped ? '> ' : ''}${times.toFixed(1)} ×`];
  });
  return texts.join(', ') || '–';
}

function sidesOf({ workload, measured }: Result): readonly (readonly string[])[] {
  return Object.entries(measured).map(([name, { wall: time, cpu, rss, runs, stopped }]) => [
    workload.name,
    name,
    workload.sides[name]!.role,
    stopped ? `> ${time.median}` : `${time.median.toFixed(3)}${range(time, runs)}`,
    stopped ? '–' : cpu.median.toFixed(2),
    stopped ? '–' : rss.median.toFixed(0),
    String(runs),
  ]);
}

function summaryText(summary: Summary): string {
  const { runs, wall: time, cpu, rss, stopped } = summary;
  if (stopped) return `> ${time.median} s`;
  return `${seconds(summary)} s${range(time, runs)}, CPU ${cpu.median.toFixed(2)} s, ${rss.median.toFixed(0)} MB`;
}

function seconds({ wall: { median }, stopped }: Summary): string {
  return stopped ? `> ${median}` : median.toFixed(3);
}

function range({ least, most }: Summary['wall'], runs: number): string {
  return runs > 1 ? ` (${least.toFixed(3)}–${most.toFixed(3)})` : '';
}
