const base = 'jobs: { build: { docker: [{ image: a }], steps: [checkout] } }\n';
const build = '{ docker: [{ image: a }], steps: [checkout] }';
const head = 'version: 2.1\n';

function inJobs(body: string): string {
  return `${head}jobs:\n  build: ${body}\n`;
}

/** What stands around the text of a row, by its place: the text takes the place of `%`. */
export const surroundings = {
  file: '%\n',
  display: `${head}display: %\n`,
  example: `${head}examples: { one: % }\n`,
  parameter: `${head}parameters: { p: % }\n${base}`,
  orb: `${head}orbs: { o: % }\n${base}`,
  command: `${head}commands: { c: % }\njobs: { build: { docker: [{ image: a }], steps: [c] } }\n`,
  executor: `${head}executors: { e: % }\njobs: { build: { executor: e, steps: [checkout] } }\n`,
  job: inJobs('%'),
  container: inJobs('{ docker: [%], steps: [checkout] }'),
  machine: inJobs('{ machine: %, steps: [checkout] }'),
  macos: inJobs('{ macos: %, steps: [checkout] }'),
  retention: inJobs('{ docker: [{ image: a }], steps: [checkout], retention: % }'),
  step: inJobs('{ docker: [{ image: a }], steps: [%] }'),
  workflow: `${head}${base}workflows: { main: % }\n`,
  trigger: `${head}${base}workflows: { main: { jobs: [build], triggers: [%] } }\n`,
  schedule: `${head}${base}workflows: { main: { jobs: [build], triggers: [{ schedule: % }] } }\n`,
  invocation: `${head}jobs: { build: ${build}, other: ${build} }\nworkflows: { main: { jobs: [other, build: %] } }\n`,
  matrix: `${head}jobs:\n  build: { parameters: { a: { type: string }, b: { type: string, default: x } }, docker: [{ image: a }], steps: [checkout] }\nworkflows: { main: { jobs: [build: { matrix: % }] } }\n`,
  filters: `${head}${base}workflows: { main: { jobs: [build: { filters: % }] } }\n`,
  filter: `${head}${base}workflows: { main: { jobs: [build: { filters: { branches: % } }] } }\n`,
  group: `${head}${base}job-groups: { g: % }\nworkflows: { main: { jobs: [g] } }\n`,
  'parameter type': `${head}commands: { c: { parameters: { p: { type: % } }, steps: [checkout] } }\n${base}`,
  condition: `${head}${base}workflows: { main: { when: %, jobs: [build] } }\n`,
  tag: `${head}parameters: { on: { type: boolean, default: true } }\njobs:\n  build: { parameters: { label: { type: string, default: x }, no: { type: boolean, default: false }, version: { type: string, default: y } }, docker: [{ image: a }], steps: [run: %] }\n`,
} as const;
