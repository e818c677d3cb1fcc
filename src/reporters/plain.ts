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

/** What the plain reporter writes to, and how much. */
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

/** Output of jobs, in whole lines with the job's name before each. */
interface JobOutput {
  write(job: string, bytes: Uint8Array): void;
  /** Writes what is no whole line yet. */
  flush(job: string): void;
  flushAll(): void;
  /** Nothing more comes of the job. */
  end(job: string): void;
}

function jobOutput({ output, color }: PlainOptions, label: Labels): JobOutput {
  const prefixers = new Map<string, LinePrefixer>();
  const put = (lines: Uint8Array | undefined): void => {
    if (lines) output.write(lines);
  };
  return {
    write(job, bytes) {
      const prefixer = prefixers.get(job) ?? linePrefixer(label.of(job, '|'), { colors: color ? 'keep' : 'strip' });
      prefixers.set(job, prefixer);
      put(prefixer.push(bytes));
    },
    flush: (job) => put(prefixers.get(job)?.flush()),
    flushAll: () => {
      for (const prefixer of prefixers.values()) put(prefixer.flush());
    },
    end(job) {
      put(prefixers.get(job)?.flush());
      prefixers.delete(job);
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
  const jobs = jobOutput(options, label);
  const say = (job: string, text: string): void => output.write(`${label.of(job, '>')}${text}\n`);

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
          return label.plan(event.jobs);
        case 'job-output':
          if (isShown(event, verbosity)) jobs.write(event.job, event.bytes);
          return;
        case 'notice':
        case 'warning':
          return message(event);
        case 'pipeline-finished':
          return jobs.flushAll();
        default: {
          if (event.type === 'job-finished') jobs.end(event.job);
          else jobs.flush(event.job);
          const line = lifeLine(event, options);
          if (line !== undefined) say(event.job, line);
        }
      }
    },
    async close() {
      jobs.flushAll();
      output.write(`${summaryLines(fold.summary(), { ...options, ...columnsOf(output) }).join('\n')}\n`);
      await output.ready();
    },
  };
}

/** The tool's own lines about a job's life are for the log and for `-v`; what went wrong is for everybody. */
function isShown(event: Event & { type: 'job-output' }, verbosity: Verbosity): boolean {
  return verbosity === 'verbose' || (verbosity === 'normal' && !isToolLine(event));
}

type LifeEvent = Exclude<
  Event,
  { type: 'pipeline-planned' | 'job-output' | 'notice' | 'warning' | 'pipeline-finished' }
>;

/** What is said of a job's way through its life; undefined: nothing, at this verbosity. */
function lifeLine(event: LifeEvent, { verbosity, paint }: PlainOptions): string | undefined {
  switch (event.type) {
    case 'job-waiting':
      return verbosity === 'quiet' ? undefined : waitText(event);
    case 'job-started':
      if (verbosity === 'quiet') return undefined;
      return event.attempt > 1 ? `started, attempt ${event.attempt}` : 'started';
    case 'section-started':
      // Its caption is the next line of the log.
      return undefined;
    case 'section-finished':
      if (verbosity !== 'verbose') return undefined;
      return paint('muted', `${event.name}: ${formatDuration(event.durationMs)}`);
    case 'image-pull': {
      // The log says the same, and is there with `-v`.
      const line = verbosity === 'normal' ? pullLine(event) : undefined;
      return line === undefined ? undefined : paint('muted', oneLine(line, { color: false }));
    }
    case 'job-retried':
      if (verbosity === 'quiet') return undefined;
      return `attempt ${event.attempt - 1} failed (${event.reason}), trying again`;
    case 'job-finished':
      return verbosity === 'quiet' && event.result.status !== 'failed' ? undefined : endLine(event, paint);
    default:
      return assertNever(event);
  }
}

function endLine({ result, because }: Event & { type: 'job-finished' }, paint: Paint): string {
  const { sign, kind } = statusSign(result);
  const note = oneLine(noteText(because === undefined ? result : { ...result, because }), { color: false });
  const ran = result.status !== 'skipped' && result.status !== 'manual';
  const time = ran ? `, ${formatDuration(result.durationMs)}` : '';
  return `${paint(kind, `${sign} ${finishedText(result.status, note)}`)}${time}`;
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
