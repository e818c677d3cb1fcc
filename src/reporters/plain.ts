import type { Event, PlannedJob } from '../model/event.ts';
import type { FinalStatus } from '../model/outcome.ts';
import { assertNever } from '../util/assert-never.ts';
import { formatDuration } from '../util/duration.ts';
import type { Paint } from './color.ts';
import { displayWidth } from './display-width.ts';
import { type LinePrefixer, linePrefixer } from './line-prefixer.ts';
import type { Output } from './output.ts';
import { pullLine } from './pull-text.ts';
import type { Reporter, Verbosity } from './reporter.ts';
import { noteText, statusSign } from './result-text.ts';
import { summaryFold } from './summary-fold.ts';
import { summaryLines } from './summary-text.ts';
import { oneLine } from './terminal-text.ts';
import { isToolLine } from './tool-line.ts';

export interface PlainOptions {
  readonly output: Output;
  readonly paint: Paint;
  readonly color: boolean;
  readonly verbosity: Verbosity;
}

/** Longer names stand as they are; the others are not padded to them. */
const maxPadding = 24;

/** What each job's lines begin with. */
interface Labels {
  plan(jobs: readonly PlannedJob[]): void;
  /** `build | ` before output, `build > ` before what the tool itself says about the job. */
  of(job: string, mark: '|' | '>'): string;
}

function labels({ paint, color }: PlainOptions): Labels {
  let padding = 0;
  return {
    plan(jobs) {
      for (const { id } of jobs) {
        const width = displayWidth(oneLine(id, { color: false }));
        if (width <= maxPadding) padding = Math.max(padding, width);
      }
    },
    of(job, mark) {
      const name = oneLine(job, { color });
      const padded = name + ' '.repeat(Math.max(0, padding - displayWidth(name)));
      // The reset ends a colour that the job's last line left on.
      return `${color ? '\x1b[0m' : ''}${paint('running', padded)} ${paint('muted', mark)} `;
    },
  };
}

/**
 * The reporter for pipes and files: every line of a job's output with the job's name before it, lines about start and
 * end, the summary. Only whole lines are written, one write a chunk.
 */
export function plainReporter(options: PlainOptions): Reporter {
  const { output, verbosity, paint } = options;
  const fold = summaryFold();
  const label = labels(options);
  const prefixers = new Map<string, LinePrefixer>();

  const say = (job: string, text: string): void => output.write(`${label.of(job, '>')}${text}\n`);
  function flush(job: string): void {
    const rest = prefixers.get(job)?.flush();
    if (rest) output.write(rest);
  }
  function flushAll(): void {
    for (const job of prefixers.keys()) flush(job);
  }
  /** The tool's own lines about a job's life are for the log and for `-v`; what went wrong is for everybody. */
  function isShown(event: Event & { type: 'job-output' }): boolean {
    return verbosity === 'verbose' || (verbosity === 'normal' && !isToolLine(event));
  }
  function write(event: Event & { type: 'job-output' }): void {
    let prefixer = prefixers.get(event.job);
    if (!prefixer) {
      prefixer = linePrefixer(label.of(event.job, '|'), { colors: options.color ? 'keep' : 'strip' });
      prefixers.set(event.job, prefixer);
    }
    const lines = prefixer.push(event.bytes);
    if (lines) output.write(lines);
  }
  /** The log says the same, and is there with `-v`. */
  function pulled(event: Event & { type: 'image-pull' }): void {
    const line = verbosity === 'normal' ? pullLine(event) : undefined;
    if (line !== undefined) say(event.job, paint('muted', oneLine(line, { color: false })));
  }
  function finished(event: Event & { type: 'job-finished' }): void {
    flush(event.job);
    prefixers.delete(event.job);
    const { result, because } = event;
    const facts = because === undefined ? result : { ...result, because };
    if (verbosity === 'quiet' && result.status !== 'failed') return;
    const { sign, kind } = statusSign(result);
    const note = oneLine(noteText(facts), { color: false });
    const time =
      result.status === 'skipped' || result.status === 'manual' ? '' : `, ${formatDuration(result.durationMs)}`;
    const word = finishedText(result.status, note);
    say(event.job, `${paint(kind, `${sign} ${word}`)}${time}`);
  }
  function message(event: Event & { type: 'notice' | 'warning' }): void {
    if (verbosity === 'quiet' && event.type === 'notice') return;
    const text = `${paint(event.type === 'warning' ? 'warning' : 'hint', `${event.type}:`)} ${oneLine(event.message, { color: false })}`;
    if (event.job === undefined) output.write(`${text}\n`);
    else say(event.job, text);
  }

  return {
    on(event) {
      fold.on(event);
      switch (event.type) {
        case 'pipeline-planned':
          label.plan(event.jobs);
          return;
        case 'job-waiting':
          if (verbosity !== 'quiet') say(event.job, waitText(event));
          return;
        case 'job-started':
          if (verbosity !== 'quiet')
            say(event.job, event.attempt > 1 ? `started, attempt ${event.attempt}` : 'started');
          return;
        case 'section-started':
          // Its caption is the next line of the log.
          flush(event.job);
          return;
        case 'section-finished':
          flush(event.job);
          if (verbosity === 'verbose')
            say(event.job, paint('muted', `${event.name}: ${formatDuration(event.durationMs)}`));
          return;
        case 'job-output':
          if (isShown(event)) write(event);
          return;
        case 'image-pull':
          pulled(event);
          return;
        case 'job-retried':
          flush(event.job);
          if (verbosity !== 'quiet')
            say(event.job, `attempt ${event.attempt - 1} failed (${event.reason}), trying again`);
          return;
        case 'job-finished':
          finished(event);
          return;
        case 'notice':
        case 'warning':
          message(event);
          return;
        case 'pipeline-finished':
          flushAll();
          return;
        default:
          assertNever(event);
      }
    },
    async close() {
      flushAll();
      output.write(`${summaryLines(fold.summary(), { ...options, ...columnsOf(output) }).join('\n')}\n`);
      await output.ready();
    },
  };
}

function waitText(event: Event & { type: 'job-waiting' }): string {
  if (event.for === 'resource-group') return 'waits for its resource group';
  const left = event.untilMs === undefined ? '' : ` of ${formatDuration(event.untilMs - event.at)}`;
  return `waits for its delay${left}`;
}

/** `failed: exit code 1`, `success, 2 attempts`; the other notes name the status themselves. */
function finishedText(status: FinalStatus, note: string): string {
  if (status === 'failed') return `failed: ${note}`;
  if (status !== 'success') return note;
  return note === '' ? status : `${status}, ${note}`;
}

/** The width of an output, as an optional property to spread. */
export function columnsOf(output: Output): { readonly columns?: number } {
  return output.columns === undefined || !output.isTTY ? {} : { columns: output.columns };
}
