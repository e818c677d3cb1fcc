import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { makeProject } from '../project.ts';
import { gitlabCiLocal, limit, ours } from '../sides.ts';
import { atMostTimes, growsLinearly, memoryGrowsLinearly } from '../targets.ts';
import type { Place, Side, Workload } from '../workload.ts';
import { counted, type Size, sized } from './size.ts';

/** Arguments of `parse-yaml.mjs` for a file of the project. */
export function parseArguments(library: 'yaml' | 'js-yaml', file = '.gitlab-ci.yml') {
  return ({ programs, project }: Place): readonly string[] => {
    const modules = join(library === 'yaml' ? programs.root : programs.peers!, 'node_modules');
    const entry = library === 'yaml' ? 'yaml/dist/index.js' : 'js-yaml/dist/js-yaml.mjs';
    return [library, pathToFileURL(join(modules, entry)).href, join(project, file)];
  };
}

/** A pipeline of jobs with templates, rules, variables and needs. */
export function lintFile(jobs: number): string {
  const templates = Array.from(
    { length: 10 },
    (_, index) =>
      `.base-${index}:\n  image: registry.example.test/tools/base-${index}:1.${index}\n  tags: [linux, small]\n` +
      `  variables:\n    LEVEL: "${index}"\n    MODE: release\n  before_script:\n    - ./prepare.sh ${index}\n` +
      '  retry: 1\n',
  );
  const texts = Array.from({ length: jobs }, (_, index) => {
    const needs = [index - 1, index - 7].filter((at) => at >= 0).map((at) => `job-${at}`);
    return (
      `job-${index}:\n  extends: .base-${index % 10}\n  stage: test\n  variables:\n    INDEX: "${index}"\n` +
      `  needs: [${needs.join(', ')}]\n  rules:\n    - if: $CI_COMMIT_BRANCH == "main" && $INDEX != "x"\n` +
      `    - if: $CI_PIPELINE_SOURCE == "merge_request_event"\n      changes: [src/part-${index}/**/*]\n` +
      `  script:\n    - echo "part ${index}"\n    - ./build.sh --part ${index} --out out/${index}\n`
    );
  });
  return `stages: [build, test, deploy]\n${[...templates, ...texts].join('')}`;
}

/** `ci lint` of so many jobs against a process that only parses. */
export function lintWorkload(jobs: number, gcl: Partial<Side> = {}): Workload {
  return {
    name: `lint-${jobs}`,
    title: `\`ci lint\`, ${counted(jobs)} jobs`,
    ...(jobs > 1000 ? { mostRuns: 3 } : {}),
    prepare: (directory) => makeProject(directory, { '.gitlab-ci.yml': lintFile(jobs) }),
    sides: {
      ours: ours(['lint']),
      yaml: limit('parse-yaml.mjs', parseArguments('yaml')),
      'js-yaml': jsYaml,
      gcl: { ...gitlabCiLocal(['--list'], { mostRuns: 1 }), ...gcl },
    },
    targets: [atMostTimes('ours', 'yaml', 1.6)],
  };
}

const jsYaml: Side = {
  ...limit('parse-yaml.mjs', parseArguments('js-yaml')),
  skip: ({ peers }) => (peers === undefined ? 'no peers' : undefined),
};

/** The same file in three sizes. */
function growth(big: number, small: number): Workload {
  const side = (file: string): Side => ours(['lint', file, '--dialect', 'gitlab']);
  const sides = { big: 'ours', small: 'small', least: 'least', times: big / small };
  return {
    name: 'lint-growth',
    title: `\`ci lint\`, ${counted(big)} jobs against ${counted(small)}`,
    full: true,
    mostRuns: 3,
    prepare: (directory) =>
      makeProject(directory, {
        'big.yml': lintFile(big),
        'small.yml': lintFile(small),
        'least.yml': lintFile(1),
      }),
    sides: {
      ours: side('big.yml'),
      small: side('small.yml'),
      least: side('least.yml'),
      yaml: { ...limit('parse-yaml.mjs', parseArguments('yaml', 'big.yml')), mostRuns: 2 },
    },
    targets: [growsLinearly(sides), memoryGrowsLinearly(sides), atMostTimes('ours', 'yaml', 1.6)],
  };
}

export function lintWorkloads(size: Size): readonly Workload[] {
  return [
    lintWorkload(sized(size, 100, 3)),
    lintWorkload(sized(size, 1000, 4)),
    lintWorkload(sized(size, 5000, 6), { full: true }),
    growth(sized(size, 20_000, 8), sized(size, 5_000, 2)),
  ];
}
