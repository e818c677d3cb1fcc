import { flat, graphFiles } from '../graph.ts';
import { makeProject } from '../project.ts';
import { gitlabCiLocal, gitlabCiLocalInPlace, ours } from '../sides.ts';
import { atMostMegabytes, nodeStart } from '../targets.ts';
import type { Workload } from '../workload.ts';

/** What `ci` keeps in memory. */
export function memoryWorkload(jobs: number): Workload {
  return {
    name: 'memory',
    title: `memory of \`ci list\` and of \`ci run\`, ${jobs} jobs`,
    prepare: (directory) => makeProject(directory, graphFiles(flat(jobs))),
    sides: {
      list: ours(['list']),
      run: ours(['run', '-j', '2']),
      start: nodeStart,
      gcl: gitlabCiLocal(['--list'], { mostRuns: 1 }),
      'gcl run': gitlabCiLocalInPlace([], { mostRuns: 1 }),
    },
    targets: [atMostMegabytes('list', 60), atMostMegabytes('run', 100, { peers: ['gcl run'] })],
  };
}
