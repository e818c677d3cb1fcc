import { join } from 'node:path';
import { graphFiles } from '../graph.ts';
import { makeLog, makeProject } from '../project.ts';
import { gitlabCiLocalInPlace, limit, ours, wireit } from '../sides.ts';
import { atMostMegabytes, atMostTimes } from '../targets.ts';
import type { Command, Place, Side, Workload } from '../workload.ts';

const secret = 'glpat-Zx81kQ0pLr';
const script = 'for part in $PARTS; do cat "$LOG"; done';

/** A job that prints lines of 100 bytes into a pipe, kept on disk, with masking on: 100 MB are a million lines. */
export function logWorkload(given: {
  readonly name: string;
  readonly megabytes: number;
  readonly full?: true;
  readonly peers?: true;
}): Workload {
  const { name, megabytes } = given;
  const linesOfFile = Math.min(megabytes, 100) * 10_000;
  const parts = Array.from({ length: Math.ceil(megabytes / 100) }, (_, index) => index).join(' ');
  const variables = ({ directory }: Place) => [`LOG=${join(directory, 'log.txt')}`, `PARTS=${parts}`];
  const environment = (place: Place): Record<string, string> => ({
    LOG: join(place.directory, 'log.txt'),
    PARTS: parts,
    TOKEN: secret,
  });
  const piped = (side: Side): Side => ({
    ...side,
    command: (place) => withPipe(side.command(place), environment(place)),
  });
  const bare = (mode: string) => piped(limit('log.mjs', ({ scratch }) => [mode, script, join(scratch, 'job.log')]));
  const peers = {
    readline: { ...bare('readline'), mostRuns: 1 },
    wireit: piped(wireit({ mostRuns: 3 })),
    gcl: piped(
      gitlabCiLocalInPlace([], {
        mostRuns: 1,
      }),
    ),
  };
  return {
    name,
    title: `log of ${megabytes.toLocaleString('en')} MB in ${(megabytes / 100).toLocaleString('en')} M lines into a pipe`,
    ...(given.full ? { full: true } : {}),
    prepare: (directory) => {
      makeProject(directory, graphFiles([{ name: 'logger', needs: [], script }]));
      makeLog(join(directory, 'log.txt'), { lines: linesOfFile, secret });
    },
    sides: {
      ours: piped(
        ours((place) => ['run', '--secret', 'TOKEN', ...variables(place).flatMap((text) => ['--var', text])]),
      ),
      chunk: bare('chunk'),
      ...(given.peers ? peers : {}),
    },
    targets: [atMostTimes('ours', 'chunk', 1.5), atMostMegabytes('ours', 90)],
  };
}

function withPipe(command: Command, env: Readonly<Record<string, string>>): Command {
  return { ...command, stdout: 'pipe', env: { ...command.env, ...env } };
}

export const logWorkloads: readonly Workload[] = [
  logWorkload({ name: 'log-100', megabytes: 100, peers: true }),
  logWorkload({ name: 'log-1000', megabytes: 1000 }),
  logWorkload({ name: 'log-10000', megabytes: 10_000, full: true }),
];
