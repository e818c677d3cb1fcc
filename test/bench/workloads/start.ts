import { makeProject } from '../project.ts';
import { gitlabCiLocal, limit, ours } from '../sides.ts';
import { atMostTimes, nodeStart, timesFaster } from '../targets.ts';
import type { Workload } from '../workload.ts';
import { parseArguments } from './lint.ts';

const fiveJobs = ['build', 'lint', 'unit', 'package', 'publish']
  .map((name) => `${name}:\n  script:\n    - echo ${name}\n`)
  .join('');

const prepare = (directory: string): void => makeProject(directory, { '.gitlab-ci.yml': fiveJobs });

/** What every start costs. */
export const startWorkloads: readonly Workload[] = [
  {
    name: 'version',
    title: '`ci --version`',
    prepare,
    quick: true as const,
    sides: { ours: ours(['--version']), start: nodeStart, gcl: gitlabCiLocal(['--version']) },
    targets: [atMostTimes('ours', 'start', 1.8)],
  },
  ...(['list', 'lint'] as const).map((command) => ({
    name: `${command}-5`,
    title: `\`ci ${command}\`, 5 jobs`,
    prepare,
    quick: true as const,
    sides: {
      ours: ours([command]),
      start: nodeStart,
      yaml: limit('parse-yaml.mjs', parseArguments('yaml')),
      gcl: gitlabCiLocal(['--list']),
    },
    targets: [atMostTimes('ours', 'start', 3.5), timesFaster('ours', 'gcl', 6)],
  })),
];
