import { randomUUID } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import type { Event } from '../model/event.ts';
import type { Paint } from './color.ts';
import { type StartedJob, tellEndedJobs } from './ended-jobs.ts';
import { inert, outputEntry, workflowCommand } from './github-commands.ts';
import { markdownSummary } from './github-summary.ts';
import type { ReadLog } from './log-files.ts';
import type { Output } from './output.ts';
import type { Reporter, Verbosity } from './reporter.ts';
import { failureText, noteText, statusSign } from './result-text.ts';
import type { JobSummary, RunSummary } from './run-summary.ts';
import { summaryFold } from './summary-fold.ts';
import { summaryLines } from './summary-text.ts';
import { writeFailure } from './system-failure.ts';
import { stripAnsi } from './terminal-text.ts';
import { testLines, testNews } from './test-text.ts';
import { workQueue, writeWholeLog } from './whole-log.ts';

/** What the reporter for GitHub Actions writes to; `readLog` gets it the output of the jobs. */
export interface GithubOptions {
  readonly output: Output;
  readonly paint: Paint;
  readonly color: boolean;
  readonly verbosity: Verbosity;
  readonly readLog: ReadLog;
  /** GITHUB_STEP_SUMMARY: Markdown is appended to it. */
  readonly stepSummaryPath?: string;
  /** GITHUB_OUTPUT: `status` and `failed-jobs` (a JSON list of ids) are appended to it. */
  readonly outputPath?: string;
  /** Makes a word that a job's output can't know; default: a random UUID. */
  readonly token?: () => string;
}

/** GitHub shows so many annotations of a kind for a step. */
const maxAnnotations = 10;

/**
 * The reporter for GitHub Actions. Jobs run side by side and groups can't nest, so each job's log is printed from disk
 * as one group when the job has ended, with commands switched off, so that no job can give orders to GitHub.
 */
export function githubReporter(options: GithubOptions): Reporter {
  const { output, verbosity } = options;
  const token = options.token ?? randomUUID;
  const fold = summaryFold();
  const queue = workQueue();
  const say = (text: string): void => queue.add(async () => output.write(`${inert(stripAnsi(text))}\n`));

  async function withoutCommands(work: () => Promise<void>): Promise<void> {
    const word = token();
    output.write(`::stop-commands::${word}\n`);
    await work();
    output.write(`::${word}::\n`);
  }
  function printGroup(event: Event & { type: 'job-finished' }, start: StartedJob | undefined): void {
    const { result, job, because } = event;
    const path = start?.logPath;
    const { sign } = statusSign(result);
    const note = noteText(because === undefined ? result : { ...result, because });
    const title = stripAnsi(`${sign} ${job}${note === '' ? '' : ` (${note})`}`);
    if (path === undefined) {
      if (verbosity !== 'quiet') say(title);
      return;
    }
    if (verbosity === 'quiet' && result.status !== 'failed') return;
    queue.add(async () => {
      output.write(`${workflowCommand('group', {}, title)}\n`);
      await withoutCommands(() => writeWholeLog(path, options.readLog, output));
      output.write('::endgroup::\n');
      await output.ready();
    });
  }
  async function printEnd(summary: RunSummary): Promise<void> {
    const lines = summaryLines(summary, options);
    await withoutCommands(async () => output.write(`${lines.join('\n')}\n`));
    for (const line of annotations(summary)) output.write(`${line}\n`);
    await output.ready();
    if (options.stepSummaryPath !== undefined) await append(options.stepSummaryPath, markdownSummary(summary));
    if (options.outputPath !== undefined) await append(options.outputPath, outputs(summary, token()));
  }

  const tell = tellEndedJobs(verbosity, {
    started: ({ job, attempt }) => say(`▶ ${job} started${attempt > 1 ? `, attempt ${attempt}` : ''}`),
    retried: ({ job, attempt, reason }) => say(`▶ ${job}: attempt ${attempt - 1} failed (${reason}), trying again`),
    finished: printGroup,
    message: ({ type, message, job }) => {
      const title = job === undefined ? '' : stripAnsi(job);
      queue.add(async () => output.write(`${workflowCommand(type, { title }, stripAnsi(message))}\n`));
    },
  });
  return {
    on(event) {
      fold.on(event);
      tell(event);
    },
    async close() {
      queue.add(() => printEnd(fold.summary()));
      await queue.done();
    },
  };
}

/** Errors for failed jobs, those of the surroundings first, and warnings for allowed failures; no more than are shown. */
function annotations(summary: RunSummary): string[] {
  const failed = summary.jobs.filter((job) => job.status === 'failed');
  const isScript = (job: JobSummary): number => (job.failureReason === 'script_failure' ? 1 : 0);
  const errors = failed.filter((job) => !job.allowFailure).sort((a, b) => isScript(a) - isScript(b));
  const warnings = failed.filter((job) => job.allowFailure);
  const file = stripAnsi(summary.file ?? '');
  const annotate = (name: 'error' | 'warning', jobs: readonly JobSummary[]): string[] => {
    const shown = jobs.length > maxAnnotations ? jobs.slice(0, maxAnnotations - 1) : jobs;
    const lines = shown.map((job) => {
      const title = stripAnsi(job.id);
      return workflowCommand(name, { file, title }, `${title}: ${stripAnsi(failureText(job))}${lastLines(job)}`);
    });
    if (shown.length < jobs.length) {
      const rest = jobs.slice(shown.length).map((job) => stripAnsi(job.id));
      lines.push(workflowCommand(name, { file }, `${rest.length} more: ${rest.join(', ').slice(0, 2000)}`));
    }
    return lines;
  };
  return [...annotate('error', errors), ...annotate('warning', warnings)];
}

/** The failed tests, else the end of the log. */
function lastLines(job: JobSummary): string {
  const news = testNews(job, 5);
  if (news !== undefined) return `\n${[news.headline, ...testLines(news)].map(stripAnsi).join('\n')}`;
  const lines = job.tail
    .map(stripAnsi)
    .filter((line) => line.trim() !== '')
    .slice(-5);
  return lines.length === 0 ? '' : `\n${lines.join('\n')}`;
}

function outputs(summary: RunSummary, delimiter: string): string {
  const failed = summary.jobs.filter((job) => job.status === 'failed' && !job.allowFailure).map((job) => job.id);
  return (
    outputEntry('status', summary.status, delimiter) + outputEntry('failed-jobs', JSON.stringify(failed), delimiter)
  );
}

async function append(path: string, text: string): Promise<void> {
  try {
    await appendFile(path, text);
  } catch (error) {
    throw writeFailure(path, error);
  }
}
