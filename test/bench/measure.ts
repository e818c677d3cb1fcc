import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';
import type { Measured, Place, Programs, Sample, Side, Spread, Summary, Workload } from './workload.ts';

/** A workload with what its sides took. */
export interface Result {
  readonly workload: Workload;
  readonly measured: Measured;
  /** Sides that did not run, with the reason. */
  readonly skipped: readonly { readonly side: string; readonly because: string }[];
  /** Sides that ended as they should not have, with the end of what they said. */
  readonly failed: readonly { readonly side: string; readonly because: string }[];
}

/** How to measure. */
export interface MeasureOptions {
  readonly programs: Programs;
  /** Folder for projects, homes and copies: a subfolder of it is made and removed. */
  readonly directory: string;
  /** `late`: what a run leaves is removed only when all have run, so that removing slows none of them down. */
  readonly removal: 'at once' | 'late';
  readonly runs: number;
  readonly full: boolean;
  /** Aborted: the run under way is stopped, and `measureWorkload` rejects. */
  readonly signal: AbortSignal;
  /** Told what is going on. */
  readonly say: (text: string) => void;
}

/** No further round is begun when all sides but the peers took so long together, so that the whole bench ends in time. */
const roundsSeconds = 90;

const defaultLimitSeconds = { peer: 60, ours: 1200, limit: 1200 } as const;

/** Runs all sides of a workload in turn (A B A B …), each time in fresh directories where state matters. */
export async function measureWorkload(workload: Workload, options: MeasureOptions): Promise<Result> {
  const base = join(options.directory, workload.name);
  const samples = new Map<string, Sample[]>();
  const stopped = new Map<string, Summary>();
  const { sides, skipped } = sidesToRun(workload, options);
  const failed: { side: string; because: string }[] = [];
  const runs = Math.min(options.runs * (workload.quick ? 3 : 1), workload.mostRuns ?? Number.POSITIVE_INFINITY);
  let tookMs = 0;
  try {
    const run = async (name: string, side: Side, round: number): Promise<void> => {
      if (stopped.has(name) || failed.some((each) => each.side === name)) return;
      options.say(`${workload.name}: ${name} ${round < 0 ? 'warm-up' : `run ${round + 1}`}`);
      const startedMs = performance.now();
      try {
        const sample = await runSide(workload, { name, side, base, round, options });
        if (sample === 'stopped') stopped.set(name, summaryOfStopped(limitOf(side)));
        else if (round >= 0) samples.set(name, [...(samples.get(name) ?? []), sample]);
      } catch (error) {
        if (options.signal.aborted) throw error;
        failed.push({ side: name, because: error instanceof Error ? error.message : String(error) });
      } finally {
        if (side.role !== 'peer') tookMs += performance.now() - startedMs;
      }
    };
    for (const [name, side] of sides) if (side.state === 'kept') await run(name, side, -1);
    for (let round = 0; round < runs && tookMs < roundsSeconds * 1000; round++) {
      for (const [name, side] of sides) if (round < (side.mostRuns ?? runs)) await run(name, side, round);
    }
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
  const summaries = [...samples].map(([name, taken]) => [name, summarize(taken)] as const);
  return { workload, measured: Object.fromEntries([...summaries, ...stopped]), skipped, failed };
}

function sidesToRun(workload: Workload, options: MeasureOptions) {
  const sides: [string, Side][] = [];
  const skipped: { side: string; because: string }[] = [];
  for (const [name, side] of Object.entries(workload.sides)) {
    const because = side.full && !options.full ? 'only with --full' : side.skip?.(options.programs);
    if (because === undefined) sides.push([name, side]);
    else skipped.push({ side: name, because });
  }
  return { sides, skipped };
}

/** One run of one side. */
async function runSide(
  workload: Workload,
  given: {
    readonly name: string;
    readonly side: Side;
    readonly base: string;
    readonly round: number;
    readonly options: MeasureOptions;
  },
): Promise<Sample | 'stopped'> {
  const { name, side, base, round, options } = given;
  const directory = join(base, side.ownTree || side.role === 'peer' ? `tree-${name}` : 'tree');
  if (!existsSync(directory)) {
    mkdirSync(directory, { recursive: true });
    workload.prepare(directory);
  }
  const home = join(base, side.state === 'kept' ? `home-${name}` : `home-${name}-${round}`);
  const scratch = join(base, `scratch-${name}-${round}`);
  for (const folder of [home, scratch]) mkdirSync(folder, { recursive: true });
  const place: Place = { programs: options.programs, directory, project: join(directory, 'project'), home, scratch };
  side.before?.(place);
  try {
    return await runCommand(side.command(place), {
      directory: base,
      limitMs: limitOf(side) * 1000,
      signal: options.signal,
    });
  } finally {
    if (options.removal === 'at once') {
      rmSync(scratch, { recursive: true, force: true });
      if (side.state !== 'kept') rmSync(home, { recursive: true, force: true });
    }
  }
}

function limitOf(side: Side): number {
  return side.limitSeconds ?? defaultLimitSeconds[side.role];
}

function summaryOfStopped(seconds: number): Summary {
  const all = (value: number): Spread => ({ median: value, least: value, most: value });
  return { runs: 1, wall: all(seconds), cpu: all(Number.NaN), rss: all(Number.NaN), stopped: true };
}

function summarize(samples: readonly Sample[]): Summary {
  const spread = (of: (sample: Sample) => number): Spread => {
    const values = samples.map(of).sort((a, b) => a - b);
    const middle = Math.floor(values.length / 2);
    const median = values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
    return { median, least: values[0]!, most: values.at(-1)! };
  };
  return {
    runs: samples.length,
    wall: spread(({ wall }) => wall),
    cpu: spread(({ cpu }) => cpu),
    rss: spread(({ rss }) => rss),
  };
}
