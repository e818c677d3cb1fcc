import type { Clock } from '../../util/clock.ts';
import type { RunnerInfo } from '../network/features.ts';
import type { GitlabClient, JobUpdated, RemoteJob, TracePatched } from '../network/gitlab-client.ts';
import type { JobCredentials } from '../network/payload.ts';
import { backoff } from '../network/retry.ts';
import type { Spool } from './spool.ts';
import { type ForceSend, forceSendMsOf, type TraceLimits } from './trace-limits.ts';
import type { TraceResult } from './trace-record.ts';

/** What sending needs. */
export interface SenderGiven {
  readonly client: Pick<GitlabClient, 'patchTrace' | 'updateJob'>;
  readonly job: JobCredentials;
  readonly info: RunnerInfo;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly limits: TraceLimits;
  readonly forceSend: ForceSend;
  readonly debugTrace: 'on' | 'off';
  readonly runtimeEnvironmentKey: string;
  /** Bytes that the server is believed to have. */
  readonly sentBytes: number;
  /** The server wants the job canceled; may be told more than once. */
  readonly onCancel: () => void;
  /** The job is over for the server. */
  readonly onAbort: () => void;
  /** Some bytes have arrived. */
  readonly onSent: (sentBytes: number) => Promise<void>;
  /** Ends all waiting: nothing is sent any more. */
  readonly giveUp: AbortSignal;
}

/** How the last report went. `lost`: not after all tries; `left`: we were told to give up. */
export type Reported =
  | { readonly kind: 'reported' }
  | { readonly kind: 'lost'; readonly why: string }
  | { readonly kind: 'left' };

/** What one attempt at the last report came to. */
type Attempt = 'done' | 'left' | { readonly failed: string };

const unsent = { state: 'failed', cancelRequested: false, updateIntervalSeconds: 0 } as const;

/** Sends a log in pieces while it grows, and at the end all of it, then the result. */
export class TraceSender {
  readonly #given: SenderGiven;
  #sent: number;
  #touchedAt: number | undefined;
  /** The last time when the server was, or should have been, told that the job runs. */
  #triedAt = 0;
  #intervalMs: number;

  constructor(given: SenderGiven) {
    this.#given = given;
    this.#sent = given.sentBytes;
    this.#intervalMs = given.limits.updateIntervalMs;
  }

  /** Milliseconds between two pieces, as things are now. */
  get updateIntervalMs(): number {
    return this.#intervalMs;
  }

