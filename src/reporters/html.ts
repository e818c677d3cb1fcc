import { resourceText } from '../model/resource-text.ts';
import { formatDuration } from '../util/duration.ts';
import { noPaint } from './color.ts';
import { deploymentLines } from './deployment-text.ts';
import { htmlPage, htmlText } from './html-page.ts';
import { escapeLines } from './markup.ts';
import { resourceCells } from './resource-cells.ts';
import { jobNote, noteText, statusSign } from './result-text.ts';
import type { JobSummary, RunSummary } from './run-summary.ts';
import { pipelineLine } from './summary-text.ts';
import { testLines, testNews } from './test-text.ts';

/** The class that gives a job its colour. */
export function statusClass(job: { readonly status: string; readonly allowFailure: boolean }): string {
  return job.status === 'failed' && job.allowFailure ? 'allowed' : job.status;
}

function bar(job: JobSummary, summary: RunSummary): string {
  if (job.startedAt === undefined || summary.startedAt === undefined || summary.durationMs <= 0) return '';
  const percent = (ms: number): string => Math.min(100, Math.max(0, (ms / summary.durationMs) * 100)).toFixed(2);
  const left = percent(job.startedAt - summary.startedAt);
  const end = job.finishedAt ?? summary.startedAt + summary.durationMs;
  const width = percent(end - job.startedAt);
  return `<div class="bar"><i style="left:${left}%;width:${width}%;background:var(--${statusClass(job)})"></i></div>`;
}

/** Cells of what a job used, the rest of it where the mouse rests; nothing where no job has anything to tell. */
function use(job: JobSummary, summary: RunSummary): string {
  if (!summary.jobs.some(({ resources }) => resources !== undefined)) return '';
  const title = job.resources === undefined ? '' : ` title="${htmlText(resourceText(job.resources))}"`;
  return resourceCells(job.resources)
    .map((cell) => `<td class="time"${title}>${cell}</td>`)
    .join('');
}

function row(job: JobSummary, summary: RunSummary, onPath: ReadonlySet<string>): string {
  const { sign } = statusSign(job);
  const mark = onPath.has(job.id) ? ' <span class="muted" title="critical path">*</span>' : '';
  const time = job.startedAt === undefined ? '' : formatDuration(job.durationMs);
  return `<tr><td style="color:var(--${statusClass(job)})" title="${job.status}">${sign}${mark}</td>
<td>${htmlText(job.id)}</td><td class="muted">${htmlText(job.stage)}</td><td class="time">${time}</td>${use(job, summary)}
<td>${bar(job, summary)}</td><td>${htmlText(jobNote(job))}</td></tr>`;
}

function failedTail(job: JobSummary): string {
  const path = job.logPath === undefined ? '' : `<p class="muted">full log: ${htmlText(job.logPath)}</p>`;
  return `<h2>${htmlText(job.id)}: ${htmlText(noteText(job))}</h2>\n<pre>${escapeLines(job.tail)}</pre>\n${path}`;
}

function failedTests(job: JobSummary): string[] {
  const news = testNews(job, Number.POSITIVE_INFINITY);
  if (news === undefined) return [];
  const items = testLines(news).map((line) => `<li>${htmlText(line)}</li>`);
  return [`<h2>${htmlText(job.id)}: ${htmlText(news.headline)}</h2>\n<ul>\n${items.join('\n')}\n</ul>`];
}

/** The run as one self-contained page: table with timeline, failed tests, ends of failed jobs' logs. For `--report html=FILE`. */
export function htmlReport(summary: RunSummary): string {
  const onPath = new Set(summary.criticalPath.length > 1 ? summary.criticalPath : []);
  const title = summary.name ?? summary.file ?? 'Pipeline';
  const when = summary.startedAt === undefined ? '' : `, ${new Date(summary.startedAt).toISOString()}`;
  const head = `<h1>${htmlText(title)}</h1>\n<p>${htmlText(pipelineLine(summary, { paint: noPaint }))}<span class="muted">${when}</span></p>`;
  const rows = summary.jobs.map((job) => row(job, summary, onPath)).join('\n');
  const used = summary.jobs.some(({ resources }) => resources !== undefined) ? '<th>CPU</th><th>Memory</th>' : '';
  const table = `<table>\n<thead><tr><th></th><th>Job</th><th>Stage</th><th>Time</th>${used}<th>Timeline</th><th>Note</th></tr></thead>\n<tbody>\n${rows}\n</tbody>\n</table>`;
  const note =
    onPath.size > 0 ? '<p class="muted">* on the critical path: a shorter time of these jobs shortens the run</p>' : '';
  const tails = summary.jobs.filter((job) => job.status === 'failed').map(failedTail);
  const tests = summary.jobs.flatMap(failedTests);
  const deployed = summary.jobs.flatMap(deploymentLines).map((line) => `<li>${htmlText(line)}</li>`);
  const list = deployed.length === 0 ? '' : `<ul>\n${deployed.join('\n')}\n</ul>`;
  return htmlPage(title, [head, table, note, list, ...tests, ...tails].filter((part) => part !== '').join('\n'));
}
