import { rm } from 'node:fs/promises';
import { SystemError } from '../../model/outcome.ts';
import type { LogSink } from '../../model/ports.ts';
import type { Clock } from '../../util/clock.ts';
import { thisOwner } from '../../util/process-owner.ts';
import type { RunnerInfo } from '../network/features.ts';
import type { Credentials, GitlabClient } from '../network/gitlab-client.ts';
import type { JobCredentials } from '../network/payload.ts';
import type { RunnerLog } from '../runner-log.ts';
import { type OutputLimit, outputLimit } from './output-limit.ts';
import { Spool } from './spool.ts';
import { stampedLog } from './stamped-log.ts';
import { defaultTraceLimits, type ForceSend, type TraceLimits } from './trace-limits.ts';
import {
  type LeftTrace,
  newTracePlace,
  removeTrace,
  type TraceLines,
  type TracePlace,
  type TraceRecord,
  type TraceResult,
  writeRecord,
} from './trace-record.ts';
import { type Reported, TraceSender } from './trace-sender.ts';
import { utf8Repair } from './utf8-repair.ts';

/** What every log of this process is opened with. */
export interface TraceGiven {
  readonly client: Pick<GitlabClient, 'patchTrace' | 'updateJob'>;
  readonly info: RunnerInfo;
  readonly clock: Clock;
  readonly log: RunnerLog;
  readonly limits?: Partial<TraceLimits>;
  /** Default `fixed`. */
  readonly forceSend?: ForceSend;
  /** Ends all sending at once; what is not sent stays on disk for the next start. Default: never. */
  readonly giveUp?: AbortSignal;
}

/** The log of one job. */
export interface JobTraceOptions extends TraceGiven {
  /** Where logs lie until they have arrived: for its owner alone, kept over restarts. */
  readonly directory: string;
  readonly server: Omit<Credentials, 'token'>;
  readonly job: JobCredentials;
  readonly systemId: string;
  /** CI_DEBUG_TRACE or CI_DEBUG_SERVICES is on: only maintainers may read the log. */
  readonly debugTrace: 'on' | 'off';
  /** How its lines are written; default `plain`. */
  readonly lines?: TraceLines;
  /** '' : none. */
  readonly runtimeEnvironmentKey?: string;
  readonly note?: string;
}

/** A job's log on its way to the server: on disk first, sent in pieces from there. */
export interface JobTrace {
  /** Takes masked bytes. Resolves when they lie on disk; rejects with a SystemError when they can't. */
  readonly sink: LogSink;
  /** Aborted once the server wants the job canceled: stop its script, run `after_script`, report failed. */
  readonly cancel: AbortSignal;
  /** Aborted once the job is over for the server: stop everything. */
  readonly abort: AbortSignal;
  /** Bytes on disk, and their sum. */
  readonly output: { readonly checksum: string; readonly bytesize: number };
  /** Begins to send. */
  start(): void;
  /** Sends the rest and the result; a second call, whatever its result, waits for the first one. */
  finish(result: TraceResult): Promise<Reported>;
  /** Ends it without telling the server, whose answer was that the job is over, and removes what lies on disk. */
  drop(): Promise<void>;
}

/** Opens a log: its record lies on disk before anything of the job happens. @throws SystemError: the disk doesn't take it. */
export async function openJobTrace(options: JobTraceOptions): Promise<JobTrace> {
  const { directory, server, job, systemId, debugTrace, runtimeEnvironmentKey = '', note = '' } = options;
  const { lines = 'plain' } = options;
  const limits = { ...defaultTraceLimits, ...options.limits };
  const { url, tlsCaFile, tlsCertFile, tlsKeyFile } = server;
  const place = await newTracePlace(directory, job);
  const record: TraceRecord = {
    version: 1,
    owner: thisOwner(),
    // Not what else the object may hold, such as the runner's token.
    server: {
      url,
      ...(tlsCaFile === undefined ? {} : { tlsCaFile }),
      ...(tlsCertFile === undefined ? {} : { tlsCertFile }),
      ...(tlsKeyFile === undefined ? {} : { tlsKeyFile }),
    },
    job: { id: job.id, token: job.token },
    systemId,
    sentBytes: 0,
    outputLimitBytes: limits.outputLimitBytes,
    debugTrace,
    lines,
    runtimeEnvironmentKey,
    note,
  };
  const spool = await Spool.open(place.log);
  try {
    await writeRecord(place, record);
  } catch (error) {
    await spool.close();
    await rm(place.log, { force: true });
    throw writeFailure(place, error);
  }
  return new Trace(place, record, spool, options);
}

function writeFailure(place: TracePlace, cause: unknown): SystemError {
  return new SystemError('runner_system_failure', `can't keep the job's state in ${place.record}: ${cause}`, { cause });
}

/** Opens a log that a process which has died left behind; it goes on where that ended. */
export async function reopenJobTrace({ place, record }: LeftTrace, given: TraceGiven): Promise<JobTrace> {
  const limits = { ...given.limits, outputLimitBytes: record.outputLimitBytes };
  const spool = await Spool.open(place.log);
  // What comes now is no part of the line at which the other one died.
  if (record.result === undefined && spool.end !== 'line') await spool.append(Buffer.from('\n')).catch(() => {});
  return new Trace(place, record, spool, { ...given, limits });
}

