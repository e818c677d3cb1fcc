import { graphFiles } from '../graph.ts';
import { makeProject } from '../project.ts';
import { gitlabCiLocalInPlace, ours, wireit } from '../sides.ts';
import { atMostSeconds, nodeStart, wall } from '../targets.ts';
import type { Workload } from '../workload.ts';
import { scheduler } from './jobs.ts';

/** A long job, a short one, and a long one that needs the short one: waves would take twice as long. */
export function skewWorkload(unit: number): Workload {
  const [long, short] = [2 * unit, 0.2 * unit];
  const ideal = long + short;
  return {
    name: 'skew',
    title: `skew: a ${long} s; b ${short} s; c ${long} s needs b`,
    mostRuns: 3,
    prepare: (directory) =>
      makeProject(
        directory,
        graphFiles([
          { name: 'a', needs: [], script: `sleep ${long}` },
          { name: 'b', needs: [], script: `sleep ${short}` },
          { name: 'c', needs: ['b'], script: `sleep ${long}` },
        ]),
      ),
    sides: {
      ours: ours(['run', '-j', '2']),
      scheduler,
      start: nodeStart,
      wireit: wireit({ mostRuns: 1 }),
      gcl: gitlabCiLocalInPlace([], { mostRuns: 1 }),
    },
    targets: [
      atMostSeconds(0.2, {
        name: `more than ${ideal} s`,
        side: 'ours',
        sides: ['ours'],
        value: (measured) => wall(measured, 'ours') - ideal,
      }),
    ],
  };
}
