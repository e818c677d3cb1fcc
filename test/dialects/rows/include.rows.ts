import { expect } from 'vitest';
import type { ForeignFile, LoadedFile } from '../../../src/model/included-file.ts';
import type { FileLoader } from '../../../src/model/ports.ts';
import { fileLoader } from '../../../src/sources/file-loader.ts';
import type { Row } from './row-cases.ts';

const script = 'script: [make]';
const base = '.base: { script: [make base] }\n';

/** A loader that gives every foreign file the same text, and keeps what was asked for. */
function elsewhere(text: string, local: Readonly<Record<string, string>> = {}) {
  const asked: ForeignFile[] = [];
  const loader: FileLoader = {
    local: async (path) => ({
      value: local[path] === undefined ? [] : [{ path, text: local[path] }],
      diagnostics: [],
    }),
    foreign: async (file) => {
      asked.push(file);
      const value: LoadedFile = { path: `elsewhere-${asked.length}.yml`, text, origin: { kind: 'nowhere' } };
      return { value, diagnostics: [] };
    },
  };
  return { loader, asked };
}

const project = elsewhere(base);
const projectFiles = elsewhere(base);
const projectRef = elsewhere(base);
const remote = elsewhere(base);
const integrity = elsewhere(base);
const cache = elsewhere(base);
const template = elsewhere(base);
const component = elsewhere(base);
const checksum = `sha256-${'A'.repeat(43)}=`;
const extending = `build: { extends: .base }\n`;

