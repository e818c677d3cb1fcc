import { chain, flat, type GraphJob, graphFiles, layers } from '../graph.ts';
import { makeProject } from '../project.ts';
import { gitlabCiLocalInPlace, gitlabCiLocalIsolated, limit, ours, wireit } from '../sides.ts';
import { atMostTimes, timesFaster, wall } from '../targets.ts';
import type { Side, Target, Workload } from '../workload.ts';

/** The bare scheduler on the project's jobs. */
export const scheduler: Side = limit('scheduler.mjs', ({ project }) => [`${project}/jobs.json`, '2']);

/** Jobs that do nothing, two at once, each in a tree of its own. */
export function noopWorkload(
  name: string,
  title: string,
  jobs: readonly GraphJob[],
  extra: { readonly gcl?: Partial<Side>; readonly full?: true; readonly targets?: readonly Target[] } = {},
): Workload {
  const { gcl = {} } = extra;
  return {
    name,
    title,
    ...(extra.full ? { full: true } : {}),
    prepare: (directory) => makeProject(directory, graphFiles(jobs)),
    sides: {
      ours: ours(['run', '-j', '2']),
      scheduler,
      wireit: wireit({ mostRuns: 3 }),
      'gcl-isolated': { ...gitlabCiLocalIsolated([], { mostRuns: 1 }), ...gcl },
      gcl: { ...gitlabCiLocalInPlace([], { mostRuns: 1 }), ...gcl },
    },
    targets: [atMostTimes('ours', 'scheduler', 2), timesFaster('ours', 'wireit', 1), ...(extra.targets ?? [])],
  };
}

const growth: Workload = {
  name: 'jobs-growth',
  title: 'no-op jobs, DAG 10 × 50 against DAG 10 × 10',
  prepare: (directory) => {
    makeProject(`${directory}/small`, graphFiles(layers({ width: 10, depth: 10, fanIn: 2 })));
    makeProject(directory, graphFiles(layers({ width: 10, depth: 50, fanIn: 2 })));
  },
  sides: {
    ours: ours(['run', '-j', '2']),
    small: ours(({ directory }) => ['run', '-j', '2', '-C', `${directory}/small/project`]),
  },
  targets: [
    {
      what: 'ours (500 jobs) / small (100 jobs)',
      unit: '×',
      bound: 6,
      sense: 'at most',
      sides: ['ours', 'small'],
      value: (measured) => wall(measured, 'ours') / wall(measured, 'small'),
    },
  ],
};

/** The four legs of 125 each of the growth list, against as many jobs of the bare scheduler. */
const matrixLegs: Workload = {
  name: 'matrix-500',
  title: 'no-op jobs, 500 matrix legs in 4 jobs',
  prepare: (directory) => {
    const values = Array.from({ length: 125 }, (_, index) => `v${index}`).join(', ');
    const job = (name: string) =>
      `${name}:\n  parallel:\n    matrix:\n      - VALUE: [${values}]\n  script:\n    - 'true'\n`;
    const files = { ...graphFiles(flat(500)), '.gitlab-ci.yml': ['a', 'b', 'c', 'd'].map(job).join('') };
    makeProject(directory, files);
  },
  sides: { ours: ours(['run', '-j', '2']), scheduler },
  targets: [atMostTimes('ours', 'scheduler', 2)],
};

export const jobWorkloads: readonly Workload[] = [
  {
    ...noopWorkload('run-1', '`ci run`, 1 job `true`', flat(1)),
    targets: [atMostTimes('ours', 'scheduler', 3.5)],
  },
  noopWorkload('jobs-flat-100', 'no-op jobs, flat 100', flat(100)),
  noopWorkload('jobs-chain-100', 'no-op jobs, chain 100', chain(100), { gcl: { full: true } }),
  noopWorkload('jobs-dag-100', 'no-op jobs, DAG 10 × 10', layers({ width: 10, depth: 10, fanIn: 2 }), {
    gcl: { full: true },
  }),
  noopWorkload('jobs-dag-500', 'no-op jobs, DAG 10 × 50', layers({ width: 10, depth: 50, fanIn: 2 }), {
    gcl: { full: true },
  }),
  growth,
  noopWorkload(
    'jobs-fan-in-10',
    'no-op jobs, layered DAG 10 wide, 6 deep, fan-in 10',
    layers({ width: 10, depth: 6, fanIn: 10 }),
    { gcl: { full: true } },
  ),
  matrixLegs,
  noopWorkload(
    'jobs-dag-2000',
    'no-op jobs, DAG of 2,000 with fan-in 50',
    layers({ width: 50, depth: 40, fanIn: 50 }),
    { full: true, gcl: { skip: () => 'exponential in the fan-in' } },
  ),
];
