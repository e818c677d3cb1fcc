import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../util/files/write-file-atomic.ts';
import type { Run } from './run-store.ts';
import { safeName } from './safe-name.ts';

/** A failed job whose place was kept, as `ci runs` tells it. */
export interface KeptJob {
  readonly job: string;
  /** A container's name, or a directory. */
  readonly name: string;
  /** Command line to go in. */
  readonly enter: string;
}

type KeptRun = Pick<Run, 'keptDirectory'>;

/**
 * Notes that a place is kept. To be called before it is: what is noted and is not there does no harm, what is kept and not noted
 * would stay for ever.
 * @returns takes it back.
 */
export async function noteKept({ keptDirectory }: KeptRun, kept: KeptJob): Promise<() => Promise<void>> {
  await mkdir(keptDirectory, { recursive: true, mode: 0o700 });
  const path = join(keptDirectory, `${safeName(kept.job)}.json`);
  await writeFileAtomic(path, JSON.stringify(kept), { mode: 0o600, durable: 'fast' });
  return () => rm(path, { force: true });
}

/** The kept jobs of a run. */
export function readKeptJobs({ keptDirectory }: KeptRun): readonly KeptJob[] {
  return namesIn(keptDirectory)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) => {
      try {
        return [JSON.parse(readFileSync(join(keptDirectory, name), 'utf8')) as KeptJob];
      } catch {
        return [];
      }
    });
}

/** Absolute paths of what lies in the directory and belongs to no kept job: once the run has ended nobody wants it. */
export function listUnkept(run: KeptRun): readonly string[] {
  const kept = readKeptJobs(run).map(({ name }) => name);
  return namesIn(run.keptDirectory)
    .filter((name) => !name.endsWith('.json'))
    .map((name) => join(run.keptDirectory, name))
    .filter((path) => !kept.some((name) => name === path || name.startsWith(`${path}/`)));
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
