import { join } from 'node:path';
import { graphFiles } from '../graph.ts';
import { makeLog, makeProject } from '../project.ts';
import { gitlabCiLocalInPlace, limit, ours, wireit } from '../sides.ts';
import { atMostMegabytes, atMostTimes, growsLinearly, memoryIsFlat } from '../targets.ts';
import type { Place, Side, Workload } from '../workload.ts';
import { counted, type Size, sized } from './size.ts';

const secret = 'glpat-Zx81kQ0pLr';
const script = 'for part in $PARTS; do cat "$LOG"; done';

/** A log: a file of lines of 100 bytes, printed again and again. */
interface Log {
  readonly fileMegabytes: number;
  readonly times: number;
}

function logOf(megabytes: number, fileMegabytes = Math.min(megabytes, 100)): Log {
  return { fileMegabytes, times: megabytes / fileMegabytes };
}

function titleOf({ fileMegabytes, times }: Log): string {
  const megabytes = fileMegabytes * times;
  return `log of ${counted(megabytes)} MB in ${counted(megabytes / 100)} M lines into a pipe`;
}

function prepare(directory: string, { fileMegabytes }: Log): void {
  makeProject(directory, graphFiles([{ name: 'logger', needs: [], script }]));
  makeLog(join(directory, 'log.txt'), { lines: fileMegabytes * 10_000, secret });
}

function environment({ directory }: Place, { times }: Log): Record<string, string> {
  const parts = Array.from({ length: times }, (_, index) => index).join(' ');
  return { LOG: join(directory, 'log.txt'), PARTS: parts, TOKEN: secret };
}

/** A side whose output goes through a pipe, with the job's variables in its environment. */
function piped(side: Side, log: Log): Side {
  return {
    ...side,
    command: (place) => {
      const command = side.command(place);
      return { ...command, stdout: 'pipe', env: { ...command.env, ...environment(place, log) } };
    },
  };
}

/** With masking on. */
function ourRun(log: Log): Side {
  const run = ours((place) => {
    const { LOG, PARTS } = environment(place, log);
    return ['run', '--secret', 'TOKEN', '--var', `LOG=${LOG}`, '--var', `PARTS=${PARTS}`];
  });
  return piped(run, log);
}

function bare(mode: 'chunk' | 'readline', log: Log): Side {
  return piped(
    limit('log.mjs', ({ scratch }) => [mode, script, join(scratch, 'job.log')]),
    log,
  );
}

/** A job that prints into a pipe, kept on disk. */
function logWorkload(megabytes: number): Workload {
  const log = logOf(megabytes);
  return {
    name: `log-${megabytes}`,
    title: titleOf(log),
    prepare: (directory) => prepare(directory, log),
    sides: {
      ours: ourRun(log),
      chunk: bare('chunk', log),
      readline: { ...bare('readline', log), mostRuns: 1 },
      wireit: piped(wireit({ mostRuns: 3 }), log),
      gcl: piped(gitlabCiLocalInPlace([], { mostRuns: 1 }), log),
    },
    targets: [atMostTimes('ours', 'chunk', 1.5), atMostMegabytes('ours', 90)],
  };
}

function growth(megabytes: number, smaller: number, extra: Partial<Workload>): Workload {
  const small = logOf(smaller);
  const big = logOf(megabytes, small.fileMegabytes);
  const sides = { big: 'ours', small: 'small', times: megabytes / smaller };
  return {
    name: `log-${megabytes}`,
    title: `${titleOf(big)}, against ${counted(smaller)} MB`,
    prepare: (directory) => prepare(directory, small),
    sides: { ours: ourRun(big), small: ourRun(small), chunk: bare('chunk', big) },
    targets: [
      atMostTimes('ours', 'chunk', 1.5),
      growsLinearly(sides),
      atMostMegabytes('ours', 90),
      memoryIsFlat(sides),
    ],
    ...extra,
  };
}

export function logWorkloads(size: Size): readonly Workload[] {
  const [first, second, third] = sized(size, [100, 1000, 10_000], [1, 2, 4]);
  return [
    logWorkload(first),
    growth(second, first, { mostRuns: 3, gigabytes: 3 }),
    growth(third, second, { mostRuns: 1, gigabytes: 12, full: true }),
  ];
}
