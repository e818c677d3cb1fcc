import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { makeProject } from '../project.ts';
import { gitlabCiLocal, limit, ours } from '../sides.ts';
import { atMostTimes, wall } from '../targets.ts';
import type { Place, Side, Target, Workload } from '../workload.ts';

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
    title: `\`ci lint\`, ${jobs.toLocaleString('en')} jobs`,
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

/**
 * What is left of two times without the start is to grow no faster than the work did, with a quarter to spare.
 * The workload has the sides named, and `least` as the start.
 */
export function grows(big: string, small: string, factor: number): Target {
  return {
    what: `(${big} − least) / (${small} − least), work × ${factor}`,
    unit: '×',
    bound: factor * 1.25,
    sense: 'at most',
    sides: [big, small, 'least'],
    value: (measured) =>
      (wall(measured, big) - wall(measured, 'least')) / (wall(measured, small) - wall(measured, 'least')),
  };
}

const growth: Workload = {
  name: 'lint-growth',
  title: '`ci lint`, 20,000 jobs against 5,000',
  full: true,
  prepare: (directory) =>
    makeProject(directory, { 'big.yml': lintFile(20_000), 'small.yml': lintFile(5_000), 'least.yml': lintFile(1) }),
  sides: {
    ours: ours(['lint', 'big.yml', '--dialect', 'gitlab']),
    small: ours(['lint', 'small.yml', '--dialect', 'gitlab']),
    least: ours(['lint', 'least.yml', '--dialect', 'gitlab']),
    yaml: limit('parse-yaml.mjs', parseArguments('yaml', 'big.yml')),
  },
  targets: [grows('ours', 'small', 4), atMostTimes('ours', 'yaml', 1.6)],
};

export const lintWorkloads: readonly Workload[] = [
  lintWorkload(100),
  lintWorkload(1000),
  lintWorkload(5000, { full: true }),
  growth,
];
