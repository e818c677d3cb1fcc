import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatherFacts } from './facts.ts';
import { measureWorkload, type Result } from './measure.ts';
import { findPrograms } from './programs.ts';
import { judge, rowKey } from './report.ts';
import { findRoom, type Room, whyNoOverlays } from './room.ts';
import type { Programs, Workload } from './workload.ts';
import { benchImage } from './workloads/containers.ts';

/** What is wanted of a bench. */
export interface BenchOptions {
  readonly root: string;
  readonly runs: number;
  readonly full: boolean;
  readonly peers: boolean;
  readonly build: boolean;
  readonly signal: AbortSignal;
}

/** What was measured, and on what. */
export interface Bench {
  readonly results: readonly Result[];
  readonly facts: Readonly<Record<string, string>>;
}

/** Measures the workloads one after the other, each where there is room for it. */
export async function measureAll(chosen: readonly Workload[], options: BenchOptions): Promise<Bench> {
  const startedMs = Date.now();
  const load = loadavg()[0]!.toFixed(1);
  const directory = mkdtempSync(join(tmpdir(), 'ci-bench-copy-'));
  try {
    const programs = await findPrograms({ ...options, directory, image: benchImage });
    const results: Result[] = [];
    const places = new Map<string, string[]>();
    for (const workload of chosen) {
      const room = findRoom(workload.gigabytes ?? defaultGigabytes);
      const named = room?.what ?? 'no room';
      places.set(named, [...(places.get(named) ?? []), workload.name]);
      results.push(room === undefined ? withoutRoom(workload) : await measureIn(room, workload, programs, options));
    }
    const facts = {
      ...gatherFacts(options.root),
      files: filesText(places),
      runs: `${options.runs} a side, fewer where one takes long`,
      took: `${((Date.now() - startedMs) / 60_000).toFixed(0)} minutes, load at the start ${load}`,
    };
    return { results, facts };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const defaultGigabytes = 2;

function withoutRoom(workload: Workload): Result {
  const because = `there are not ${workload.gigabytes ?? defaultGigabytes} GB free`;
  const skipped = Object.keys(workload.sides).map((side) => ({ side, because }));
  return { workload, measured: {}, skipped, failed: [] };
}

async function measureIn(room: Room, workload: Workload, programs: Programs, options: BenchOptions): Promise<Result> {
  const { runs, full, signal } = options;
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const noOverlays = whyNoOverlays(room.path);
  const directory = mkdtempSync(join(room.path, 'ci-bench-'));
  try {
    const result = await measureWorkload(workload, {
      programs: { ...programs, ...(noOverlays === undefined ? {} : { noOverlays }) },
      directory,
      // On a disk the removal of many files slows down what is written next; the room of few large ones is needed again.
      removal: room.kind === 'disk' && (workload.gigabytes ?? defaultGigabytes) < 10 ? 'late' : 'at once',
      runs,
      full,
      signal,
      say,
    });
    for (const target of workload.targets) {
      const { value, bound, met } = judge(target, result);
      say(`${rowKey(result, target)}: ${value}, wanted ${bound}, met: ${met}`);
    }
    return result;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Where the files of the workloads lay: most often all in one place. */
function filesText(places: ReadonlyMap<string, readonly string[]>): string {
  const [[most = '', names = []] = [], ...others] = [...places].sort(([, a], [, b]) => b.length - a.length);
  const rest = others.map(([what, these]) => `${these.join(', ')}: ${what}`);
  return names.length === 0 ? 'none' : [`projects, stores and copies on ${most}`, ...rest].join('; ');
}
