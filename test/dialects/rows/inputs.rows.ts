import { expect } from 'vitest';
import type { FileLoader } from '../../../src/model/ports.ts';
import type { Row } from './row-cases.ts';

/** A file whose header declares one input `x`, which is the value of a variable. */
function withInput(declaration: string, value = '$[[ inputs.x ]]'): string {
  return `spec:\n  inputs:\n    x: ${declaration}\n---\nbuild:\n  variables:\n    X: ${value}\n  script: [make]\n`;
}

/** What the variable of that file is. */
function becomes(value: string): { readonly jobs: object & Readonly<Record<string, object>> } {
  return { jobs: { build: { variables: [{ name: 'X', value }] } } };
}

/** The line that `x` stands in. */
const declared = 3;

const component = 'gitlab.example.org/group/tool/build@1.2';
const componentFile = 'group/tool@1.2.3:templates/build.yml';

/** The file of a component at version 1.2.3. */
function componentLoader(text: string): FileLoader {
  const facts = { name: 'build', sha: 'a'.repeat(40), version: '1.2.3', reference: '1.2' };
  const origin = { kind: 'project', project: 'group/tool', ref: '1.2.3', component: facts } as const;
  return {
    local: async () => ({ value: [], diagnostics: [] }),
    foreign: async () => ({ value: { path: componentFile, text, origin }, diagnostics: [] }),
  };
}

