import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitAll, makeFiles, makeProject } from '../project.ts';
import { gitlabCiLocalInPlace, gitlabCiLocalIsolated, limit, needsOverlays, ours } from '../sides.ts';
import { atMostSeconds, atMostTimes, growsLinearly, memoryGrowsLinearly, nodeStart, wall, wallOf } from '../targets.ts';
import type { Measured, Place, Side, Workload } from '../workload.ts';
import { counted, type Size, sized } from './size.ts';

const jobs = ['a', 'b', 'c', 'd', 'e'];
const pipeline = jobs.map((name) => `${name}:\n  script:\n    - 'true'\n`).join('');
const further = jobs.length - 1;

function changeSomeFiles({ project }: Place): void {
  for (const index of [0, 1, 2, 3, 4]) {
    writeFileSync(join(project, `d0/e0/f${index}.txt`), `changed ${process.hrtime.bigint()}\n`);
  }
}

const trees = (way: string): Side => limit('trees.mjs', ({ project, scratch }) => [way, project, scratch]);

/** The same with all that a run owes a tree. */
const jobTrees = (way: string): Side => limit('job-trees.mjs', ({ project, scratch }) => [way, project, scratch]);

function makeTree(directory: string, files: number): void {
  makeFiles(join(directory, 'project'), { files, bytesEach: 2770 });
  writeFileSync(join(directory, 'project/.gitlab-ci.yml'), pipeline);
  commitAll(join(directory, 'project'));
}

/** What each of four further jobs costs. */
function eachFurther(one: string, five: string, way: string) {
  return {
    name: `each further job by ${way}`,
    side: five,
    remark: '(5 jobs − 1 job) / 4',
    sides: [five, one],
    value: (measured: Measured) => (wall(measured, five) - wall(measured, one)) / further,
  };
}

/** One job that does nothing in a repository of so many files, and how much each further job costs. */
function treeWorkload(files: number): Workload {
  const run = (count: 1 | 5, isolation: string, extra: Partial<Side> = {}): Side => ({
    ...ours(['run', '-j', '1', '--isolation', isolation, ...(count === 1 ? ['a'] : [])], { state: 'kept' }),
    ...extra,
  });
  const byOverlay = eachFurther('warm', 'warm, 5 jobs', 'overlay');
  const byCopy = eachFurther('copy', 'copy, 5 jobs', 'copy');
  const copies = 'copy by 2 workers';
  return {
    name: `tree-${files}`,
    title: `${counted(files)} tracked files, one job \`true\``,
    gigabytes: 3,
    prepare: (directory) => makeTree(directory, files),
    sides: {
      ours: ours(['run', 'a']),
      warm: run(1, 'auto'),
      'warm, 5 jobs': run(5, 'auto'),
      changed: { ...ours(['run', 'a'], { state: 'kept', before: changeSomeFiles }), ownTree: true },
      copy: run(1, 'copy'),
      'copy, 5 jobs': run(5, 'copy'),
      'forced overlay': run(1, 'overlay', { skip: needsOverlays }),
      'forced overlay, 5 jobs': run(5, 'overlay', { skip: needsOverlays }),
      start: nodeStart,
      [copies]: trees('copy'),
      'as a snapshot by 2 workers': jobTrees('snapshot'),
      'as a job by 2 workers': jobTrees('jobs'),
      // Links change the ctime of the user's files, which then count as changed.
      'hard links': { ...trees('hardlink'), ownTree: true },
      'overlay mount': { ...trees('overlay'), skip: needsOverlays },
      'cp -a': {
        role: 'limit',
        mostRuns: 3,
        command: ({ project, scratch }) => ({ argv: ['cp', '-a', project, scratch], cwd: scratch }),
      },
      'gcl isolated': gitlabCiLocalIsolated(['a'], { mostRuns: 1 }),
      'gcl isolated, warm': gitlabCiLocalIsolated(['a'], { mostRuns: 1, state: 'kept' }),
      gcl: gitlabCiLocalInPlace(['a'], { mostRuns: 1 }),
      'gcl warm': gitlabCiLocalInPlace(['a'], { mostRuns: 1, state: 'kept' }),
    },
    targets: [
      atMostTimes('ours', copies, 1.6, { name: 'cold' }),
      atMostSeconds((0.35 * files) / 30_000, wallOf('warm'), { peers: ['gcl warm', 'gcl isolated, warm'] }),
      atMostSeconds((0.8 * files) / 30_000, wallOf('changed')),
      atMostSeconds(0.05, { ...byOverlay, sides: [...byOverlay.sides, 'forced overlay'] }),
      {
        ...byCopy,
        against: copies,
        unit: '×',
        bound: 1.2,
        sense: 'at most',
        sides: [...byCopy.sides, copies],
        value: (measured) => byCopy.value(measured) / wall(measured, copies),
      },
    ],
  };
}

function growth(big: number, small: number): Workload {
  const run = (folder: string, state: 'fresh' | 'kept'): Side =>
    ours(({ directory }) => ['run', 'a', '-C', `${directory}${folder}/project`], { state });
  const times = big / small;
  const [cold, warm] = [
    { big: 'ours', small: 'small', times },
    { big: 'warm', small: 'small, warm', times },
  ];
  return {
    name: 'tree-growth',
    title: `${counted(big)} tracked files against ${counted(small)}, one job \`true\``,
    full: true,
    mostRuns: 2,
    gigabytes: 6,
    prepare: (directory) => {
      makeTree(directory, big);
      makeTree(`${directory}/small`, small);
    },
    sides: {
      ours: run('', 'fresh'),
      small: run('/small', 'fresh'),
      warm: run('', 'kept'),
      'small, warm': run('/small', 'kept'),
      'copy by 2 workers': trees('copy'),
      'as a snapshot by 2 workers': jobTrees('snapshot'),
    },
    targets: [
      growsLinearly(cold, { name: 'growth of time, cold' }),
      growsLinearly(warm, { name: 'growth of time, warm' }),
      memoryGrowsLinearly(cold),
      atMostTimes('ours', 'copy by 2 workers', 1.6, { name: 'cold' }),
    ],
  };
}

export function treeWorkloads(size: Size): readonly Workload[] {
  return [treeWorkload(sized(size, 30_000, 150)), growth(sized(size, 200_000, 200), sized(size, 30_000, 50))];
}

/** A project whose only content is a pipeline, beside a tree of files at `source`. */
export function prepareWithSource(
  directory: string,
  pipelineText: string,
  tree: { readonly files: number; readonly bytesEach: number },
): void {
  makeProject(directory, { '.gitlab-ci.yml': pipelineText });
  makeFiles(join(directory, 'source'), tree);
}
