import { graphFiles } from '../graph.ts';
import { makeProject } from '../project.ts';
import { gitlabCiLocalInPlace, ours, wireit } from '../sides.ts';
import { atMostSeconds, nodeStart, wall } from '../targets.ts';
import type { Workload } from '../workload.ts';
import { scheduler } from './jobs.ts';

/** A long job, a short one, and a long one that needs the short one: waves would take twice as long. */
export const skewWorkload: Workload = {
  name: 'skew',
  title: 'skew: a 2 s; b 0.2 s; c 2 s needs b',
  prepare: (directory) =>
    makeProject(
      directory,
      graphFiles([
        { name: 'a', needs: [], script: 'sleep 2' },
        { name: 'b', needs: [], script: 'sleep 0.2' },
        { name: 'c', needs: ['b'], script: 'sleep 2' },
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
      what: 'ours − 2.2 s',
      sides: ['ours'],
      value: (measured) => wall(measured, 'ours') - 2.2,
    }),
  ],
};