const header: readonly Row[] = [
  {
    row: 'header/spec',
    passes: [{ text: 'spec: {}\n---\nbuild: { script: [make] }\n', ids: ['build'] }],
    refuses: [
      { text: 'spec: {}\nbuild: { script: [make] }\n', code: 'gitlab/header', line: 2 },
      { text: 'spec: { input: {} }\n---\nbuild: { script: [make] }\n', code: 'schema/unknown-key', line: 1 },
    ],
  },
  {
    row: 'header/spec:inputs',
    passes: [{ text: withInput(''), inputs: { x: 'given' }, ...becomes('given') }],
    refuses: [
      { text: withInput(''), code: 'gitlab/input-missing', line: declared },
      { text: withInput('text'), code: 'schema/wrong-type', line: declared },
    ],
  },
  {
    row: 'header/spec:inputs:type',
    passes: [
      { text: withInput('{ type: number }'), inputs: { x: '3' }, ...becomes('3') },
      { text: withInput('{ type: boolean, default: false }'), ...becomes('false') },
      { text: withInput('{ type: array, default: [a] }', 'of $[[ inputs.x ]]'), ...becomes('of ["a"]') },
      { text: withInput('{ default: 1.50 }'), ...becomes('1.5'), warns: ['gitlab/input-converted'] },
    ],
    refuses: [
      { text: withInput('{ type: number }'), inputs: { x: 'three' }, code: 'gitlab/input-type', line: declared },
      { text: withInput('{ type: boolean, default: 1 }'), code: 'gitlab/input-type', line: declared },
      { text: withInput('{ type: array, default: { a: b } }'), code: 'gitlab/input-type', line: declared },
      { text: withInput('{ type: map }'), code: 'schema/not-allowed-value', line: declared },
    ],
  },
  {
    row: 'header/spec:inputs:default',
    passes: [
      { text: withInput('{ default: usual }'), ...becomes('usual') },
      { text: withInput('{ default: usual }'), inputs: { x: '' }, ...becomes('') },
      { text: withInput('{ default: null }'), ...becomes('') },
    ],
    refuses: [
      { text: withInput('{ type: number, default: null }'), code: 'gitlab/input-type', line: declared },
      {
        text: withInput('{ type: number, default: a }'),
        inputs: { x: '3' },
        code: 'gitlab/input-type',
        line: declared,
        says: 'the default of the input `x`',
      },
    ],
  },
  {
    row: 'header/spec:inputs:options',
    passes: [
      { text: withInput('{ options: [a, 1] }'), inputs: { x: '1' }, ...becomes('1') },
      { text: withInput('{ type: number, options: [1, 2.0] }'), inputs: { x: '2' }, ...becomes('2') },
      {
        text: withInput('{ type: array, options: [a, b], default: [b, a] }', 'of $[[ inputs.x ]]'),
        ...becomes('of ["b", "a"]'),
      },
    ],
    refuses: [
      { text: withInput('{ options: [a, b] }'), inputs: { x: 'c' }, code: 'gitlab/input-not-allowed', line: declared },
      { text: withInput('{ options: [a], default: b }'), code: 'gitlab/input-not-allowed', line: declared },
      {
        text: withInput('{ type: array, options: [a], default: [a, b] }'),
        code: 'gitlab/input-not-allowed',
        line: declared,
      },
      { text: withInput('{ type: boolean, options: [true] }'), code: 'gitlab/input-spec', line: declared },
    ],
  },
  {
    row: 'header/spec:inputs:regex',
    passes: [{ text: withInput('{ regex: "^v\\\\d+$" }'), inputs: { x: 'v12' }, ...becomes('v12') }],
    refuses: [
      {
        text: withInput('{ regex: "^v\\\\d+$" }'),
        inputs: { x: '12' },
        code: 'gitlab/input-not-allowed',
        line: declared,
      },
      { text: withInput('{ regex: "(?=a)", default: a }'), code: 'gitlab/regex', line: declared },
      { text: withInput('{ type: number, regex: 1, default: 1 }'), code: 'gitlab/input-spec', line: declared },
    ],
  },
  {
    row: 'header/spec:inputs:description',
    passes: [{ text: withInput('{ description: What to build, default: a }'), ...becomes('a') }],
    refuses: [{ text: withInput('{ description: [a], default: a }'), code: 'schema/wrong-type', line: declared }],
  },
  {
    row: 'header/spec:component',
    passes: [
      {
        text: `include:\n  - component: ${component}\n`,
        loader: componentLoader(
          'spec: { component: [name, version] }\n---\nbuild:\n  script: echo $[[ component.name ]]@$[[ component.version ]]\n',
        ),
        config: { build: { script: 'echo build@1.2.3' } },
      },
    ],
    refuses: [
      { text: 'spec: { component: [branch] }\n---\na: { script: [b] }\n', code: 'schema/not-allowed-value', line: 1 },
    ],
  },
  {
    row: 'header/spec:include',
    passes: [
      {
        text: 'spec:\n  include:\n    - local: x.yml\n---\nbuild: { variables: { X: "$[[ inputs.x ]]" }, script: [make] }\n',
        files: { 'x.yml': 'inputs: { x: { default: far } }\n' },
        ...becomes('far'),
      },
    ],
    refuses: [
      {
        text: 'spec:\n  include: x.yml\n  inputs: { x: }\n---\nbuild: { script: [make] }\n',
        files: { 'x.yml': 'inputs: { x: { default: far } }\n' },
        code: 'gitlab/input-duplicate',
        line: 3,
      },
      {
        text: 'spec:\n  include: x.yml\n---\nbuild: { script: [make] }\n',
        files: { 'x.yml': 'build: { script: [make] }\n' },
        code: 'gitlab/header',
        in: 'x.yml',
        line: 1,
      },
      { text: 'spec:\n  include: x.yml\n---\nbuild: { script: [make] }\n', code: 'gitlab/include-not-found', line: 2 },
    ],
  },
  {
    row: 'header/spec:description',
    passes: [{ text: 'spec: { description: Builds all }\n---\nbuild: { script: [make] }\n', ids: ['build'] }],
    refuses: [
      {
        text: `spec: { description: ${'a'.repeat(257)} }\n---\nbuild: { script: [make] }\n`,
        code: 'schema/too-long',
        line: 1,
      },
    ],
  },
];

const ruled = `spec:
  inputs:
    cloud: { default: aws }
    x:
      rules:
        - if: $[[ inputs.cloud ]] == "aws"
          options: [small, large]
          default: small
        - default: none
---
build: { variables: { X: "$[[ inputs.x ]]" }, script: [make] }
`;

const rules: readonly Row[] = [
  {
    row: 'header/spec:inputs:rules',
    passes: [
      { text: ruled, ...becomes('small') },
      { text: ruled, inputs: { cloud: 'own' }, ...becomes('none') },
    ],
    refuses: [
      { text: withInput('{ default: a, rules: [{ default: b }] }'), code: 'schema/not-together', line: declared },
      { text: withInput('{ rules: [{ if: "$[[ inputs.x ]]" }] }'), code: 'gitlab/input-spec', line: declared },
    ],
  },
  {
    row: 'header/spec:inputs:rules:if',
    passes: [{ text: ruled, inputs: { cloud: 'aws', x: 'large' }, ...becomes('large') }],
    refuses: [
      { text: ruled.replace('== "aws"', '= "aws"'), code: 'gitlab/expression', line: 6 },
      { text: ruled.replace('inputs.cloud ]] ==', 'inputs.cluod ]] =='), code: 'gitlab/input-spec', line: 6 },
    ],
  },
  {
    row: 'header/spec:inputs:rules:options',
    passes: [{ text: ruled, inputs: { x: 'large' }, ...becomes('large') }],
    refuses: [{ text: ruled, inputs: { x: 'huge' }, code: 'gitlab/input-not-allowed', line: 4 }],
  },
  {
    row: 'header/spec:inputs:rules:default',
    passes: [{ text: ruled, inputs: { cloud: 'aws' }, ...becomes('small') }],
    refuses: [{ text: ruled.replace('default: small', 'default: tiny'), code: 'gitlab/input-not-allowed', line: 8 }],
  },
  {
    row: 'expression/inputs',
    passes: [{ text: ruled, inputs: { cloud: 'gcp' }, ...becomes('none') }],
    refuses: [{ text: ruled.replace('$[[ inputs.cloud ]] ==', '$[[ cloud ]] =='), code: 'gitlab/expression', line: 6 }],
  },
];

