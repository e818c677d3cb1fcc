import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Event } from '../model/event.ts';
import { systemClock } from '../util/clock.ts';
import { eventFields, eventHead, schemaVersion } from './json.ts';
import { type LogFile, type OpenLogFileOptions, openLogFile } from './log-files.ts';
import type { Reporter } from './reporter.ts';

/** A stretch of a job's log, in place of its text. `offset` and `length` are bytes of the file that `job-started` named last. */
export interface StoredOutput {
  readonly type: 'job-output';
  readonly at: number;
  readonly job: string;
  readonly stream: 'stdout' | 'stderr' | 'system';
  readonly offset: number;
  readonly length: number;
}

/** An event as the run's events file keeps it. */
export type StoredEvent = Exclude<Event, { type: 'job-output' }> | StoredOutput;

/** Neighbouring chunks of one stream are kept as one stretch up to this length, so the file stays small. */
const maxStretch = 1024 * 1024;

/**
 * Puts offsets in the place of output and joins neighbouring stretches. A stretch comes out when the job writes to
 * another stream, begins or ends a section, or ends: before that event.
 */
export function storedEvents(): { push(event: Event): StoredEvent[]; end(): StoredEvent[] } {
  const pending = new Map<string, { -readonly [K in keyof StoredOutput]: StoredOutput[K] }>();
  const offsets = new Map<string, number>();
  const paths = new Map<string, string>();
  const take = (job: string): StoredEvent[] => {
    const stretch = pending.get(job);
    pending.delete(job);
    return stretch ? [stretch] : [];
  };
  return {
    push(event) {
      // How far a pull was is of no use to anybody later.
      if (event.type === 'image-pull' && event.state === 'progressed') return [];
      if (event.type === 'job-output') {
        const { job, stream, bytes, at } = event;
        const offset = offsets.get(job) ?? 0;
        offsets.set(job, offset + bytes.length);
        const open = pending.get(job);
        if (open && open.stream === stream && open.length + bytes.length <= maxStretch) {
          open.length += bytes.length;
          return [];
        }
        const before = take(job);
        pending.set(job, { type: 'job-output', at, job, stream, offset, length: bytes.length });
        return before;
      }
      const before = 'job' in event && event.job !== undefined ? take(event.job) : [];
      if (event.type === 'job-started') {
        // A further try may go on in the same file or begin another.
        if (paths.get(event.job) !== event.logPath) offsets.delete(event.job);
        paths.set(event.job, event.logPath);
      }
      return [...before, event];
    },
    end: () => [...pending.keys()].flatMap(take),
  };
}

/** One line of the events file, without the line end. */
export function encodeStoredEvent(event: StoredEvent): string {
  if (event.type === 'job-output') {
    const { type, at, job, stream, offset, length } = event;
    return JSON.stringify({ type, at: new Date(at).toISOString(), job, stream, offset, length });
  }
  const result = event.type === 'pipeline-finished' ? { jobs: event.jobs } : {};
  const schema = event.type === 'pipeline-planned' ? { schema: schemaVersion } : {};
  return JSON.stringify({ ...schema, ...eventHead(event), ...eventFields(event), ...result });
}

/** Reads one line of the events file; undefined for a line that is none (cut off by a crash). */
export function decodeStoredEvent(line: string): StoredEvent | undefined {
  try {
    const { schema: _schema, at, ...fields } = JSON.parse(line);
    const time = Date.parse(at);
    if (Number.isNaN(time) || typeof fields.type !== 'string') return undefined;
    if (fields.type !== 'job-finished') return { ...fields, at: time };
    const { type, job, because, ...result } = fields;
    return { type, at: time, job, result, ...(because === undefined ? {} : { because }) };
  } catch {
    return undefined;
  }
}

/** The many events of a job that does little are one write. */
const gatheringMs = 20;

/**
 * Writes the run's events for later commands; output is not in it but where it lies in the job's log.
 * `close` throws a SystemError when something could not be written.
 */
export async function eventsFileReporter(path: string, options: OpenLogFileOptions = {}): Promise<Reporter> {
  const file: LogFile = await openLogFile(path, options);
  const stored = storedEvents();
  let waiting: string[] = [];
  let writing: Promise<void> | undefined;
  let failure: unknown;
  const closing = new AbortController();

  async function writeWaiting(): Promise<void> {
    while (waiting.length > 0 && failure === undefined) {
      const lines = waiting;
      waiting = [];
      await file.write(Buffer.from(lines.join('')));
    }
  }
  function add(events: readonly StoredEvent[]): void {
    if (failure !== undefined || events.length === 0) return;
    for (const event of events) waiting.push(`${encodeStoredEvent(event)}\n`);
    writing ??= systemClock
      .sleep(gatheringMs, closing.signal)
      .then(writeWaiting)
      .catch((error: unknown) => {
        failure = error;
        waiting = [];
      })
      .finally(() => {
        writing = undefined;
      });
  }
  return {
    on: (event) => add(stored.push(event)),
    async close() {
      add(stored.end());
      closing.abort('closing');
      await writing;
      // What came in the moment in which the last write was over.
      if (failure === undefined) await writeWaiting();
      await file.close();
      if (failure !== undefined) throw failure;
    },
  };
}

/** The events of an earlier run, in order; lines that can't be read are left out. */
export async function* readEventsFile(path: string): AsyncGenerator<StoredEvent> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    const event = decodeStoredEvent(line);
    if (event) yield event;
  }
}