/** Files that are merged below the one that includes them. */
export const rows: readonly Row[] = [
  {
    row: 'global/include',
    passes: [
      {
        text: `include:\n  - a.yml\n  - local: b.yml\n  - a.yml\njob: { variables: { OWN: file } }\n`,
        files: {
          'a.yml': `job: { ${script}, image: a, variables: { OWN: a, A: a } }\n`,
          'b.yml': 'include: c.yml\njob: { image: b }\n',
          'c.yml': 'job: { image: c, stage: deploy }\n',
        },
        jobs: { job: { image: { name: 'a' }, stage: { value: 'deploy' } } },
        check: ({ job }) => {
          const { variables } = job('job');
          expect(variables.map(({ name, value }) => [name, value])).toEqual([
            ['OWN', 'file'],
            ['A', 'a'],
          ]);
        },
      },
    ],
    refuses: [
      {
        text: `include:\n${'  - a.yml\n'.repeat(151)}`,
        files: { 'a.yml': `job: { ${script} }\n` },
        code: 'gitlab/include-too-many',
        line: 152,
      },
      {
        text: 'include: a.yml\n',
        files: { 'a.yml': 'include: b.yml\n', 'b.yml': 'x: {}\ninclude: a.yml\n' },
        code: 'gitlab/include-cycle',
        in: 'b.yml',
        line: 2,
      },
      { text: `include: { inputs: {} }\njob: { ${script} }\n`, code: 'schema/missing-key', line: 1 },
    ],
  },
  {
    row: 'global/include:local',
    passes: [
      {
        text: `include: { local: '/ci/**.yml' }\n`,
        files: { 'ci/a.yml': `a: { ${script} }\n`, 'ci/b/c.yml': `c: { ${script} }\n`, 'd.yml': `d: { ${script} }\n` },
        ids: ['a', 'c'],
      },
    ],
    refuses: [
      { text: `job: { ${script} }\ninclude: none.yml\n`, code: 'gitlab/include-not-found', line: 2 },
      { text: `job: { ${script} }\ninclude: { local: a.txt }\n`, code: 'gitlab/include-extension', line: 2 },
    ],
  },
  {
    row: 'global/include:project',
    passes: [
      {
        text: `include: { project: $GROUP/templates, file: /a.yml }\n${extending}`,
        variables: { GROUP: 'group' },
        loader: project.loader,
        jobs: { build: { steps: expect.anything() } },
        check: () => expect(project.asked).toEqual([{ kind: 'project', project: 'group/templates', file: '/a.yml' }]),
      },
    ],
    refuses: [
      { text: `include: { project: templates, file: a.yml }\njob: { ${script} }\n`, code: 'schema/pattern', line: 1 },
      {
        text: `include: { project: group/templates, local: a.yml }\njob: { ${script} }\n`,
        code: 'schema/not-together',
        line: 1,
      },
    ],
  },
  {
    row: 'global/include:project:file',
    passes: [
      {
        text: `include: { project: group/templates, file: [a.yml, b.yml] }\n${extending}`,
        loader: projectFiles.loader,
        check: () => expect(projectFiles.asked).toMatchObject([{ file: 'a.yml' }, { file: 'b.yml' }]),
      },
    ],
    refuses: [
      { text: `include: { project: group/templates }\njob: { ${script} }\n`, code: 'schema/missing-key', line: 1 },
      {
        text: `include: { project: group/templates, file: a.txt }\njob: { ${script} }\n`,
        code: 'gitlab/include-extension',
        line: 1,
      },
    ],
  },
  {
    row: 'global/include:project:ref',
    passes: [
      {
        text: `include: { project: group/templates, file: a.yml, ref: v1 }\n${extending}`,
        loader: projectRef.loader,
        check: () => expect(projectRef.asked).toMatchObject([{ ref: 'v1' }]),
      },
    ],
    refuses: [
      {
        text: `include: { project: group/templates, file: a.yml, ref: [v1] }\njob: { ${script} }\n`,
        code: 'schema/wrong-type',
        line: 1,
      },
    ],
  },
  {
    row: 'global/include:remote',
    passes: [
      {
        text: `include: [https://example.org/a.yml, { remote: https://example.org/b.yaml }]\n${extending}`,
        loader: remote.loader,
        check: () =>
          expect(remote.asked).toEqual([
            { kind: 'remote', url: 'https://example.org/a.yml' },
            { kind: 'remote', url: 'https://example.org/b.yaml' },
          ]),
      },
    ],
    refuses: [
      {
        text: `include: { remote: https://example.org/a.txt }\njob: { ${script} }\n`,
        code: 'gitlab/include-extension',
        line: 1,
      },
      { text: `include: { remote: example.org/a.yml }\njob: { ${script} }\n`, code: 'schema/pattern', line: 1 },
      {
        text: `include: [https://example.org/a.yml]\n`,
        loader: elsewhere('include: local.yml\n').loader,
        files: { 'elsewhere-1.yml': 'include: local.yml\n' },
        in: 'elsewhere-1.yml',
        code: 'gitlab/include-not-found',
        line: 1,
      },
    ],
  },
  {
    row: 'global/include:remote:integrity',
    passes: [
      {
        text: `include: { remote: https://example.org/a.yml, integrity: ${checksum} }\n${extending}`,
        loader: integrity.loader,
        check: () => expect(integrity.asked).toMatchObject([{ integrity: checksum }]),
      },
    ],
    refuses: [
      {
        text: `include: { remote: https://example.org/a.yml, integrity: md5-abc }\njob: { ${script} }\n`,
        code: 'schema/pattern',
        line: 1,
      },
      {
        text: `include: { local: a.yml, integrity: ${checksum} }\njob: { ${script} }\n`,
        code: 'schema/missing-key',
        line: 1,
      },
    ],
  },
  {
    row: 'global/include:remote:cache',
    passes: [
      {
        text: `include:\n${['true', '2 hours', 'false'].map((value) => `  - { remote: https://example.org/a.yml, cache: ${value} }\n`).join('')}${extending}`,
        loader: cache.loader,
        check: () =>
          expect(cache.asked).toEqual([
            { kind: 'remote', url: 'https://example.org/a.yml', cacheMs: 3_600_000 },
            { kind: 'remote', url: 'https://example.org/a.yml', cacheMs: 7_200_000 },
            { kind: 'remote', url: 'https://example.org/a.yml' },
          ]),
      },
    ],
    refuses: [
      {
        text: `include: { remote: https://example.org/a.yml, cache: 10 seconds }\njob: { ${script} }\n`,
        code: 'gitlab/invalid-value',
        line: 1,
      },
      {
        text: `include: { local: a.yml, cache: true }\njob: { ${script} }\n`,
        code: 'schema/missing-key',
        line: 1,
      },
    ],
  },
  {
    row: 'global/include:template',
    passes: [
      {
        text: `include: { template: Jobs/Build.gitlab-ci.yml }\n${extending}`,
        loader: template.loader,
        check: () => expect(template.asked).toEqual([{ kind: 'template', name: 'Jobs/Build.gitlab-ci.yml' }]),
      },
    ],
    refuses: [
      {
        text: `include: { template: Jobs/Build.yml }\njob: { ${script} }\n`,
        code: 'gitlab/include-extension',
        line: 1,
      },
    ],
  },
  {
    row: 'global/include:component',
    passes: [
      {
        text: `include: { component: $CI_SERVER_FQDN/group/parts/part@~latest }\n${extending}`,
        loader: component.loader,
        check: () =>
          expect(component.asked).toEqual([
            { kind: 'component', address: 'gitlab.example.org/group/parts/part@~latest' },
          ]),
      },
    ],
    refuses: [
      {
        text: `include: { component: group/part@1.0.0 }\njob: { ${script} }\n`,
        loader: fileLoader({ root: '/nowhere', env: {} }),
        code: 'gitlab/include-address',
        line: 1,
      },
    ],
  },
  {
    row: 'global/include:rules',
    passes: [
      {
        text: `include:\n  - local: a.yml\n    rules: [{ if: $NONE }]\n  - local: b.yml\n    rules: [{ if: $NONE }, { exists: [b.yml], when: always }]\n`,
        files: { 'a.yml': `a: { ${script} }\n`, 'b.yml': `b: { ${script} }\n` },
        ids: ['b'],
      },
    ],
    refuses: [
      {
        text: `include: { local: a.yml, rules: $X }\njob: { ${script} }\n`,
        files: { 'a.yml': `a: { ${script} }\n` },
        code: 'schema/wrong-type',
        line: 1,
      },
    ],
  },
  {
    row: 'global/include:rules:if',
    passes: [
      {
        text: `include: { local: a.yml, rules: [{ if: '$CI_COMMIT_BRANCH == "main" && $X =~ /^a/' }] }\n`,
        files: { 'a.yml': `a: { ${script} }\n` },
        variables: { X: 'abc' },
        ids: ['a'],
      },
    ],
    refuses: [
      {
        text: `include: { local: a.yml, rules: [{ if: '$X ==' }] }\njob: { ${script} }\n`,
        files: { 'a.yml': `a: { ${script} }\n` },
        code: 'gitlab/expression',
        line: 1,
      },
    ],
  },
  {
    row: 'global/include:rules:exists',
    passes: [
      {
        text: `include: [{ local: a.yml, rules: [{ exists: ['*.go'] }] }, { local: b.yml, rules: [{ exists: ['*.rs'] }] }]\n`,
        files: { 'a.yml': `a: { ${script} }\n`, 'b.yml': `b: { ${script} }\n`, 'main.go': '' },
        ids: ['a'],
      },
    ],
    refuses: [
      {
        text: `include: { local: a.yml, rules: [{ exists: 1 }] }\njob: { ${script} }\n`,
        files: { 'a.yml': `a: { ${script} }\n` },
        code: 'schema/wrong-type',
        line: 1,
      },
    ],
  },
  {
    row: 'global/include:rules:changes',
    passes: [
      {
        text: `include: [{ local: a.yml, rules: [{ changes: ['src/**/*'] }] }, { local: b.yml, rules: [{ changes: { paths: [docs/*] } }] }]\n`,
        files: { 'a.yml': `a: { ${script} }\n`, 'b.yml': `b: { ${script} }\n` },
        changed: ['src/x/y.go'],
        ids: ['a'],
      },
    ],
    refuses: [
      {
        text: `include: { local: a.yml, rules: [{ changes: 1 }] }\njob: { ${script} }\n`,
        files: { 'a.yml': `a: { ${script} }\n` },
        code: 'schema/wrong-type',
        line: 1,
      },
    ],
  },
  {
    row: 'global/include:rules:when',
    passes: [
      {
        text: `include: [{ local: a.yml, rules: [{ if: $CI_COMMIT_BRANCH, when: never }] }, { local: b.yml, rules: [{ when: always }] }]\n`,
        files: { 'a.yml': `a: { ${script} }\n`, 'b.yml': `b: { ${script} }\n` },
        ids: ['b'],
      },
    ],
    refuses: [
      {
        text: `include: { local: a.yml, rules: [{ when: manual }] }\njob: { ${script} }\n`,
        files: { 'a.yml': `a: { ${script} }\n` },
        code: 'schema/not-allowed-value',
        line: 1,
      },
    ],
  },
];
