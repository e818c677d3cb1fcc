import type { Event } from '../model/event.ts';
import { formatDuration } from '../util/duration.ts';
import type { Paint } from './color.ts';
import { type StartedJob, tellEndedJobs } from './ended-jobs.ts';
import type { ReadLog } from './log-files.ts';
import type { Output } from './output.ts';
import type { Reporter, Verbosity } from './reporter.ts';
import { noteText, statusSign } from './result-text.ts';
import { summaryFold } from './summary-fold.ts';
import { summaryLines } from './summary-text.ts';
import { oneLine } from './terminal-text.ts';
import { workQueue, writeWholeLog } from './whole-log.ts';

/** What the reporter for GitLab's job log writes to; `readLog` gets it the output of the jobs. */
export interface GitlabOptions {
  readonly output: Output;
  readonly paint: Paint;
  readonly color: boolean;
  readonly verbosity: Verbosity;
  readonly readLog: ReadLog;
}

/** Gives every job a section name of letters, digits and `_ . -`, never the same twice. */
export function sectionNames(): (job: string) => string {
  const taken = new Set<string>();
  return (job) => {
    const base = `job_${job.replace(/[^A-Za-z0-9_.-]+/g, '_').slice(0, 100)}`;
    let name = base;
    for (let number = 2; taken.has(name); number++) name = `${base}_${number}`;
    taken.add(name);
    return name;
  };
}

/**
 * The begin of a section. Source: https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections
 * @param at milliseconds since the Unix epoch.
 */
export function sectionStart(name: string, at: number, header: string, state: 'collapsed' | 'open'): string {
  const collapsed = state === 'collapsed' ? '[collapsed=true]' : '';
  return `\x1b[0Ksection_start:${Math.floor(at / 1000)}:${name}${collapsed}\r\x1b[0K${header}\n`;
}

/** The end of a section; see `sectionStart`. */
export function sectionEnd(name: string, at: number): string {
  return `\x1b[0Ksection_end:${Math.floor(at / 1000)}:${name}\r\x1b[0K\n`;
}

/**
 * The reporter for a job of GitLab CI: one section for each job that has ended, printed from its log on disk; those of
 * failed jobs are open. Markers that the job's log holds itself become sections inside of it.
 */
export function gitlabReporter(options: GitlabOptions): Reporter {
  const { output, verbosity, paint, color } = options;
  const fold = summaryFold();
  const queue = workQueue();
  const nameOf = sectionNames();
  const say = (text: string): void => queue.add(async () => output.write(`${text}\n`));
  const label = (job: string): string => oneLine(job, { color });

  function printSection(event: Event & { type: 'job-finished' }, start: StartedJob | undefined): void {
    const { result, job, because, at } = event;
    const { sign, kind } = statusSign(result);
    const note = oneLine(noteText(because === undefined ? result : { ...result, because }), { color: false });
    const time = start === undefined ? '' : `, ${formatDuration(result.durationMs)}`;
    const header = `${paint(kind, sign)} ${label(job)}${note === '' ? '' : `: ${note}`}${time}`;
    if (verbosity === 'quiet' && result.status !== 'failed') return;
    if (start === undefined) {
      say(header);
      return;
    }
    const name = nameOf(job);
    queue.add(async () => {
      output.write(sectionStart(name, start.at, header, result.status === 'failed' ? 'open' : 'collapsed'));
      await writeWholeLog(start.logPath, options.readLog, output);
      // The reset keeps a colour that the job left on out of what follows.
      output.write(`${color ? '\x1b[0m' : ''}${sectionEnd(name, at)}`);
      await output.ready();
    });
  }

  const tell = tellEndedJobs(verbosity, {
    started: ({ job }) => say(`${paint('running', '▶')} ${label(job)} started`),
    retried: ({ job, attempt, reason }) =>
      say(`▶ ${label(job)}: attempt ${attempt - 1} failed (${reason}), trying again`),
    finished: printSection,
    message: ({ type, message, job }) => {
      const about = job === undefined ? '' : `${label(job)}: `;
      const kind = type === 'warning' ? 'warning' : 'hint';
      say(`${paint(kind, `${type}:`)} ${about}${oneLine(message, { color: false })}`);
    },
  });
  return {
    on(event) {
      fold.on(event);
      tell(event);
    },
    async close() {
      queue.add(async () => output.write(`${summaryLines(fold.summary(), options).join('\n')}\n`));
      await queue.done();
      await output.ready();
    },
  };
}
