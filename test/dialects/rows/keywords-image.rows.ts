import { refused, row, takes } from './one-job.ts';
import type { Passing, Row } from './row-cases.ts';

const notRun: Partial<Passing> = { warns: ['gitlab/not-run-yet'] };
const image = (more: string): string => `image: { name: node, ${more} }`;
const service = (more: string): string => `services: [{ name: db, ${more} }]`;
const both = (
  key: string,
  given: string,
  expected: object,
  wrong: readonly [string, Parameters<typeof refused>[1]],
) => [
  row(
    `job/image:${key}` as Row['row'],
    takes(image(given), { image: { name: 'node', ...expected } }),
    refused(image(wrong[0]), wrong[1]),
  ),
  row(
    `job/services:${key}` as Row['row'],
    takes(service(given), { services: [{ name: 'db', ...expected }] }),
    refused(service(wrong[0]), wrong[1]),
  ),
];

/** Containers: of the job and beside it. */
export const rows: readonly Row[] = [
  row(
    'job/image',
    [takes('image: node:$V', { image: { name: 'node:$V' } })],
    [refused('image: [node]', 'schema/wrong-type'), refused('image: { entrypoint: [""] }', 'schema/missing-key')],
  ),
  row(
    'job/image:name',
    takes('image: { name: node }', { image: { name: 'node' } }),
    refused('image: { name: "" }', 'schema/empty'),
  ),
  row(
    'job/services',
    takes('services: [db, { name: cache }]', { services: [{ name: 'db' }, { name: 'cache' }] }),
    refused('services: db', 'schema/wrong-type'),
  ),
  row(
    'job/services:name',
    takes('services: [{ name: db }]', { services: [{ name: 'db' }] }),
    refused('services: [{ alias: db }]', 'schema/missing-key'),
  ),
  row(
    'job/services:alias',
    takes(service('alias: "one, two three"'), { services: [{ aliases: ['one', 'two', 'three'] }] }),
    refused(service('alias: [one]'), 'schema/wrong-type'),
  ),
  row(
    'job/services:command',
    takes(service('command: [serve, --fast]'), { services: [{ command: ['serve', '--fast'] }] }),
    refused(service('command: serve'), 'schema/wrong-type'),
  ),
  row(
    'job/services:variables',
    takes(service('variables: { A: b, C: { value: d, expand: false } }'), {
      services: [
        {
          variables: [
            { name: 'A', value: 'b' },
            { name: 'C', raw: true },
          ],
        },
      ],
    }),
    refused(service('variables: [A]'), 'schema/wrong-type'),
  ),
  ...both('entrypoint', 'entrypoint: ["", "-c"]', { entrypoint: ['', '-c'] }, ['entrypoint: sh', 'schema/wrong-type']),
  ...both('docker:user', 'docker: { user: "1000:1000" }', { user: '1000:1000' }, [
    'docker: { user: [root] }',
    'schema/wrong-type',
  ]),
  ...both('docker:platform', 'docker: { platform: arm64/v8 }', { platform: 'arm64/v8' }, [
    'docker: { arch: arm64 }',
    'schema/unknown-key',
  ]),
  ...both('pull_policy', 'pull_policy: [always, if-not-present]', { pullPolicy: ['always', 'if-not-present'] }, [
    'pull_policy: sometimes',
    'schema/not-allowed-value',
  ]),
  row(
    'job/image:kubernetes:user',
    takes(image('kubernetes: { user: "1000" }'), {}, notRun),
    refused(image('kubernetes: { user: [a] }'), 'schema/wrong-type'),
  ),
  row(
    'job/services:kubernetes:user',
    takes(service('kubernetes: { user: "1000" }'), {}, notRun),
    refused(service('kubernetes: { pod: a }'), 'schema/unknown-key'),
  ),
];
