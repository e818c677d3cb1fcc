import { flat, graphFiles } from '../graph.ts';
import { makeProject } from '../project.ts';
import { gitlabCiLocal, gitlabCiLocalInPlace, ours } from '../sides.ts';
import { atMostMegabytes, nodeStart } from '../targets.ts';
import type { Workload } from '../workload.ts';

/** What `ci` keeps in memory, with 100 jobs. */
export const memoryWorkload: Workload = {
  name: 'memory',
  title: 'memory of `ci list` and of `ci run`, 100 jobs',
  prepare: (directory) => makeProject(directory, graphFiles(flat(100))),
  sides: {
    ours: ours(['list']),
    run: ours(['run', '-j', '2']),
    start: nodeStart,
    gcl: gitlabCiLocal(['--list'], { mostRuns: 1 }),
    'gcl run': gitlabCiLocalInPlace([], { mostRuns: 1 }),
  },
  targets: [atMostMegabytes('ours', 60), atMostMegabytes('run', 100)],
};
