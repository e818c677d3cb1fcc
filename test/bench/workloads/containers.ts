import { makeProject } from '../project.ts';
import { gitlabCiLocal, limit, needsRsync, ours } from '../sides.ts';
import { atMostSeconds, atMostTimes, nodeStart } from '../targets.ts';
import type { Programs, Workload } from '../workload.ts';

/** The image that scripts/test-engine.sh makes. */
export const benchImage = 'ci-test/busybox:latest';

const needsEngine = ({ engineSocket }: Programs): string | undefined =>
  engineSocket === undefined ? `no container engine with the image ${benchImage}` : undefined;

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
      'raw API': limit(
        'containers.mjs',
        ({ programs }) => [programs.engineSocket!, benchImage, String(count), '2', 'default'],
        { skip: needsEngine },
      ),
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
      gcl: gitlabCiLocal(['--concurrency', '2', '--pull-policy', 'if-not-present'], {
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
