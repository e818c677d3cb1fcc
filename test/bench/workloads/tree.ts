import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitAll, makeFiles, makeProject } from '../project.ts';
import { gitlabCiLocalInPlace, gitlabCiLocalIsolated, limit, needsOverlay, needsRoot, ours } from '../sides.ts';
import { atMostSeconds, atMostTimes, nodeStart, wall, wallOf } from '../targets.ts';
import type { Place, Side, Workload } from '../workload.ts';

const jobs = ['a', 'b', 'c', 'd', 'e'];
const pipeline = jobs.map((name) => `${name}:\n  script:\n    - 'true'\n`).join('');
const further = jobs.length - 1;

function changeSomeFiles({ project }: Place): void {
  for (const index of [0, 1, 2, 3, 4]) {
    writeFileSync(join(project, `d0/e0/f${index}.txt`), `changed ${process.hrtime.bigint()}\n`);
  }
}

const trees = (way: string, times = 1): Side =>
  limit('trees.mjs', ({ project, scratch }) => [way, project, scratch, String(times)]);

/** One job that does nothing in a repository of so many files, and how much each further job costs. */
export function treeWorkload(given: { readonly files: number; readonly full?: true }): Workload {
  const { files } = given;
  const run = (count: 1 | 5, isolation: string, extra: Partial<Side> = {}): Side => ({
    ...ours(['run', '-j', '1', '--isolation', isolation, ...(count === 1 ? ['a'] : [])], { state: 'kept' }),
    ...extra,
  });
  const eachFurther = (way: string) => ({
    what: `each further job by ${way}, (5 jobs − 1 job) / 4`,
    sides: [`${way}-5`, `${way}-1`],
    value: (measured: Parameters<typeof wall>[0]) =>
      (wall(measured, `${way}-5`) - wall(measured, `${way}-1`)) / further,
  });
  return {
    name: `tree-${files}`,
    title: `${files.toLocaleString('en')} tracked files, one job \`true\``,
    ...(given.full ? { full: true } : {}),
    prepare: (directory) => {
      makeFiles(join(directory, 'project'), { files, bytesEach: 2770 });
      writeFileSync(join(directory, 'project/.gitlab-ci.yml'), pipeline);
      commitAll(join(directory, 'project'));
    },
    sides: {
      ours: ours(['run', 'a']),
      warm: ours(['run', 'a'], { state: 'kept' }),
      changed: { ...ours(['run', 'a'], { state: 'kept', before: changeSomeFiles }), ownTree: true },
      'copy-1': run(1, 'copy'),
      'copy-5': run(5, 'copy'),
      'overlay-1': run(1, 'overlay', { skip: needsOverlay }),
      'overlay-5': run(5, 'overlay', { skip: needsOverlay }),
      start: nodeStart,
      'copy by 2 workers': trees('copy'),
      'hard links': trees('hardlink'),
      'overlay mount': { ...trees('overlay'), skip: needsRoot },
      'cp -a': {
        role: 'limit',
        mostRuns: 3,
        command: ({ project, scratch }) => ({ argv: ['cp', '-a', project, scratch], cwd: scratch }),
      },
      'gcl-isolated': gitlabCiLocalIsolated(['a'], { mostRuns: 1 }),
      gcl: gitlabCiLocalInPlace(['a'], { mostRuns: 1 }),
      'gcl warm': gitlabCiLocalInPlace(['a'], { mostRuns: 1, state: 'kept' }),
    },
    targets: [
      atMostTimes('ours', 'copy by 2 workers', 1.6),
      atMostSeconds((0.35 * files) / 30_000, wallOf('warm')),
      atMostSeconds((0.8 * files) / 30_000, wallOf('changed')),
      atMostSeconds(0.05, eachFurther('overlay')),
      {
        ...eachFurther('copy'),
        what: `${eachFurther('copy').what}, / copy by 2 workers`,
        unit: '×',
        bound: 1.2,
        sense: 'at most',
        sides: [...eachFurther('copy').sides, 'copy by 2 workers'],
        value: (measured) => eachFurther('copy').value(measured) / wall(measured, 'copy by 2 workers'),
      },
    ],
  };
}

export const treeWorkloads: readonly Workload[] = [
  treeWorkload({ files: 30_000 }),
  treeWorkload({ files: 200_000, full: true }),
];

/** A project whose only content is a pipeline, beside a tree of files at `source`. */
export function prepareWithSource(
  directory: string,
  pipelineText: string,
  tree: { readonly files: number; readonly bytesEach: number },
): void {
  makeProject(directory, { '.gitlab-ci.yml': pipelineText });
  makeFiles(join(directory, 'source'), tree);
}
