import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readResources, watchResources } from './resources.ts';
import type { Command, Measured, Place, Programs, Sample, Side, Spread, Summary, Workload } from './workload.ts';

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
  /** Empty folder for projects, homes and copies; the caller removes it. */
  readonly directory: string;
  readonly runs: number;
  readonly full: boolean;
  /** Told what is going on. */
  readonly say: (text: string) => void;
}

/** Runs all sides of a workload in turn (A B A B …), each time in fresh directories where state matters. */
export async function measureWorkload(workload: Workload, options: MeasureOptions): Promise<Result> {
  const base = join(options.directory, workload.name);
  const samples = new Map<string, Sample[]>();
  const skipped: { side: string; because: string }[] = [];
  const failed: { side: string; because: string }[] = [];
  const sides: [string, Side][] = [];
  for (const [name, side] of Object.entries(workload.sides)) {
    const because = side.full && !options.full ? 'only with --full' : side.skip?.(options.programs);
    if (because === undefined) sides.push([name, side]);
    else skipped.push({ side: name, because });
  }
  try {
    const run = async (name: string, side: Side, round: number): Promise<void> => {
      if (failed.some((each) => each.side === name)) return;
      options.say(`${workload.name}: ${name} ${round < 0 ? 'warm-up' : `run ${round + 1}`}`);
      try {
        const sample = await runSide(workload, { name, side, base, programs: options.programs });
        if (round >= 0) samples.set(name, [...(samples.get(name) ?? []), sample]);
      } catch (error) {
        failed.push({ side: name, because: error instanceof Error ? error.message : String(error) });
      }
    };
    for (const [name, side] of sides) if (side.state === 'kept') await run(name, side, -1);
    for (let round = 0; round < options.runs; round++) {
      for (const [name, side] of sides) if (round < (side.mostRuns ?? options.runs)) await run(name, side, round);
    }
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
  const measured = Object.fromEntries([...samples].map(([name, taken]) => [name, summarize(taken)]));
  return { workload, measured, skipped, failed };
}

/** One run of one side. */
async function runSide(
  workload: Workload,
  given: { readonly name: string; readonly side: Side; readonly base: string; readonly programs: Programs },
): Promise<Sample> {
  const { name, side, base } = given;
  const directory = join(base, side.ownTree || side.role === 'peer' ? `tree-${name}` : 'tree');
  if (!existsSync(directory)) {
    mkdirSync(directory, { recursive: true });
    workload.prepare(directory);
  }
  const home = join(base, `home-${name}`);
  const scratch = join(base, 'scratch');
  for (const folder of [home, scratch]) mkdirSync(folder, { recursive: true });
  const place: Place = { programs: given.programs, directory, project: join(directory, 'project'), home, scratch };
  side.before?.(place);
  try {
    return await runCommand(side.command(place), base);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    if (side.state !== 'kept') rmSync(home, { recursive: true, force: true });
  }
}

/**
 * Runs a program to its end and measures it as a whole.
 * @throws Error with the end of what it said, when it did not end with the exit code wanted.
 */
export async function runCommand(command: Command, directory: string): Promise<Sample> {
  const said = join(directory, 'said.txt');
  const measuredFile = join(directory, 'resources.txt');
  rmSync(measuredFile, { force: true });
  const file = openSync(said, 'w');
  const argv = withPipe(readResources(command.argv, measuredFile), command.stdout ?? 'file');
  const startedNs = process.hrtime.bigint();
  const child = spawn(argv[0]!, argv.slice(1), {
    cwd: command.cwd,
    env: { ...plainEnvironment(), ...command.env },
    stdio: ['ignore', file, file],
  });
  closeSync(file);
  const watching = watchResources(command.stdout === 'pipe' ? undefined : child.pid, measuredFile);
  const code = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode, signal) => resolve(signal ?? String(exitCode)));
  });
  const wall = Number(process.hrtime.bigint() - startedNs) / 1e9;
  const { cpu, rss } = watching.read();
  if (code !== String(command.exitCode ?? 0)) {
    const text = readFileSync(said, 'utf8').trim();
    throw new Error(`ended with ${code}: ${text.length < 800 ? text : `${text.slice(0, 400)} … ${text.slice(-400)}`}`);
  }
  return { wall, cpu, rss };
}

/** A real pipe with a reader, as in `program | less`. */
function withPipe(argv: readonly string[], stdout: 'file' | 'pipe'): readonly string[] {
  return stdout === 'file' ? argv : ['bash', '-c', 'set -o pipefail; "$@" | cat >/dev/null', 'bash', ...argv];
}

/** What a plain user has; nothing that slows every start of Node down. */
function plainEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '', LANG = 'C.UTF-8', TMPDIR, DOCKER_HOST } = process.env;
  return {
    PATH,
    HOME,
    LANG,
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    ...(DOCKER_HOST === undefined ? {} : { DOCKER_HOST }),
    NO_COLOR: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
  };
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
