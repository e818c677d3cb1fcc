import { chain, flat, type GraphJob, graphFiles, layers } from '../graph.ts';
import { makeProject } from '../project.ts';
import { gitlabCiLocalInPlace, gitlabCiLocalIsolated, limit, ours, wireit } from '../sides.ts';
import { atMostTimes, growsLinearly, memoryGrowsLinearly, timesFaster } from '../targets.ts';
import type { Side, Target, Workload } from '../workload.ts';
import { counted, type Size, sized } from './size.ts';

/** The bare scheduler on the project's jobs. */
export const scheduler: Side = limit('scheduler.mjs', ({ project }) => [`${project}/jobs.json`, '2']);

/** The same, with a copy of the tree, a log and events for each job. */
const isolatedScheduler: Side = limit('scheduler.mjs', ({ project, scratch }) => [
  `${project}/jobs.json`,
  '2',
  `${scratch}/jobs`,
]);

/** That one too, with the shell started as a job's has to be: variables, standard input, a session of its own. */
const jobScheduler: Side = limit('scheduler.mjs', ({ project, scratch }) => [
  `${project}/jobs.json`,
  '2',
  `${scratch}/jobs`,
  'as-jobs',
]);

/** Jobs that do nothing, two at once, each in a tree of its own. */
export function noopWorkload(
  name: string,
  title: string,
  jobs: readonly GraphJob[],
  extra: { readonly gcl?: Partial<Side>; readonly gclIsolated?: Partial<Side>; readonly mostRuns?: number } = {},
): Workload {
  const { gcl = {}, gclIsolated = gcl, ...rest } = extra;
  return {
    name,
    title,
    ...rest,
    prepare: (directory) => makeProject(directory, graphFiles(jobs)),
    sides: {
      ours: ours(['run', '-j', '2']),
      scheduler,
      'scheduler, isolated': isolatedScheduler,
      'scheduler, as jobs': jobScheduler,
      wireit: wireit({ mostRuns: 3 }),
      'gcl isolated': { ...gitlabCiLocalIsolated([], { mostRuns: 1 }), ...gclIsolated },
      gcl: { ...gitlabCiLocalInPlace([], { mostRuns: 1 }), ...gcl },
    },
    targets: [atMostTimes('ours', 'scheduler', 2), timesFaster('ours', 'wireit', 1)],
  };
}

/** The same shape in two sizes, and a run of one job. */
function growth(given: {
  readonly name: string;
  readonly title: string;
  readonly big: Readonly<Record<string, string>>;
  readonly small: Readonly<Record<string, string>>;
  readonly targets: readonly Target[];
  readonly full?: true;
  readonly mostRuns?: number;
}): Workload {
  const { big, small, ...rest } = given;
  const run = (folder: string): Side =>
    ours(({ directory }) => ['run', '-j', '2', '-C', `${directory}${folder}/project`]);
  return {
    ...rest,
    prepare: (directory) => {
      makeProject(directory, big);
      makeProject(`${directory}/small`, small);
      makeProject(`${directory}/least`, graphFiles(flat(1)));
    },
    sides: { ours: run(''), small: run('/small'), least: run('/least'), scheduler, 'scheduler, as jobs': jobScheduler },
  };
}

function layersGrowth(size: Size): Workload {
  const [big, small] = sized(size, [50, 10], [4, 2]);
  const files = (depth: number) => graphFiles(layers({ width: sized(size, 10, 2), depth, fanIn: 2 }));
  return growth({
    name: 'jobs-growth',
    title: `no-op jobs, DAG 10 × ${big} against DAG 10 × ${small}`,
    mostRuns: 3,
    big: files(big),
    small: files(small),
    targets: [{ ...atMostTimes('ours', 'small', 6), name: 'growth of time', remark: 'work × 5' }],
  });
}

/** Every job needs all of the layer before. */
function fanInGrowth(size: Size): Workload {
  const [width, big, small] = sized(size, [50, 40, 10], [3, 4, 2]);
  const files = (depth: number) => graphFiles(layers({ width, depth, fanIn: width }));
  const sides = { big: 'ours', small: 'small', least: 'least', times: big / small };
  return growth({
    name: 'fan-in-growth',
    title: `no-op jobs, DAG of ${counted(width * big)} with fan-in ${width} against ${counted(width * small)}`,
    full: true,
    mostRuns: 2,
    big: files(big),
    small: files(small),
    targets: [growsLinearly(sides), memoryGrowsLinearly(sides), atMostTimes('ours', 'scheduler', 2)],
  });
}

/** Matrix legs, in four jobs because GitLab allows 200 legs a job. */
function matrixGrowth(size: Size): Workload {
  const files = (legs: number): Readonly<Record<string, string>> => {
    const values = Array.from({ length: legs / 4 }, (_, index) => `v${index}`).join(', ');
    const job = (name: string) =>
      `${name}:\n  parallel:\n    matrix:\n      - VALUE: [${values}]\n  script:\n    - 'true'\n`;
    return { ...graphFiles(flat(legs)), '.gitlab-ci.yml': ['a', 'b', 'c', 'd'].map(job).join('') };
  };
  const [big, small] = sized(size, [500, 100], [16, 8]);
  const sides = { big: 'ours', small: 'small', least: 'least', times: big / small };
  return growth({
    name: 'matrix-growth',
    title: `no-op jobs, ${big} matrix legs in 4 jobs against ${small}`,
    mostRuns: 3,
    big: files(big),
    small: files(small),
    targets: [growsLinearly(sides), memoryGrowsLinearly(sides), atMostTimes('ours', 'scheduler', 2)],
  });
}

export function jobWorkloads(size: Size): readonly Workload[] {
  const [hundred, ten, fifty] = sized(size, [100, 10, 50], [4, 2, 3]);
  const fanIn = sized(size, { width: 10, depth: 6, fanIn: 10 }, { width: 3, depth: 2, fanIn: 3 });
  return [
    {
      ...noopWorkload('run-1', '`ci run`, 1 job `true`', flat(1)),
      quick: true,
      targets: [atMostTimes('ours', 'scheduler', 3.5)],
    },
    noopWorkload(`jobs-flat-${hundred}`, `no-op jobs, flat ${hundred}`, flat(hundred)),
    noopWorkload(`jobs-chain-${hundred}`, `no-op jobs, chain ${hundred}`, chain(hundred), { gcl: { full: true } }),
    noopWorkload(
      `jobs-dag-${ten * ten}`,
      `no-op jobs, DAG ${ten} × ${ten}`,
      layers({ width: ten, depth: ten, fanIn: 2 }),
      {
        gcl: { full: true },
      },
    ),
    noopWorkload(
      `jobs-dag-${ten * fifty}`,
      `no-op jobs, DAG ${ten} × ${fifty}`,
      layers({ width: ten, depth: fifty, fanIn: 2 }),
      { gcl: { full: true }, mostRuns: 3 },
    ),
    layersGrowth(size),
    noopWorkload(
      'jobs-fan-in',
      `no-op jobs, layered DAG ${fanIn.width} wide, ${fanIn.depth} deep, fan-in ${fanIn.fanIn}`,
      layers(fanIn),
      { gcl: { full: true }, gclIsolated: { skip: () => 'it takes still longer than gcl in place' } },
    ),
    matrixGrowth(size),
    fanInGrowth(size),
  ];
}
