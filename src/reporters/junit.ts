import { escapeLines, escapeMarkup } from './markup.ts';
import { failureText, noteText } from './result-text.ts';
import type { JobSummary, RunSummary } from './run-summary.ts';
import { stripAnsi } from './terminal-text.ts';
import { testLines, testNews } from './test-text.ts';

const seconds = (ms: number): string => (ms / 1000).toFixed(3);
const attribute = (text: string): string => escapeMarkup(stripAnsi(text));

type Verdict = 'passed' | 'failure' | 'error' | 'skipped';

/** `error`: the surroundings failed or the job was canceled; an allowed failure is no failure of the pipeline's. */
function verdict(job: JobSummary): Verdict {
  switch (job.status) {
    case 'success':
      return 'passed';
    case 'failed':
      if (job.allowFailure) return 'skipped';
      return job.failureReason === undefined || job.failureReason === 'script_failure' ? 'failure' : 'error';
    case 'canceled':
    case 'running':
      return 'error';
    default:
      return 'skipped';
  }
}

/** The job is one case here; its own failed tests are named in what it says. */
function testsOf(job: JobSummary): string[] {
  const news = testNews(job);
  return news === undefined ? [] : [news.headline, ...testLines(news), ''];
}

function testcase(job: JobSummary, file: string | undefined): string {
  const kind = verdict(job);
  const where = file === undefined ? '' : ` file="${attribute(file)}"`;
  const head = `    <testcase name="${attribute(job.id)}" classname="${attribute(job.stage)}"${where} time="${seconds(job.durationMs)}">`;
  const body: string[] = [];
  const type = attribute(job.failureReason ?? job.status);
  if (kind === 'skipped') body.push(`      <skipped message="${attribute(noteText(job))}"/>`);
  if (kind === 'failure' || kind === 'error') {
    const text = job.status === 'failed' ? failureText(job) : noteText(job);
    const lines = [...testsOf(job), ...job.tail.slice(-20)];
    body.push(`      <${kind} message="${attribute(text)}" type="${type}">${escapeLines(lines)}</${kind}>`);
  }
  if (job.tail.length > 0) body.push(`      <system-out>${escapeLines(job.tail)}</system-out>`);
  return body.length === 0 ? `${head}</testcase>` : `${head}\n${body.join('\n')}\n    </testcase>`;
}

function tally(jobs: readonly JobSummary[]): string {
  const kinds = jobs.map(verdict);
  const count = (kind: Verdict): number => kinds.filter((each) => each === kind).length;
  return `tests="${jobs.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}"`;
}

/** The run as JUnit XML: one suite for each stage, one case for each job. For `--report junit=FILE`. */
export function junitReport(summary: RunSummary): string {
  const byStage = groupByStage(summary.jobs);
  const timestamp =
    summary.startedAt === undefined ? '' : ` timestamp="${new Date(summary.startedAt).toISOString().slice(0, 19)}"`;
  const suites = [...byStage].map(([stage, jobs]) => {
    const time = jobs.reduce((sum, job) => sum + job.durationMs, 0);
    const head = `  <testsuite name="${attribute(stage)}" ${tally(jobs)} time="${seconds(time)}"${timestamp}>`;
    return `${head}\n${jobs.map((job) => testcase(job, summary.file)).join('\n')}\n  </testsuite>`;
  });
  const name = attribute(summary.name ?? summary.file ?? 'pipeline');
  const all = `<testsuites name="${name}" ${tally(summary.jobs)} time="${seconds(summary.durationMs)}">`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${[all, ...suites, '</testsuites>'].join('\n')}\n`;
}

/** Jobs by stage, both in the order of the plan. */
function groupByStage(jobs: readonly JobSummary[]): Map<string, JobSummary[]> {
  const stages = new Map<string, JobSummary[]>();
  for (const job of jobs) {
    const stage = stages.get(job.stage);
    if (stage) stage.push(job);
    else stages.set(job.stage, [job]);
  }
  return stages;
}
