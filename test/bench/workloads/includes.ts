import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeProject } from '../project.ts';
import { gitlabCiLocal, ours } from '../sides.ts';
import { atMostSeconds, nodeStart, wallOf } from '../targets.ts';
import type { Programs, Workload } from '../workload.ts';
import { grows } from './lint.ts';

function nested(depth: number): Record<string, string> {
  const include = (index: number) => (index < depth ? `include: inc/${index + 1}.yml\n` : '');
  const files: Record<string, string> = { '.gitlab-ci.yml': `${include(0)}job-0:\n  script: [echo 0]\n` };
  for (let index = 1; index <= depth; index++) {
    files[`inc/${index}.yml`] = `${include(index)}job-${index}:\n  script: [echo ${index}]\n`;
  }
  return files;
}

function wide(name: string, count: number): Record<string, string> {
  const files: Record<string, string> = {};
  const lines: string[] = [];
  for (let index = 0; index < count; index++) {
    lines.push(`  - /${name}/${index}.yml\n`);
    files[`${name}/${index}.yml`] = `${name}-${index}:\n  script: [echo ${index}]\n`;
  }
  files[`${name}.yml`] = `include:\n${lines.join('')}main:\n  script: [echo main]\n`;
  return files;
}

/** The setting that raises GitLab's own limit of 150. */
const raised = { CI_CLI_MAX_INCLUDES: '2000' };

const needsSetting = ({ root }: Programs): string | undefined =>
  readFileSync(join(root, 'docs/command-line.md'), 'utf8').includes('max-includes')
    ? undefined
    : 'no setting allows more than 150 includes';

export const includeWorkloads: readonly Workload[] = [
  {
    name: 'includes-nested-50',
    title: '`ci lint`, includes nested 50 deep',
    prepare: (directory) => makeProject(directory, nested(50)),
    sides: { ours: ours(['lint']), start: nodeStart, gcl: gitlabCiLocal(['--list']) },
    targets: [atMostSeconds(0.25, wallOf('ours'))],
  },
  {
    name: 'includes-1000',
    title: '`ci lint`, 1,000 included files against 100',
    prepare: (directory) =>
      makeProject(directory, { ...wide('big', 1000), ...wide('small', 100), ...wide('least', 1) }),
    sides: {
      ours: ours(['lint', 'big.yml', '--dialect', 'gitlab'], { env: raised, skip: needsSetting }),
      small: ours(['lint', 'small.yml', '--dialect', 'gitlab'], { env: raised, skip: needsSetting }),
      least: ours(['lint', 'least.yml', '--dialect', 'gitlab'], { env: raised, skip: needsSetting }),
    },
    targets: [grows('ours', 'small', 10)],
  },
];
