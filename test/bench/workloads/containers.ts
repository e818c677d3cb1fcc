import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitAll, makeFiles, makeProject } from '../project.ts';
import { gitlabCiLocal, limit, needsRsync, ours } from '../sides.ts';
import { atMostSeconds, atMostTimes, nodeStart, wall } from '../targets.ts';
import type { Measured, Programs, Side, Workload } from '../workload.ts';
import { counted } from './size.ts';

/** The image that scripts/test-engine.sh makes. */
export const benchImage = 'ci-test/busybox:latest';

const needsEngine = ({ engineSocket }: Programs): string | undefined =>
  engineSocket === undefined ? `no container engine with the image ${benchImage}` : undefined;

const ofRaw = (count: number, concurrency: number) =>
  limit(
    'containers.mjs',
    ({ programs }) => [programs.engineSocket!, benchImage, String(count), String(concurrency), 'default'],
    { skip: needsEngine },
  );

/** How much each further job costs in a repository of so many files, against a container that takes no files. */
export function containersTreeWorkload(files: number): Workload {
  const jobs = ['a', 'b', 'c', 'd', 'e'];
  const job = (name: string) => `${name}:\n  image: ${benchImage}\n  needs: []\n  script:\n    - 'true'\n`;
  const run = (names: readonly string[]): Side => ({
    ...ours(['run', '-j', '1', '-e', 'docker', '--pull', 'never', ...names], { state: 'kept' }),
    skip: needsEngine,
  });
  const growth = (measured: Measured, one: string, five: string) => wall(measured, five) - wall(measured, one);
  return {
    name: `containers-tree-${files}`,
    title: `${counted(files)} tracked files, jobs \`true\` in containers`,
    gigabytes: 1,
    prepare: (directory) => {
      makeFiles(join(directory, 'project'), { files, bytesEach: 2770 });
      writeFileSync(join(directory, 'project/.gitlab-ci.yml'), jobs.map(job).join(''));
      commitAll(join(directory, 'project'));
    },
    sides: {
      ours: run(['a']),
      'ours, 5 jobs': run([]),
      'raw API': ofRaw(1, 1),
      'raw API, 5 jobs': ofRaw(5, 1),
    },
    targets: [
      {
        name: 'each further job',
        side: 'ours, 5 jobs',
        against: 'raw API, 5 jobs',
        unit: '×',
        bound: 1.3,
        sense: 'at most',
        remark: '(5 jobs − 1 job) / 4, warm',
        sides: ['ours', 'ours, 5 jobs', 'raw API', 'raw API, 5 jobs'],
        value: (measured) => growth(measured, 'ours', 'ours, 5 jobs') / growth(measured, 'raw API', 'raw API, 5 jobs'),
      },
    ],
  };
}

/** Jobs `true` in containers, two at once, on the engine's default network. */
export function containersWorkload(count: number): Workload {
  const job = (index: number) => `job-${index}:\n  image: ${benchImage}\n  needs: []\n  script:\n    - 'true'\n`;
  return {
    name: `containers-${count}`,
    title: `${count} × \`true\` in containers, 2 at once`,
    prepare: (directory) =>
      makeProject(directory, { '.gitlab-ci.yml': Array.from({ length: count }, (_, index) => job(index)).join('') }),
    sides: {
      ours: { ...ours(['run', '-j', '2', '-e', 'docker', '--pull', 'never']), skip: needsEngine },
      'raw API': ofRaw(count, 2),
      start: nodeStart,
      'docker run': {
        role: 'peer',
        mostRuns: 3,
        skip: needsEngine,
        command: ({ scratch }) => ({
          argv: ['bash', '-c', `seq ${count} | xargs -P 2 -I{} docker run --rm ${benchImage} true`],
          cwd: scratch,
        }),
      },
      gcl: gitlabCiLocal(['--concurrency', '2', '--pull-policy', 'if-not-present', '--helper-image', benchImage], {
        mostRuns: 1,
        skip: (programs) => needsEngine(programs) ?? needsRsync(programs),
      }),
    },
    targets: [
      atMostTimes('ours', 'raw API', 1.15),
      atMostSeconds((0.6 * count) / 20, {
        name: 'processor time of ours',
        side: 'ours',
        sides: ['ours'],
        value: (measured) => measured['ours']!.cpu.median,
      }),
    ],
  };
}