const part = 'spec:\n  inputs:\n    x: { type: array }\n---\nbuild:\n  script: $[[ inputs.x ]]\n';

const blocks: readonly Row[] = [
  {
    row: 'global/include:inputs',
    passes: [
      {
        text: 'include:\n  - local: part.yml\n    inputs: { x: [make, make test] }\n',
        files: { 'part.yml': part },
        config: { build: { script: ['make', 'make test'] } },
      },
    ],
    refuses: [
      {
        text: 'include:\n  - local: part.yml\n    inputs:\n      y: 1\n      x: make\n',
        files: { 'part.yml': part },
        code: 'gitlab/input-unknown',
        line: 4,
      },
      {
        text: 'include:\n  - local: part.yml\n    inputs:\n      x: make\n',
        files: { 'part.yml': part },
        code: 'gitlab/input-type',
        line: 4,
      },
      { text: 'include:\n  - local: part.yml\n', files: { 'part.yml': part }, code: 'gitlab/input-missing', line: 2 },
      {
        text: 'include:\n  - local: part.yml\n    inputs: a\n',
        files: { 'part.yml': part },
        code: 'schema/wrong-type',
        line: 3,
      },
    ],
  },
  {
    row: 'interpolation/inputs',
    passes: [
      {
        text: 'spec: { inputs: { n: { type: number, default: 2 }, "a/b": { default: c } } }\n---\n"$[[ inputs.a/b ]]-job":\n  parallel: $[[ inputs.n ]]\n  script: make N=$[[inputs.n]]\n',
        ids: ['c-job 1/2', 'c-job 2/2'],
        config: { 'c-job': { parallel: 2, script: 'make N=2' } },
      },
    ],
    refuses: [
      { text: withInput('{ default: a }', '$[[ inputs.y ]]'), code: 'gitlab/interpolation', line: 7 },
      {
        text: 'include: part.yml\n',
        files: { 'part.yml': withInput('{ default: a }', '$[[ inputs.x.y ]]') },
        code: 'gitlab/interpolation',
        in: 'part.yml',
        line: 7,
      },
    ],
  },
  {
    row: 'interpolation/functions',
    passes: [
      { text: withInput('{ default: "a b" }', '$[[ inputs.x | posix_escape | truncate(0,2) ]]'), ...becomes('a\\') },
    ],
    refuses: [
      { text: withInput('{ default: a }', '$[[ inputs.x | upcase ]]'), code: 'gitlab/interpolation', line: 7 },
      {
        text: withInput(
          '{ default: a }',
          '$[[ inputs.x | truncate(0,1) | truncate(0,1) | truncate(0,1) | truncate(0,1) ]]',
        ),
        code: 'gitlab/interpolation',
        line: 7,
        says: 'at most 3',
      },
    ],
  },
  {
    row: 'interpolation/expand_vars',
    passes: [
      {
        text: withInput('{ default: "$NAME ${NONE}" }', '$[[ inputs.x | expand_vars ]]'),
        variables: { NAME: 'known' },
        ...becomes('known ${NONE}'),
      },
    ],
    refuses: [
      {
        text: withInput('{ type: number, default: 1 }', '$[[ inputs.x | expand_vars ]]'),
        code: 'gitlab/interpolation',
        line: 7,
      },
    ],
  },
  {
    row: 'interpolation/truncate',
    passes: [{ text: withInput('{ default: abcdef }', '$[[ inputs.x | truncate(2,3) ]]'), ...becomes('cde') }],
    refuses: [
      { text: withInput('{ default: a }', '$[[ inputs.x | truncate(2) ]]'), code: 'gitlab/interpolation', line: 7 },
    ],
  },
  {
    row: 'interpolation/posix_escape',
    passes: [
      { text: withInput(`{ default: "a b;$c" }`, '$[[ inputs.x | posix_escape ]]'), ...becomes('a\\ b\\;\\$c') },
    ],
    refuses: [
      { text: withInput('{ default: a }', '$[[ inputs.x | posix_escape(1) ]]'), code: 'gitlab/interpolation', line: 7 },
    ],
  },
  {
    row: 'interpolation/posix_quote',
    passes: [{ text: withInput('{ default: "" }', '$[[ inputs.x | posix_quote ]]'), ...becomes("''") }],
    refuses: [
      {
        text: withInput('{ type: boolean, default: true }', '$[[ inputs.x | posix_quote ]]'),
        code: 'gitlab/interpolation',
        line: 7,
      },
    ],
  },
  {
    row: 'interpolation/split',
    passes: [
      {
        text: `spec: { inputs: { x: { default: "make, make test" } } }\n---\nbuild:\n  script: $[[ inputs.x | split(',') ]]\n`,
        config: { build: { script: ['make', 'make test'] } },
      },
    ],
    refuses: [
      { text: withInput('{ default: a }', `$[[ inputs.x | split('') ]]`), code: 'gitlab/interpolation', line: 7 },
    ],
  },
  {
    row: 'interpolation/component',
    passes: [
      {
        text: `include:\n  - component: ${component}\n`,
        loader: componentLoader(
          'spec: { component: [name, sha, version, reference] }\n---\nbuild: { script: ["$[[ component.sha ]]", "$[[ component.reference ]]"] }\n',
        ),
        config: { build: { script: ['a'.repeat(40), '1.2'] } },
      },
    ],
    refuses: [
      {
        text: 'spec: { component: [name] }\n---\nbuild:\n  script: echo $[[ component.name ]]\n',
        code: 'gitlab/interpolation',
        line: 4,
      },
    ],
  },
  {
    row: 'interpolation/matrix',
    passes: [
      {
        text: `spec: { inputs: { x: { default: a } } }
---
.legs: &legs
  parallel: { matrix: [{ OS: [linux, mac] }] }
build: { <<: *legs, stage: build, script: [make] }
test:
  <<: *legs
  stage: test
  needs: [{ job: build, parallel: { matrix: [{ OS: ["$[[ matrix.OS ]]"] }] } }]
  script: ["make $[[ inputs.x ]]"]
`,
        nodes: { 'test: [mac]': { needs: [{ id: 'build: [mac]' }] } },
        check: ({ config }) => expect(JSON.stringify(config)).toContain('make a'),
      },
    ],
    refuses: { none: 'a name that is no variable of the matrix fits no leg, as an ordinary value may' },
  },
];

