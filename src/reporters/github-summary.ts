import { isWorthTelling } from '../model/resource-text.ts';
import { formatDuration } from '../util/duration.ts';
import { noPaint } from './color.ts';
import { deploymentLines } from './deployment-text.ts';
import { htmlText } from './html-page.ts';
import { resourceCells } from './resource-cells.ts';
import { jobNote, noteText, statusSign } from './result-text.ts';
import type { JobSummary, RunSummary } from './run-summary.ts';
import { pipelineLine } from './summary-text.ts';
import { stripAnsi } from './terminal-text.ts';
import { testLines, testNews } from './test-text.ts';

/** GitHub's limit for one step's summary. */
const maxBytes = 1024 * 1024;
const more = '\n\n(more did not fit here: see the full logs)\n';

/** Text for one cell of a Markdown table: no markup, links, mentions or HTML come of it. */
function cell(text: string): string {
  return stripAnsi(text)
    .replace(/[\\`*_{}[\]()#+!|~:@-]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** A code block whose fence is longer than any run of backticks in it. */
function codeBlock(lines: readonly string[]): string {
  const text = lines.map(stripAnsi).join('\n');
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}

function row(job: JobSummary, columns: 'with-use' | 'plain'): string {
  const { sign } = statusSign(job);
  const time = job.startedAt === undefined ? '' : formatDuration(job.durationMs);
  const use =
    columns === 'plain'
      ? ''
      : resourceCells(job.resources)
          .map((text) => `${text} | `)
          .join('');
  return `| ${sign} | ${cell(job.id)} | ${cell(job.stage)} | ${time} | ${use}${cell(jobNote(job))} |\n`;
}

/** HTML up to the blank line, so escapes of Markdown would show in the summary. */
function failedTail(job: JobSummary): string {
  const head = `\n<details><summary>${htmlText(job.id)}: ${htmlText(noteText(job))}</summary>\n\n`;
  return `${head}${codeBlock(job.tail)}\n\n</details>\n`;
}

function failedTests(job: JobSummary): string[] {
  const news = testNews(job, Number.POSITIVE_INFINITY);
  if (news === undefined) return [];
  const head = `\n<details><summary>${htmlText(job.id)}: ${htmlText(news.headline)}</summary>\n\n`;
  return [`${head}${codeBlock(testLines(news))}\n\n</details>\n`];
}

/** The run as Markdown: a table of the jobs, failed tests, and the end of each failed one's log; at most 1 MiB, whole parts only. */
export function markdownSummary(summary: RunSummary, limitBytes = maxBytes): string {
  const title = cell(pipelineLine(summary, { paint: noPaint }));
  const columns = summary.jobs.some(({ resources }) => isWorthTelling(resources)) ? 'with-use' : 'plain';
  const [names, lines] = columns === 'plain' ? ['', ''] : ['CPU | Memory | ', '--:|--:|'];
  const head = `### ${title}\n\n| | Job | Stage | Time | ${names}Note |\n|---|---|---|--:|${lines}---|\n`;
  // Failed jobs first: they are what must not fall victim to the limit.
  const failed = summary.jobs.filter((job) => job.status === 'failed');
  const others = summary.jobs.filter((job) => job.status !== 'failed');
  const tails = failed.filter((job) => job.tail.length > 0).map(failedTail);
  const tests = [...failed, ...others].flatMap(failedTests);
  const deployed = [...failed, ...others].flatMap(deploymentLines).map((line) => `\n- ${cell(line)}`);
  if (deployed.length > 0) deployed.push('\n');
  const parts = [...[...failed, ...others].map((job) => row(job, columns)), ...deployed, ...tests, ...tails];
  let text = head;
  let room = limitBytes - Buffer.byteLength(head) - Buffer.byteLength(more);
  for (const part of parts) {
    room -= Buffer.byteLength(part);
    if (room < 0) return text + more;
    text += part;
  }
  return text;
}
