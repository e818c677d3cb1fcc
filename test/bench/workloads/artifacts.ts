import { join } from 'node:path';
import { gitlabCiLocalIsolated, limit, needsOverlays, ours } from '../sides.ts';
import { atMostSeconds, atMostTimes, nodeStart, wallOf } from '../targets.ts';
import type { Side, Workload } from '../workload.ts';
import { counted } from './size.ts';
import { prepareWithSource } from './tree.ts';

const consumers = 4;
const pipeline = `stages: [make, use]
make:
  stage: make
  script:
    - cp -a "$SOURCE" out
  artifacts:
    paths: [out/]
${Array.from(
  { length: consumers },
  (_, index) => `use-${index}:
  stage: use
  needs: [make]
  script:
    - test -f out/d0/e0/f0.txt
`,
).join('')}`;

const run = (isolation: string, extra: Partial<Side> = {}): Side => ({
  ...ours(({ directory }) => ['run', '--isolation', isolation, '--var', `SOURCE=${join(directory, 'source')}`]),
  ...extra,
});

/** What one job makes and four others get. */
export function artifactsWorkload(files: number): Workload {
  return {
    name: `artifacts-${files}`,
    title: `artifacts: ${counted(files)} files, ${files / 100} MB, 1 producer, ${consumers} consumers`,
    prepare: (directory) => prepareWithSource(directory, pipeline, { files, bytesEach: 10_000 }),
    sides: {
      ours: run('auto'),
      'forced overlay': run('overlay', { skip: needsOverlays }),
      copy: run('copy'),
      start: nodeStart,
      '5 copies by 2 workers': limit('trees.mjs', ({ directory, scratch }) => [
        'copy',
        join(directory, 'source'),
        scratch,
        String(1 + consumers),
      ]),
      'as jobs by 2 workers': limit('job-trees.mjs', ({ directory, scratch }) => [
        'artifacts',
        join(directory, 'source'),
        scratch,
        String(consumers),
      ]),
      'copy and 4 overlays': {
        role: 'limit',
        skip: needsOverlays,
        command: ({ programs, directory, scratch }) => ({
          argv: [
            'bash',
            '-c',
            `cp -a "$1" made && exec "$2" "$3" overlay made layers ${consumers}`,
            'bash',
            join(directory, 'source'),
            programs.node,
            join(programs.limits, 'trees.mjs'),
          ],
          cwd: scratch,
        }),
      },
      'gcl isolated': gitlabCiLocalIsolated(({ directory }) => ['--variable', `SOURCE=${join(directory, 'source')}`], {
        mostRuns: 1,
      }),
    },
    targets: [
      atMostSeconds(0.9, {
        ...wallOf('ours', 'by overlay'),
        sides: ['ours', 'forced overlay'],
      }),
      atMostTimes('copy', '5 copies by 2 workers', 1.4, { name: 'by copy' }),
    ],
  };
}
