import { makeProject } from '../project.ts';
import { gitlabCiLocal, ours } from '../sides.ts';
import { atMostSeconds, growsLinearly, memoryGrowsLinearly, nodeStart, wallOf } from '../targets.ts';
import type { Side, Workload } from '../workload.ts';
import { counted, type Size, sized } from './size.ts';

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

function growth(big: number, small: number): Workload {
  const side = (file: string): Side => ours(['lint', file, '--dialect', 'gitlab'], { env: raised });
  const sides = { big: 'ours', small: 'small', least: 'least', times: big / small };
  return {
    name: 'includes-growth',
    title: `\`ci lint\`, ${counted(big)} included files against ${counted(small)}`,
    prepare: (directory) =>
      makeProject(directory, { ...wide('big', big), ...wide('small', small), ...wide('least', 1) }),
    sides: { ours: side('big.yml'), small: side('small.yml'), least: side('least.yml') },
    targets: [growsLinearly(sides), memoryGrowsLinearly(sides)],
  };
}

export function includeWorkloads(size: Size): readonly Workload[] {
  const depth = sized(size, 50, 3);
  return [
    {
      name: `includes-nested-${depth}`,
      quick: true,
      title: `\`ci lint\`, includes nested ${depth} deep`,
      prepare: (directory) => makeProject(directory, nested(depth)),
      sides: { ours: ours(['lint']), start: nodeStart, gcl: gitlabCiLocal(['--list']) },
      targets: [atMostSeconds(0.25, wallOf('ours', 'time'))],
    },
    growth(sized(size, 1000, 8), sized(size, 250, 2)),
  ];
}