class Trace implements JobTrace {
  readonly sink: LogSink;
  readonly #place: TracePlace;
  readonly #given: TraceGiven;
  readonly #spool: Spool;
  readonly #sender: TraceSender;
  readonly #cancel = new AbortController();
  readonly #abort = new AbortController();
  readonly #stop = new AbortController();
  readonly #repair = utf8Repair();
  readonly #limit: OutputLimit;
  #record: TraceRecord;
  /** What comes now comes too late. */
  #isClosed = false;
  #sending: Promise<void> | undefined;
  /** One after the other: an older record must not lay itself over a newer one. */
  #remembering: Promise<void> = Promise.resolve();
  #finished: Promise<Reported> | undefined;

  constructor(place: TracePlace, record: TraceRecord, spool: Spool, given: TraceGiven) {
    this.#place = place;
    this.#record = record;
    this.#spool = spool;
    this.#given = given;
    const limits = { ...defaultTraceLimits, ...given.limits };
    this.#limit = outputLimit(limits.outputLimitBytes, spool.size);
    const plain: LogSink = {
      write: (bytes) => (this.#isClosed ? Promise.resolve() : this.#append(this.#repair.take(bytes))),
    };
    this.sink = record.lines === 'stamped' ? stampedLog(plain, given.clock) : plain;
    this.#sender = new TraceSender({
      ...given,
      limits,
      spool,
      job: record.job,
      forceSend: given.forceSend ?? 'fixed',
      debugTrace: record.debugTrace,
      runtimeEnvironmentKey: record.runtimeEnvironmentKey,
      sentBytes: Math.min(record.sentBytes, spool.size),
      onCancel: () => this.#cancel.abort(),
      onAbort: () => this.#abort.abort(),
      onSent: (sentBytes) => this.#remember({ sentBytes }, 'fast'),
      giveUp: given.giveUp ?? new AbortController().signal,
    });
  }

  get cancel(): AbortSignal {
    return this.#cancel.signal;
  }

  get abort(): AbortSignal {
    return this.#abort.signal;
  }

  get output(): JobTrace['output'] {
    return { checksum: this.#spool.checksum, bytesize: this.#spool.size };
  }

  start(): void {
    this.#sending ??= this.#sender.whileRunning(this.#stop.signal);
  }

  finish(result: TraceResult): Promise<Reported> {
    this.#finished ??= this.#finish(this.#record.result ?? result);
    return this.#finished;
  }

  async drop(): Promise<void> {
    const finished = this.#finished;
    this.#finished ??= Promise.resolve({ kind: 'reported' });
    this.#isClosed = true;
    this.#stop.abort();
    await this.#sending;
    if (finished !== undefined) await finished;
    else await this.#spool.close();
    await removeTrace(this.#place);
  }

  async #finish(result: TraceResult): Promise<Reported> {
    // The result counts, also where the disk takes no more.
    await this.sink.flush?.()?.catch(() => {});
    this.#isClosed = true;
    await this.#append(this.#repair.end()).catch(() => {});
    await this.#spool.flushed();
    await this.#remember({ result }, 'flushed');
    this.#stop.abort();
    await this.#sending;
    const reported = await this.#sender.finish(result);
    await this.#spool.close();
    if (reported.kind === 'reported') await removeTrace(this.#place);
    else await this.#leave(reported);
    return reported;
  }

  async #append(bytes: Uint8Array): Promise<void> {
    for (const piece of this.#limit.take(bytes)) await this.#spool.append(piece);
  }

  /** Whoever looks for logs that are left goes on with it: this process, another one, or the next start. */
  async #leave(reported: Exclude<Reported, { readonly kind: 'reported' }>): Promise<void> {
    const isLost = reported.kind === 'lost';
    if (isLost) await this.#remember({ lost: true }, 'flushed');
    const when = isLost ? 'again in a while' : 'at the next start';
    this.#given.log('error', `A job's result has not reached its server: it is sent ${when}`, {
      ...{ job: this.#record.job.id, log: this.#place.log, why: isLost ? reported.why : undefined },
    });
  }

  /** What the next start has to know. A disk that doesn't take it doesn't stop the job: its log is still sent. */
  async #remember(more: Partial<TraceRecord>, durable: 'flushed' | 'fast'): Promise<void> {
    this.#record = { ...this.#record, ...more };
    const record = this.#record;
    this.#remembering = this.#remembering.then(() => this.#write(record, durable));
    await this.#remembering;
  }

  async #write(record: TraceRecord, durable: 'flushed' | 'fast'): Promise<void> {
    try {
      await writeRecord(this.#place, record, durable);
    } catch (error) {
      this.#given.log('warning', "Couldn't save how far a job's log is", {
        job: this.#record.job.id,
        error: (error as Error).message,
      });
    }
  }
}
