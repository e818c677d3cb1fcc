import { join } from 'node:path';
import { gitlabCiLocalInPlace, limit, needsOverlays, ours } from '../sides.ts';
import { atMostSeconds, nodeStart, wallOf } from '../targets.ts';
import type { Place, Side, Workload } from '../workload.ts';
import { counted } from './size.ts';
import { prepareWithSource } from './tree.ts';

const pipeline = `install:
  cache:
    key: deps
    paths: [deps/]
  script:
    - test -d deps || cp -a "$SOURCE" deps
`;

const source = ({ directory }: Place) => `SOURCE=${join(directory, 'source')}`;

const run = (isolation: string, extra: Partial<Side> = {}): Side => ({
  ...ours((place) => ['run', '--isolation', isolation, '--var', source(place)], { state: 'kept' }),
  ...extra,
});

/** A cache that is restored, not changed, and would be saved. */
export function cacheWorkload(files: number): Workload {
  return {
    name: `cache-${files}`,
    title: `cache: ${counted(files)} files, restored, unchanged`,
    prepare: (directory) => prepareWithSource(directory, pipeline, { files, bytesEach: 2770 }),
    sides: {
      ours: run('auto'),
      'forced overlay': run('overlay', { skip: needsOverlays }),
      copy: run('copy'),
      start: nodeStart,
      'copy by 2 workers': limit('trees.mjs', ({ directory, scratch }) => ['copy', join(directory, 'source'), scratch]),
      'as a job by 2 workers': limit('job-trees.mjs', ({ directory, scratch }) => [
        'cache',
        join(directory, 'source'),
        scratch,
      ]),
      'stat walk': limit('trees.mjs', ({ directory, scratch }) => ['walk', join(directory, 'source'), scratch]),
      gcl: gitlabCiLocalInPlace((place) => ['--variable', source(place)], { mostRuns: 1, state: 'kept' }),
    },
    targets: [
      atMostSeconds(0.25, { ...wallOf('ours', 'by overlay'), sides: ['ours', 'forced overlay'] }),
      atMostSeconds(1, wallOf('copy', 'by copy')),
    ],
  };
}
