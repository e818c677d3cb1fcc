import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../util/files/write-file-atomic.ts';
import { isGone, type Owner, thisOwner } from '../../util/process-owner.ts';
import type { Credentials } from '../network/gitlab-client.ts';
import type { JobCredentials } from '../network/payload.ts';

/** How a job ended, as its server is told. */
export type TraceResult =
  | { readonly state: 'success' }
  | { readonly state: 'failed'; readonly failureReason: string; readonly exitCode: number };

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
  readonly runtimeEnvironmentKey: string;
  /** For people and for the log's last lines: the runner's name and the like. */
  readonly note: string;
  /** Absent: it was still running. */
  readonly result?: TraceResult;
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
}

/** A log whose process has died, taken over by this one. */
export interface LeftTrace {
  readonly place: TracePlace;
  readonly record: TraceRecord;
}

/**
 * The logs whose processes have died, each given to one caller alone, also of several at the same time.
 * @returns none where the directory is missing. What can't be read is left alone.
 */
export async function takeLeftTraces(directory: string): Promise<readonly LeftTrace[]> {
  const names = await readdir(directory).catch(() => []);
  const stems = names.map((name) => /^(\d+-[0-9a-f]+)\.json(\.taken)?$/.exec(name)?.[1]);
  const left: LeftTrace[] = [];
  for (const stem of new Set(stems)) {
    if (stem === undefined) continue;
    const place = { log: join(directory, `${stem}.log`), record: join(directory, `${stem}.json`) };
    const record = await takeOver(place).catch(() => undefined);
    if (record !== undefined) left.push({ place, record });
  }
  return left;
}

/** So long may taking over a record last; who hasn't done it by then has died at it. */
const takenForMs = 60_000;

/** While it is taken over a record has another name, which one of several can give it. @throws Error: another was faster. */
async function takeOver(place: TracePlace): Promise<TraceRecord | undefined> {
  const taken = `${place.record}.taken`;
  await putBack(taken, place);
  if (!isLeft(await readRecord(place.record))) return undefined;
  await rename(place.record, taken);
  const record = await readRecord(taken);
  if (!isLeft(record)) {
    // Between our two looks another has taken it over.
    await rename(taken, place.record);
    return undefined;
  }
  const mine = { ...record, owner: thisOwner() };
  await writeRecord(place, mine);
  await rm(taken, { force: true });
  return mine;
}

async function putBack(taken: string, place: TracePlace): Promise<void> {
  const found = await stat(taken).catch(() => undefined);
  if (found === undefined || Date.now() - found.ctimeMs < takenForMs) return;
  const isThere = await stat(place.record).catch(() => undefined);
  if (isThere === undefined) await rename(taken, place.record);
  else await rm(taken, { force: true });
}

function isLeft(record: TraceRecord): boolean {
  return record.version === 1 && isGone(record.owner, 'here');
}

async function readRecord(path: string): Promise<TraceRecord> {
  return JSON.parse(await readFile(path, 'utf8')) as TraceRecord;
}
