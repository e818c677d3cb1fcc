/** A job that does nothing, and what it needs. */
export interface GraphJob {
  readonly name: string;
  readonly needs: readonly string[];
  /** Default: `true`. */
  readonly script?: string;
}

/** Jobs without needs. */
export function flat(count: number): readonly GraphJob[] {
  return Array.from({ length: count }, (_, index) => ({ name: `job-${index}`, needs: [] }));
}

/** Jobs one after the other. */
export function chain(count: number): readonly GraphJob[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `job-${index}`,
    needs: index === 0 ? [] : [`job-${index - 1}`],
  }));
}

/** Layers of `width` jobs; each job needs `fanIn` of the layer before. */
export function layers(given: {
  readonly width: number;
  readonly depth: number;
  readonly fanIn: number;
}): readonly GraphJob[] {
  const { width, depth, fanIn } = given;
  const name = (layer: number, at: number) => `job-${layer}-${at % width}`;
  return Array.from({ length: width * depth }, (_, index) => {
    const layer = Math.floor(index / width);
    const at = index % width;
    const needs = layer === 0 ? [] : Array.from({ length: fanIn }, (_, step) => name(layer - 1, at + step));
    return { name: name(layer, at), needs };
  });
}

/** The three languages that the jobs are written in, as files of a project. */
export function graphFiles(jobs: readonly GraphJob[]): Readonly<Record<string, string>> {
  return {
    '.gitlab-ci.yml': gitlabText(jobs),
    'package.json': wireitText(jobs),
    'jobs.json': JSON.stringify(jobs.map(({ name, needs, script = 'true' }) => ({ name, needs, script }))),
    '.gitignore': '.wireit\n.gitlab-ci-local\n',
  };
}

function gitlabText(jobs: readonly GraphJob[]): string {
  const texts = jobs.map(
    ({ name, needs, script = 'true' }) => `${name}:\n  needs: [${needs.join(', ')}]\n  script:\n    - '${script}'\n`,
  );
  return `stages: [test]\n${texts.join('')}`;
}

function wireitText(jobs: readonly GraphJob[]): string {
  const scripts = ['all', ...jobs.map(({ name }) => name)].map((name) => [name, 'wireit']);
  const entries = jobs.map(({ name, needs, script = 'true' }) => [name, { command: script, dependencies: needs }]);
  const all = ['all', { dependencies: jobs.map(({ name }) => name) }];
  return JSON.stringify({ scripts: Object.fromEntries(scripts), wireit: Object.fromEntries([all, ...entries]) });
}