  get forceSendMs(): number {
    return forceSendMsOf(this.#given.forceSend, this.#intervalMs, this.#given.limits.forceSendMs);
  }

  /** Sends one piece every interval until `stop`, or until the job is over for the server. */
  async whileRunning(stop: AbortSignal): Promise<void> {
    const { clock, giveUp, onAbort } = this.#given;
    this.#triedAt = clock.elapsed();
    while (!stop.aborted && !giveUp.aborted) {
      await clock.sleep(this.#intervalMs, stop);
      if (stop.aborted) return;
      if ((await this.#oneRound()) === 'over') {
        onAbort();
        return;
      }
    }
  }

  /** Sends what is missing, then the result, until the server has taken it. Nothing may be written any more. */
  async finish(result: TraceResult): Promise<Reported> {
    const { limits, clock, giveUp } = this.#given;
    this.#intervalMs = limits.updateIntervalMs;
    const pauses = backoff({ minMs: limits.finalBackoffMinMs, maxMs: limits.finalBackoffMaxMs });
    for (let tries = 1; ; tries++) {
      const attempt = await this.#finishOnce(result);
      if (attempt === 'done') return { kind: 'reported' };
      if (attempt === 'left') return { kind: 'left' };
      if (tries >= limits.finalTries) return { kind: 'lost', why: attempt.failed };
      await clock.sleep(pauses.next(), giveUp);
    }
  }

  async #oneRound(): Promise<'goes-on' | 'over'> {
    const { state } = await this.#sendPiece();
    if (state === 'abort') return 'over';
    // Where the log does not arrive for long, the job's own address may still tell that it is over, or to be canceled.
    if (state !== 'succeeded' && !(state === 'failed' && this.#isSilent())) return 'goes-on';
    return (await this.#touch()) === 'abort' ? 'over' : 'goes-on';
  }

  #isSilent(): boolean {
    return this.#given.clock.elapsed() - this.#triedAt > this.forceSendMs;
  }

  async #sendPiece(): Promise<TracePatched> {
    const { client, job, spool, limits, debugTrace, giveUp, onSent } = this.#given;
    const content = await spool.read(this.#sent, limits.patchBytes).catch(() => undefined);
    // The disk doesn't give it back now: as if the network had failed.
    if (content === undefined) return { ...unsent, sentOffset: this.#sent };
    const patched = await client.patchTrace(job, { content, startOffset: this.#sent, debugTrace }, giveUp);
    this.#heed(patched);
    const { state, sentOffset } = patched;
    if ((state === 'succeeded' || state === 'range-mismatch') && sentOffset !== this.#sent) {
      this.#sent = sentOffset;
      await onSent(sentOffset);
    }
    return patched;
  }

  async #touch(): Promise<JobUpdated['state'] | 'not-yet'> {
    const { clock, client, job, info, spool, giveUp } = this.#given;
    if (this.#touchedAt !== undefined && clock.elapsed() - this.#touchedAt <= this.forceSendMs) return 'not-yet';
    this.#triedAt = clock.elapsed();
    const { checksum, size: bytesize } = spool;
    const updated = await client.updateJob(job, { state: 'running', info, checksum, bytesize }, giveUp);
    this.#heed(updated);
    if (updated.state === 'succeeded') this.#touchedAt = clock.elapsed();
    return updated.state;
  }

  #heed({ cancelRequested, updateIntervalSeconds }: RemoteJob): void {
    if (updateIntervalSeconds > 0) {
      this.#intervalMs = Math.min(updateIntervalSeconds * 1000, this.#given.limits.maxUpdateIntervalMs);
    }
    if (cancelRequested) this.#given.onCancel();
  }

  async #finishOnce(result: TraceResult): Promise<Attempt> {
    const { giveUp } = this.#given;
    while (!giveUp.aborted) {
      const flushed = await this.#flush();
      if (flushed !== 'flushed') return giveUp.aborted ? 'left' : flushed;
      const { state } = await this.#reportResult(result);
      if (giveUp.aborted && state === 'failed') return 'left';
      switch (state) {
        case 'succeeded':
        case 'abort':
          return 'done';
        case 'failed':
          await this.#pause();
          return { failed: "the job's result could not be sent" };
        case 'trace-rejected':
          this.#sent = 0;
          break;
        case 'accepted':
      }
      await this.#pause();
    }
    return 'left';
  }

  async #flush(): Promise<'flushed' | { readonly failed: string }> {
    const { spool, giveUp, limits } = this.#given;
    for (let mismatches = 0; this.#sent < spool.size && !giveUp.aborted; ) {
      const before = this.#sent;
      const { state } = await this.#sendPiece();
      if (state === 'abort' || state === 'not-found') return 'flushed';
      if (state === 'succeeded') mismatches = 0;
      else {
        await this.#pause();
        if (state === 'failed') return { failed: "the job's log could not be sent" };
        // A server that says the same again and again would keep us here for ever.
        mismatches = this.#sent > before ? 0 : mismatches + 1;
        if (mismatches > limits.maxMismatches) return { failed: "the server takes no part of the job's log" };
      }
    }
    return 'flushed';
  }

  async #reportResult(result: TraceResult): Promise<JobUpdated> {
    const { client, job, info, spool, giveUp, runtimeEnvironmentKey } = this.#given;
    const { checksum, size: bytesize } = spool;
    const more = result.state === 'failed' ? { failureReason: result.failureReason, exitCode: result.exitCode } : {};
    const update = { state: result.state, info, checksum, bytesize, runtimeEnvironmentKey, ...more };
    const updated = await client.updateJob(job, update, giveUp);
    this.#heed(updated);
    return updated;
  }

  #pause(): Promise<void> {
    return this.#given.clock.sleep(this.#intervalMs, this.#given.giveUp);
  }
}