/** A job with one input `x`. */
function jobWithInput(declaration: string, command = '${{ job.inputs.x }}'): string {
  return `build:\n  inputs:\n    x: ${declaration}\n  script:\n    - make ${command}\n`;
}

const script = (...lines: readonly string[]) => ({ build: { steps: expect.arrayContaining([stepOf(lines)]) } });
const stepOf = (lines: readonly string[]): unknown => expect.objectContaining({ kind: 'run', script: lines });

const jobs: readonly Row[] = [
  {
    row: 'job/inputs',
    passes: [
      { text: jobWithInput('{ default: all }'), jobs: script('make all') },
      { text: jobWithInput('{ type: array, default: [a, 1] }'), jobs: script('make ["a",1]') },
    ],
    refuses: [
      { text: jobWithInput('{ type: string }'), code: 'schema/missing-key', line: 3 },
      { text: jobWithInput('{ type: number, default: many }'), code: 'gitlab/input-type', line: 3 },
      { text: jobWithInput('{ options: [a], default: b }'), code: 'gitlab/input-not-allowed', line: 3 },
    ],
  },
  {
    row: 'job/inputs:interpolation',
    passes: [
      { text: jobWithInput('{ default: all }', '\\${{ job.inputs.x }}'), jobs: script('make ${{ job.inputs.x }}') },
      { text: jobWithInput('{ default: all }', '${{ 1 + 1 }}'), warns: ['gitlab/job-input'] },
    ],
    refuses: [{ text: jobWithInput('{ default: all }', '${{ job.inputs.y }}'), code: 'gitlab/job-input', line: 5 }],
  },
];

/** Inputs of files and jobs, and the blocks that take their values. */
export const rows: readonly Row[] = [...header, ...rules, ...blocks, ...jobs];
