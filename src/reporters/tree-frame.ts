import { countText } from '../util/count-text.ts';
import { formatDuration } from '../util/duration.ts';
import type { Paint } from './color.ts';
import { displayWidth, truncateToWidth } from './display-width.ts';
import { pullProgressText } from './pull-text.ts';
import { noteText, statusSign } from './result-text.ts';
import { oneLine, stripAnsi } from './terminal-text.ts';
import type { TreeJob, TreeView } from './tree-view.ts';

/** The terminal's size in characters, and what makes a frame differ from the one before. */
export interface FrameOptions {
  readonly columns: number;
  readonly rows: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** One character, the spinner as of now. */
  readonly spinner: string;
  readonly paint: Paint;
  readonly color: boolean;
}

/** How much is shown: the first of these whose lines fit on the terminal is taken. */
const densities = [
  { jobs: 'all', tailLines: 5 },
  { jobs: 'all', tailLines: 2 },
  { jobs: 'lively', tailLines: 5 },
  { jobs: 'lively', tailLines: 2 },
  { jobs: 'lively', tailLines: 0 },
] as const;
type Density = (typeof densities)[number];

/**
 * The lines of the live tree as of now, each cut to the width of the terminal, at most `rows - 1` of them. What does not
 * fit is counted: jobs that wait and jobs that ended well first, then the logs of running jobs, then running jobs.
 */
export function treeFrame(view: TreeView, options: FrameOptions): string[] {
  const room = Math.max(1, options.rows - 2);
  const footer = footerLine(view, options);
  const cut = (lines: readonly string[]): string[] =>
    [...lines, footer].map((line) => truncateToWidth(line, Math.max(1, options.columns - 1)));
  let lines: string[] = [];
  for (const density of densities) {
    // Each job takes a line at least: no need to draw thousands to see that they don't fit.
    if (density.jobs === 'all' && view.total + view.stages.size > room) continue;
    lines = stageLines(view, density, options);
    if (lines.length <= room) return cut(lines);
  }
  if (room === 1) return cut([]);
  const hidden = lines.length - (room - 1);
  return cut([...lines.slice(0, room - 1), options.paint('muted', `  … ${hidden} more lines`)]);
}

function stageLines(view: TreeView, density: Density, options: FrameOptions): string[] {
  const lines: string[] = [];
  const recent = new Set(view.recent);
  for (const [stage, jobs] of view.stages) {
    const counted = { success: 0, ended: 0, waiting: 0 };
    const shown: TreeJob[] = [];
    for (const job of jobs) {
      const lively = job.state === 'running' || job.result?.status === 'failed' || recent.has(job);
      if (density.jobs === 'all' || lively) shown.push(job);
      else if (job.state === 'waiting') counted.waiting++;
      else if (job.result?.status === 'success') counted.success++;
      else counted.ended++;
    }
    const counts = countsText(counted);
    const head = options.paint('strong', stage === '' ? 'other jobs' : oneLine(stage, { color: false }));
    lines.push(counts === '' ? head : `${head}  ${options.paint('muted', counts)}`);
    for (const job of shown) lines.push(jobLine(job, options), ...tailLines(job, density.tailLines, options));
  }
  return lines;
}

function countsText(counted: { readonly success: number; readonly ended: number; readonly waiting: number }): string {
  const parts: string[] = [];
  if (counted.success > 0) parts.push(`✓ ${counted.success} succeeded`);
  if (counted.ended > 0) parts.push(`- ${counted.ended} skipped or not run`);
  if (counted.waiting > 0) parts.push(`· ${counted.waiting} waiting`);
  return parts.join('  ');
}

function jobLine(job: TreeJob, options: FrameOptions): string {
  const { paint, color } = options;
  const name = oneLine(job.id, { color });
  if (job.result !== undefined) {
    const { sign, kind } = statusSign(job.result);
    const note = noteText(job.because === undefined ? job.result : { ...job.result, because: job.because });
    const time = job.startedAt === undefined ? '' : `  ${formatDuration(job.result.durationMs)}`;
    return `  ${paint(kind, sign)} ${name}${paint('muted', time)}${note === '' ? '' : `  ${oneLine(note, { color: false })}`}`;
  }
  if (job.state === 'running') {
    const time = job.startedAt === undefined ? '' : formatDuration(options.now - job.startedAt);
    const attempt = job.attempt > 1 ? `  attempt ${job.attempt}` : '';
    const before = displayWidth(`  x ${name}  ${time}${attempt}  `);
    const doing = doingText(job, options.columns - 1 - before);
    const caption = doing === undefined ? '' : `  ${oneLine(doing, { color: false })}`;
    return `  ${paint('running', options.spinner)} ${name}  ${paint('muted', time + attempt + caption)}`;
  }
  const waits =
    job.waitsFor === undefined ? '' : `  waits for its ${job.waitsFor === 'delay' ? 'delay' : 'resource group'}`;
  return paint('muted', `  · ${oneLine(job.id, { color: false })}${waits}`);
}

/** The pull that it waits for, else the part of its life that it is in. */
function doingText({ pulls, caption }: TreeJob, columns: number): string | undefined {
  const [first, ...more] = pulls.values();
  if (first === undefined) return caption;
  const others = more.length === 0 ? '' : `, and ${more.length} more`;
  return pullProgressText(first, columns - others.length) + others;
}

function tailLines(job: TreeJob, most: number, { paint }: FrameOptions): string[] {
  if (most === 0 || job.tail === undefined) return [];
  return job.tail.lines(most).map((line) => paint('muted', `      ${stripAnsi(line)}`));
}

function footerLine(view: TreeView, { paint, now }: FrameOptions): string {
  const parts = [`${view.finished} of ${countText(view.total, 'job')} done`];
  if (view.running.size > 0) parts.push(`${view.running.size} running`);
  const text = parts.join(', ');
  const failed = view.failed > 0 ? `, ${paint('error', `${view.failed} failed`)}` : '';
  const time = view.startedAt === undefined ? '' : `, ${formatDuration(now - view.startedAt)}`;
  return `${paint('muted', text)}${failed}${paint('muted', time)}`;
}
