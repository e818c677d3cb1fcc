import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { tryLock } from '../../stores/lock-files.ts';
import { writeFileAtomic } from '../../util/files/write-file-atomic.ts';
import { isGone, type Owner, thisOwner } from '../../util/process-owner.ts';
import type { Credentials } from '../network/gitlab-client.ts';
import type { JobCredentials } from '../network/payload.ts';

/** How a job ended, as its server is told. */
export type TraceResult =
  | { readonly state: 'success' }
  | { readonly state: 'failed'; readonly failureReason: string; readonly exitCode: number };

/** Whether each line of a log says when and by whom it was written. */
export type TraceLines = 'plain' | 'stamped';

/** What has to be known to send a log after its process has died. Lies beside the log, for its owner alone. */
export interface TraceRecord {
  readonly version: 1;
  readonly owner: Owner;
  /** The server; the token is the runner's, which calls for a job don't need. */
  readonly server: Omit<Credentials, 'token'>;
  readonly job: JobCredentials;
  readonly systemId: string;
  /** Bytes that the server had; it corrects us. */
  readonly sentBytes: number;
  readonly outputLimitBytes: number;
  readonly debugTrace: 'on' | 'off';
  /** Absent, as in records of old: `plain`. */
  readonly lines?: TraceLines;
  readonly runtimeEnvironmentKey: string;
  /** For people and for the log's last lines: the runner's name and the like. */
  readonly note: string;
  /** Absent: it was still running. */
  readonly result?: TraceResult;
  /** Its owner tried to report it as often as it may, and has let go of it. */
  readonly lost?: true;
}

/** Where one log and its record lie. */
export interface TracePlace {
  readonly log: string;
  readonly record: string;
}

/** A place of its own for one job of one server. @param directory made where it is missing. */
export async function newTracePlace(directory: string, job: JobCredentials): Promise<TracePlace> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const name = join(directory, `${job.id}-${randomBytes(6).toString('hex')}`);
  return { log: `${name}.log`, record: `${name}.json` };
}

/** Writes the record, so that a crash leaves the old or the new one. */
export async function writeRecord(
  place: TracePlace,
  record: TraceRecord,
  durable: 'flushed' | 'fast' = 'flushed',
): Promise<void> {
  await writeFileAtomic(place.record, JSON.stringify(record), { mode: 0o600, durable });
}

/** Removes a log that has arrived. */
export async function removeTrace(place: TracePlace): Promise<void> {
  await rm(place.record, { force: true });
  await rm(place.log, { force: true });
  await rm(lockOf(place), { recursive: true, force: true });
}

/** A log whose process has died or let go of it, taken over by this one. */
export interface LeftTrace {
  readonly place: TracePlace;
  readonly record: TraceRecord;
}

/**
 * The logs whose processes have died or let go of them, each given to one caller alone, also of several at the same time.
 * @returns none where the directory is missing. What can't be read is left alone.
 */
export async function takeLeftTraces(directory: string): Promise<readonly LeftTrace[]> {
  const names = await readdir(directory).catch(() => []);
  await sweep(directory, names);
  const stems = names.map((name) => /^(\d+-[0-9a-f]+)\.json$/.exec(name)?.[1]);
  const left: LeftTrace[] = [];
  for (const stem of stems) {
    if (stem === undefined) continue;
    const place = { log: join(directory, `${stem}.log`), record: join(directory, `${stem}.json`) };
    const record = await takeOver(place).catch(() => undefined);
    if (record !== undefined) left.push({ place, record });
  }
  return left;
}

/** Removes what somebody who was killed has left: halves of records, logs that nothing is known of, locks of nothing. */
async function sweep(directory: string, names: readonly string[]): Promise<void> {
  const there = new Set(names);
  for (const name of names) {
    const isHalf = /^\.tmp-\d+-[0-9a-f]+$/.test(name);
    const stem = /^(\d+-[0-9a-f]+)\.(?:log|lock)$/.exec(name)?.[1];
    if (!isHalf && (stem === undefined || there.has(`${stem}.json`))) continue;
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    // Somebody may be just making it.
    if (found !== undefined && isOld(found)) await rm(path, { recursive: true, force: true });
  }
}

/** So long may something be made; what is older was left. */
const makingMs = 60_000;

/** One of the future was made before somebody set the clock back. */
function isOld({ mtimeMs }: { readonly mtimeMs: number }): boolean {
  return Math.abs(Date.now() - mtimeMs) > makingMs;
}

/** Held while a record is taken over: by one of several, and by nobody who has died. */
function lockOf({ record }: TracePlace): string {
  return record.replace(/\.json$/, '.lock');
}

/** @throws Error: it is gone. @returns undefined: somebody works at it. */
async function takeOver(place: TracePlace): Promise<TraceRecord | undefined> {
  if (!isLeft(await readRecord(place.record))) return undefined;
  await using lock = await tryLock(lockOf(place), 'a log that was left');
  if (lock === undefined) return undefined;
  // Another may have been faster, and have let go of the lock again.
  const record = await readRecord(place.record);
  if (!isLeft(record)) return undefined;
  const { lost: _, ...rest } = record;
  const mine = { ...rest, owner: thisOwner() };
  await writeRecord(place, mine);
  return mine;
}

function isLeft(record: TraceRecord): boolean {
  return record.version === 1 && (record.lost === true || isGone(record.owner, 'here'));
}

async function readRecord(path: string): Promise<TraceRecord> {
  return JSON.parse(await readFile(path, 'utf8')) as TraceRecord;
}
