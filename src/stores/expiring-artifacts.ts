import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { removeTree } from '../util/files/remove-tree.ts';
import { writeFileAtomic } from '../util/files/write-file-atomic.ts';
import { numbersIn, type RunStoreLocation, runAt, runsDirectory } from './run-store.ts';

/** In a run's directory of artifacts: a line for each piece that is not kept for ever. */
const listName = '.expiring';

interface Expiring {
  /** Relative to the directory of artifacts. */
  readonly piece: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/**
 * Notes when a piece may be removed (`artifacts:expire_in`).
 * @param artifacts `Run.artifactsDirectory`, @param piece a directory below it.
 */
export function noteExpiry(artifacts: string, piece: string, at: number): void {
  const line: Expiring = { piece: relative(artifacts, piece), at };
  appendFileSync(join(artifacts, listName), `${JSON.stringify(line)}\n`, { mode: 0o600 });
}

/**
 * Removes the pieces of one run whose time is over. Costs one look where there are none.
 * @returns how many were removed.
 */
export async function removeExpired(artifacts: string, nowMs: number): Promise<number> {
  const list = join(artifacts, listName);
  if (!existsSync(list)) return 0;
  const lines = readFileSync(list, 'utf8').split('\n');
  const noted = lines.flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Expiring]));
  const due = noted.filter(({ at }) => at <= nowMs);
  if (due.length === 0) return 0;
  for (const { piece } of due) if (isPiece(piece)) await removeTree(join(artifacts, piece));
  const left = noted.filter(({ at }) => at > nowMs).map((each) => `${JSON.stringify(each)}\n`);
  if (left.length === 0) await rm(list, { force: true });
  else await writeFileAtomic(list, left.join(''), { mode: 0o600, durable: 'fast' });
  return due.length;
}

/**
 * Removes artifacts of a project whose time is over. Those of the newest two runs stay whatever their age, as GitLab keeps those of the
 * latest pipeline: the newest is the one under way. Damaged lists are left alone.
 */
export async function removeExpiredArtifacts(
  location: RunStoreLocation,
  given: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const runs = runsDirectory(location);
  const numbers = [...numbersIn(runs)].sort((a, b) => b - a);
  for (const number of numbers.slice(2)) {
    if (given.signal.aborted) return;
    await removeExpired(runAt(runs, String(number)).artifactsDirectory, given.nowMs).catch(() => 0);
  }
}

/** `<job>/uploads/<attempt>-<number>`: whatever else stands in the list, nothing outside is touched. */
function isPiece(piece: string): boolean {
  const parts = piece.split(sep);
  return parts.length === 3 && !parts.includes('..') && /^\d+-\d+$/.test(basename(piece));
}
