import { dirname, sep } from 'node:path';
import { isWorthTelling, resourceText } from '../model/resource-text.ts';
import { countText } from '../util/count-text.ts';
import { formatDuration } from '../util/duration.ts';
import type { Paint } from './color.ts';
import { deploymentLines } from './deployment-text.ts';
import { displayWidth } from './display-width.ts';
import { resourceCells } from './resource-cells.ts';
import { jobNote, noteText, statusSign } from './result-text.ts';
import type { JobSummary, RunSummary } from './run-summary.ts';
import { renderTable } from './table.ts';
import { oneLine } from './terminal-text.ts';
import { testLines, testNews } from './test-text.ts';

/** How the summary is written; `columns` is the terminal's width in characters, without it nothing is cut. */
export interface SummaryTextOptions {
  readonly paint: Paint;
  readonly color: boolean;
  /** `quiet`: only what did not end well. `verbose`: each job, however many, and the time of each section. */
  readonly verbosity: 'quiet' | 'normal' | 'verbose';
  readonly columns?: number;
}

/** From so many jobs on, those that ended well, and those skipped for the same reason, are counted and not listed. */
const foldedFrom = 100;

/** The summary at the end of a run, as lines: table, messages, ends of failed jobs' logs, one line for the pipeline. */
export function summaryLines(summary: RunSummary, options: SummaryTextOptions): string[] {
  const lines = jobTable(summary, options);
  if (options.verbosity === 'verbose') lines.push(...sectionTable(summary, options));
  for (const job of summary.jobs) lines.push(...failedTail(job, options), ...failedTests(job, options));
  lines.push(...deployments(summary, options));
  lines.push(...manualHint(summary, options), ...logsLine(summary, options));
  if (lines.length > 0) lines.unshift('');
  lines.push('', pipelineLine(summary, options));
  return lines;
}

function isUnpleasant(job: JobSummary): boolean {
  return job.status === 'failed' || job.status === 'canceled';
}

function jobTable(summary: RunSummary, options: SummaryTextOptions): string[] {
  const { paint, verbosity, color } = options;
  const onPath = new Set(summary.criticalPath.length > 1 ? summary.criticalPath : []);
  const folding = summary.jobs.length >= foldedFrom && verbosity !== 'verbose';
  const folded = new Map<string, number>();
  const rows: string[][] = [];
  const shown: JobSummary[] = [];
  for (const job of summary.jobs) {
    const note = noteText(job);
    const { sign, kind } = statusSign(job);
    if (verbosity === 'quiet' && !isUnpleasant(job)) continue;
    if (folding && !isUnpleasant(job) && job.status !== 'manual' && !onPath.has(job.id)) {
      const what = `${paint(kind, sign)}\n${job.status === 'success' ? 'succeeded' : oneLine(note, { color: false })}`;
      folded.set(what, (folded.get(what) ?? 0) + 1);
      continue;
    }
    shown.push(job);
    rows.push([
      paint(kind, sign) + (onPath.has(job.id) ? paint('muted', '*') : ''),
      oneLine(job.id, { color }),
      paint('muted', oneLine(job.stage, { color: false })),
      job.startedAt === undefined ? '' : formatDuration(job.durationMs),
      oneLine(jobNote(job), { color: false }),
    ]);
  }
  const lines = fittingTable(rows, shown, options);
  for (const [what, count] of folded) {
    const [sign, text] = what.split('\n');
    lines.push(`  ${sign}   ${countText(count, 'job')} ${text}`);
  }
  if (onPath.size > 0 && verbosity !== 'quiet') lines.push(paint('muted', pathLine(summary)));
  return lines;
}

/** With what the jobs used, where that is worth a look and takes no room from the notes. */
function fittingTable(rows: readonly string[][], jobs: readonly JobSummary[], options: SummaryTextOptions): string[] {
  const { columns, verbosity, paint } = options;
  const layout = { rightAligned: [3, 4, 5], indent: '  ' };
  const wanted = jobs.some(({ resources }) =>
    verbosity === 'verbose' ? resources !== undefined : verbosity === 'normal' && isWorthTelling(resources),
  );
  if (wanted) {
    const wide = rows.map((row, index) => {
      const [cpu, memory] = resourceCells(jobs[index]!.resources);
      const cells = [cpu === '' ? '' : `${cpu} cpu`, memory].map((cell) => paint('muted', cell));
      return [...row.slice(0, -1), ...cells, row.at(-1)!];
    });
    const lines = renderTable(wide, layout);
    if (columns === undefined || lines.every((line) => displayWidth(line) <= columns)) return lines;
  }
  return renderTable(rows, { ...width(options), rightAligned: [3], indent: '  ' });
}

function pathLine(summary: RunSummary): string {
  const shown = summary.criticalPath.map((id) => oneLine(id, { color: false }));
  const names = shown.length > 8 ? [...shown.slice(0, 4), '…', ...shown.slice(-3)] : shown;
  return `  * critical path: ${names.join(' → ')}`;
}

function width(options: SummaryTextOptions): { readonly columns?: number } {
  return options.columns === undefined ? {} : { columns: options.columns };
}

function sectionTable(summary: RunSummary, options: SummaryTextOptions): string[] {
  const rows: string[][] = [];
  const used: string[] = [];
  for (const job of summary.jobs) {
    if (job.startedAt === undefined) continue;
    rows.push([
      oneLine(job.id, options),
      'waited for a place',
      job.queueMs === undefined ? '' : formatDuration(job.queueMs),
    ]);
    for (const section of job.sections) {
      const time = section.durationMs === undefined ? 'not finished' : formatDuration(section.durationMs);
      rows.push(['', oneLine(section.caption, { color: false }), time]);
    }
    if (job.resources !== undefined) used.push(`  ${oneLine(job.id, options)} used ${resourceText(job.resources)}`);
  }
  if (rows.length === 0) return [];
  const lines = renderTable(rows, { ...width(options), rightAligned: [2], indent: '  ' });
  return ['', ...lines, ...(used.length > 0 ? ['', ...used] : [])];
}

function failedTail(job: JobSummary, options: SummaryTextOptions): string[] {
  if (job.status !== 'failed') return [];
  if (job.allowFailure && options.verbosity !== 'verbose') return [];
  const { paint, color } = options;
  const name = oneLine(job.id, { color });
  const lines = ['', paint('error', `✗ ${name}`) + `: ${oneLine(noteText(job), { color: false })}`];
  for (const line of job.tail) lines.push(`  ${paint('muted', '|')} ${oneLine(line, { color })}`.trimEnd());
  if (job.logPath !== undefined)
    lines.push(`  ${paint('muted', 'full log:')} ${oneLine(job.logPath, { color: false })}`);
  return lines;
}

/** Named also where the job itself went on and succeeded: GitLab shows them then too. */
function failedTests(job: JobSummary, { paint, color, verbosity }: SummaryTextOptions): string[] {
  const news = testNews(job, verbosity === 'verbose' ? Number.POSITIVE_INFINITY : undefined);
  if (news === undefined) return [];
  const kind = job.status === 'failed' && !job.allowFailure ? 'error' : 'warning';
  const head = `${paint(kind, oneLine(job.id, { color }))}: ${news.headline}`;
  return ['', head, ...testLines(news).map((line) => `  ${oneLine(line, { color: false })}`)];
}

function deployments(summary: RunSummary, { paint, verbosity }: SummaryTextOptions): string[] {
  const lines = summary.jobs.flatMap(deploymentLines);
  if (lines.length === 0 || verbosity === 'quiet') return [];
  return ['', ...lines.map((line) => `  ${paint('hint', '▲')} ${oneLine(line, { color: false })}`)];
}

/** A job that has started and ended so waits for others: it is those that people can start. */
function manualHint(summary: RunSummary, options: SummaryTextOptions): string[] {
  const waiting = summary.jobs.filter((job) => job.status === 'manual' && job.startedAt === undefined);
  if (waiting.length === 0 || options.verbosity === 'quiet') return [];
  const names = waiting.slice(0, 5).map((job) => oneLine(job.id, { color: false }));
  if (waiting.length > names.length) names.push(`and ${waiting.length - names.length} more`);
  return ['', `  ${options.paint('hint', '▷')} waiting to be started with --manual JOB: ${names.join(', ')}`];
}

function logsLine(summary: RunSummary, { paint, verbosity }: SummaryTextOptions): string[] {
  const directory = commonDirectory(summary.jobs.flatMap((job) => job.logPath ?? []));
  if (directory === undefined || verbosity === 'quiet') return [];
  return ['', `  ${paint('muted', 'full logs:')} ${oneLine(directory, { color: false })}`];
}

/** The directory that holds all of the paths, at any depth. */
function commonDirectory(paths: readonly string[]): string | undefined {
  const [first, ...others] = paths;
  if (first === undefined) return undefined;
  let directory = dirname(first);
  for (const path of others) {
    while (!path.startsWith(`${directory}${sep}`) && dirname(directory) !== directory) directory = dirname(directory);
  }
  return directory;
}

/** One line about the whole pipeline: `pipeline failed: 1 of 7 jobs failed, 12.3 s`. */
export function pipelineLine(summary: RunSummary, options: Pick<SummaryTextOptions, 'paint'>): string {
  const { counts, status } = summary;
  const total = summary.jobs.length;
  const parts: string[] = [];
  if (counts.failed > 0) parts.push(`${counts.failed} of ${countText(total, 'job')} failed`);
  else parts.push(`${counts.success} of ${countText(total, 'job')} succeeded`);
  if (counts.allowedFailures > 0) parts.push(`${countText(counts.allowedFailures, 'allowed failure')}`);
  if (counts.canceled > 0) parts.push(`${counts.canceled} canceled`);
  if (counts.skipped > 0) parts.push(`${counts.skipped} skipped`);
  if (counts.manual > 0) parts.push(`${counts.manual} manual`);
  if (counts.unfinished > 0) parts.push(`${counts.unfinished} not finished`);
  parts.push(formatDuration(summary.durationMs));
  const word = {
    success: 'succeeded',
    failed: 'failed',
    canceled: 'canceled',
    skipped: 'skipped',
    manual: 'waits',
    running: 'not finished',
  }[status];
  const kind = status === 'success' ? 'success' : status === 'failed' ? 'error' : 'warning';
  return `${options.paint(kind, `pipeline ${word}`)}: ${parts.join(', ')}`;
}
