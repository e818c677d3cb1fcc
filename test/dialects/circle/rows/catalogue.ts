import type { CircleRow } from './circle-row.ts';
import { workflowRows } from './workflow-rows.ts';

const loose = { none: 'any value is taken, as the service takes it' } as const;
const text = (key: string): CircleRow => [`{ ${key}: text }`, `{ ${key}: [[a]] }`];
const job = (more: string): string => `{ docker: [{ image: a }], steps: [checkout], ${more} }`;
const jobs = 'jobs: { build: { docker: [{ image: a }], steps: [checkout] } }';
const file = (more: string): string => `version: 2.1\n${more}\n${jobs}`;

/**
 * Every key and feature of CircleCI's language. Frozen: a row is added when the language gets one, and never removed.
 * Each stands in `docs/circleci-support.md`. The texts stand in what `surround.ts` says of their place.
 */
export const circleCatalogue: Readonly<Record<string, CircleRow>> = {
  'file/version': [`version: 2\n${jobs}`, `version: 3\n${jobs}`],
  'file/setup': [file('setup: false'), file('setup: [a]')],
  'file/orbs': [file('orbs: { o: { commands: {} } }'), file('orbs: [a]')],
  'file/commands': [file('commands: { c: { steps: [checkout] } }'), file('commands: [c]')],
  'file/executors': [file('executors: { e: { docker: [{ image: a }] } }'), file('executors: [e]')],
  'file/parameters': [
    file('parameters: { p: { type: string, default: a } }'),
    file('parameters: { p: { type: string } }'),
  ],
  'file/jobs': [`version: 2.1\n${jobs}`, 'version: 2.1\njobs: [build]'],
  'file/job-groups': [file('job-groups: { g: { jobs: [build] } }'), file('job-groups: [g]')],
  'file/workflows': [file('workflows: { main: { jobs: [build] } }'), file('workflows: [main]')],
  'file/description': [`version: 2.1\ndescription: d\n${jobs}`, 'version: 2.1\ndescription: [d]'],
  'file/display': ['version: 2.1\ndisplay: { home_url: https://a }', 'version: 2.1\ndisplay: { home: https://a }'],
  'file/examples': ['version: 2.1\nexamples: { e: { usage: { version: 2.1 } } }', 'version: 2.1\nexamples: { e: {} }'],
  'file/functions': [file('functions: {}'), loose],
  'file/build_agent': [file('build_agent: {}'), loose],
  'file/experimental': [file('experimental: { notify: { branches: { only: [main] } } }'), loose],
  'file/notify': [file('notify: {}'), loose],

  'display/home_url': ['{ home_url: https://a }', '{ home_url: [a] }'],
  'display/source_url': ['{ source_url: https://a }', '{ source_url: 1 }'],
  'example/description': ['{ description: d, usage: {} }', '{ description: [d], usage: {} }'],
  'example/usage': ['{ usage: { version: 2.1 } }', '{ description: d }'],
  'example/result': ['{ usage: {}, result: { version: 2.1 } }', '{ result: {} }'],

  'parameter/type': ['{ type: boolean, default: true }', '{ type: bool, default: true }'],
  'parameter/default': ['{ type: integer, default: 1 }', '{ type: integer, default: a }'],
  'parameter/enum': ['{ type: enum, enum: [a, b], default: a }', '{ type: enum, enum: a, default: a }'],
  'parameter/description': [
    '{ type: string, default: a, description: d }',
    '{ type: string, default: a, description: [d] }',
  ],

  'orb/orbs': ['{ orbs: { i: { commands: {} } } }', '{ orbs: { i: nonsense } }'],
  'orb/commands': ['{ commands: { c: { steps: [checkout] } } }', '{ commands: [c] }'],
  'orb/executors': ['{ executors: { e: { machine: true } } }', '{ executors: [e] }'],
  'orb/jobs': ['{ jobs: { j: { machine: true, steps: [checkout] } } }', '{ jobs: [j] }'],
  'orb/version': ['{ version: 2.1, commands: {} }', loose],
  'orb/description': ['{ description: d, commands: {} }', loose],
  'orb/display': ['{ display: {}, commands: {} }', loose],
  'orb/examples': ['{ examples: {}, commands: {} }', loose],

  'command/parameters': [
    '{ parameters: { p: { type: string, default: a } }, steps: [checkout] }',
    '{ parameters: { p: { type: text } }, steps: [checkout] }',
  ],
  'command/steps': ['{ steps: [checkout] }', '{ steps: checkout-all }'],
  'command/description': ['{ description: d, steps: [] }', '{ description: [d], steps: [] }'],

  'executor/docker': ['{ docker: [{ image: a }] }', '{ docker: [{ user: a }] }'],
  'executor/machine': ['{ machine: { image: ubuntu } }', '{ machine: [ubuntu] }'],
  'executor/macos': ['{ macos: { xcode: 16.0.0 } }', '{ macos: [16] }'],
  'executor/shell': ['{ machine: true, shell: bash }', '{ machine: true, shell: [[bash]] }'],
  'executor/working_directory': [
    '{ machine: true, working_directory: a }',
    '{ machine: true, working_directory: [a] }',
  ],
  'executor/environment': ['{ machine: true, environment: { A: 1 } }', '{ machine: true, environment: { A: [1] } }'],
  'executor/parameters': ['{ machine: true, parameters: {} }', '{ machine: true, parameters: { p: { type: text } } }'],
  'executor/resource_class': ['{ machine: true, resource_class: large }', '{ machine: true, resource_class: [large] }'],
  'executor/description': ['{ machine: true, description: d }', '{ machine: true, description: [d] }'],

  'job/docker': ['{ docker: [{ image: a }], steps: [checkout] }', '{ docker: [], steps: [run: a] , machine: true }'],
  'job/machine': ['{ machine: true, steps: [checkout] }', '{ machine: [a], steps: [checkout] }'],
  'job/macos': ['{ macos: { xcode: 16.0.0 }, steps: [checkout] }', '{ macos: [a], steps: [checkout] }'],
  'job/executor': [job('parameters: {}'), '{ executor: none, steps: [checkout] }'],
  'job/shell': [job('shell: bash'), job('shell: [[bash]]')],
  'job/steps': ['{ machine: true, steps: [checkout] }', '{ machine: true, steps: [] }'],
  'job/working_directory': [job('working_directory: a'), job('working_directory: [a]')],
  'job/parallelism': [job('parallelism: 2'), job('parallelism: many')],
  'job/environment': [job('environment: [{ A: b }, C=d]'), job('environment: { A: [b] }')],
  'job/branches': [job('branches: { only: [main] }'), loose],
  'job/parameters': [
    job('parameters: { p: { type: string, default: a } }'),
    job('parameters: { name: { type: string } }'),
  ],
  'job/type': [job('type: build'), job('type: biuld')],
  'job/resource_class': [job('resource_class: large'), job('resource_class: [large]')],
  'job/circleci_ip_ranges': [job('circleci_ip_ranges: true'), job('circleci_ip_ranges: some')],
  'job/retention': [job('retention: { caches: 2d }'), job('retention: [a]')],
  'job/plan_name': ['{ type: release, plan_name: p }', '{ type: release }'],
  'job/key': ['{ type: lock, key: k }', '{ type: lock }'],
  'job/functions': [job('functions: []'), loose],
  'job/description': [job('description: d'), job('description: [d]')],

  'container/image': ['{ image: cimg/base:stable }', '{ image: CIMG/base }'],
  'container/name': ['{ image: a, name: b }', '{ image: a, name: [b] }'],
  'container/entrypoint': ['{ image: a, entrypoint: [b, c] }', '{ image: a, entrypoint: { b: c } }'],
  'container/command': ['{ image: a, command: b }', '{ image: a, command: { b: c } }'],
  'container/user': ['{ image: a, user: root }', '{ image: a, user: [root] }'],
  'container/environment': ['{ image: a, environment: { A: b } }', '{ image: a, environment: { A: [b] } }'],
  'container/auth': ['{ image: a, auth: { username: a, password: $B } }', '{ image: a, auth: [a] }'],
  'container/aws_auth': ['{ image: a, aws_auth: { aws_access_key_id: a } }', '{ image: a, aws_auth: [a] }'],
  'container/shell': ['{ image: a, shell: bash }', loose],

  'container/gcp_auth': ['{ image: a, gcp_auth: { oidc_service_account: a } }', { none: 'it is not used' }],
  'machine/code_signing': ['{ image: a, code_signing: [b] }', { none: 'nothing is signed' }],
  'job/validation': [
    '{ type: release, plan_name: p, validation: { enabled: true } }',
    { none: 'a release has nothing to run' },
  ],
  'machine/image': ['{ image: ubuntu-2404:current }', '{ image: [a] }'],
  'machine/enabled': ['{ enabled: true }', '{ enabled: [true] }'],
  'machine/docker_layer_caching': [
    '{ image: a, docker_layer_caching: true }',
    '{ image: a, docker_layer_caching: [a] }',
  ],
  'machine/resource_class': ['{ image: a, resource_class: large }', '{ image: a, resource_class: [a] }'],
  'machine/shell': ['{ image: a, shell: bash }', '{ image: a, shell: [[a]] }'],
  'macos/xcode': ['{ xcode: 16.0.0 }', '{ xcode: [16] }'],
  'retention/caches': ['{ caches: 30d }', '{ caches: 31d }'],

  ...stepRows(
    'run',
    {
      command: ['{ command: a }', '{ name: a }'],
      shell: ['{ command: a, shell: sh }', '{ command: a, shell: [[sh]] }'],
      environment: ['{ command: a, environment: { A: b } }', '{ command: a, environment: { A: [b] } }'],
      background: ['{ command: a, background: true }', '{ command: a, background: later }'],
      working_directory: ['{ command: a, working_directory: b }', '{ command: a, working_directory: [b] }'],
      no_output_timeout: ['{ command: a, no_output_timeout: 1.5h }', '{ command: a, no_output_timeout: soon }'],
      max_auto_reruns: ['{ command: a, max_auto_reruns: 5 }', '{ command: a, max_auto_reruns: 6 }'],
      auto_rerun_delay: [
        '{ command: a, max_auto_reruns: 1, auto_rerun_delay: 30s }',
        '{ command: a, max_auto_reruns: 1, auto_rerun_delay: 1.5m }',
      ],
      teardown: ['{ command: a, teardown: [run: b] }', { none: 'it is not run' }],
    },
    'command: a',
  ),
  ...stepRows(
    'checkout',
    {
      path: text('path'),
      method: ['{ method: full }', '{ method: deep }'],
      depth: ['{ method: shallow, depth: 1 }', '{ method: shallow, depth: 0 }'],
    },
    'path: a',
  ),
  ...stepRows(
    'save_cache',
    {
      key: ['{ key: a, paths: [b] }', '{ paths: [b] }'],
      paths: ['{ key: a, paths: [b] }', '{ key: a }'],
    },
    'key: a, paths: [b]',
  ),
  ...stepRows(
    'restore_cache',
    {
      key: ['{ key: a }', '{ name: a }'],
      keys: ['{ keys: [a, b] }', '{ keys: { a: b } }'],
    },
    'key: a',
  ),
  ...stepRows(
    'store_artifacts',
    {
      path: ['{ path: a }', '{ destination: a }'],
      destination: ['{ path: a, destination: b }', '{ path: a, destination: [b] }'],
    },
    'path: a',
  ),
  ...stepRows('store_test_results', { path: ['{ path: a }', '{ path: [a] }'] }, 'path: a'),
  ...stepRows(
    'persist_to_workspace',
    {
      root: ['{ root: a, paths: [b] }', '{ paths: [b] }'],
      paths: ['{ root: a, paths: [b] }', '{ root: a }'],
      path: ['{ root: a, path: b }', '{ root: a, path: [[b]] }'],
    },
    'root: a, paths: [b]',
  ),
  ...stepRows('attach_workspace', { at: ['{ at: a }', '{ to: a }'] }, 'at: a'),
  ...stepRows(
    'add_ssh_keys',
    { fingerprints: ['{ fingerprints: [a] }', '{ fingerprints: { a: b } }'] },
    'fingerprints: [a]',
  ),
  ...stepRows(
    'setup_remote_docker',
    {
      version: text('version'),
      docker_layer_caching: ['{ docker_layer_caching: true }', '{ docker_layer_caching: [a] }'],
      resource_class: text('resource_class'),
      prefer_same_region: ['{ prefer_same_region: true }', { none: 'it is not used' }],
    },
    'version: a',
  ),
  'when/condition': ['when: { condition: true, steps: [] }', 'when: { steps: [] }'],
  'when/steps': ['when: { condition: true, steps: [checkout] }', 'when: { condition: true }'],
  'unless/condition': ['unless: { condition: true, steps: [] }', 'unless: { steps: [] }'],
  'unless/steps': ['unless: { condition: false, steps: [checkout] }', 'unless: { condition: false, steps: [none] }'],
  ...workflowRows,
};

/** Rows of a step, each as its value. */
function stepRows(
  step: string,
  rows: Readonly<Record<string, CircleRow>>,
  needed: string,
): Readonly<Record<string, CircleRow>> {
  const all: Readonly<Record<string, CircleRow>> = {
    ...rows,
    name: [`{ ${needed}, name: a }`, `{ ${needed}, name: [a] }`],
    when: [`{ ${needed}, when: on_fail }`, `{ ${needed}, when: sometimes }`],
  };
  return Object.fromEntries(
    Object.entries(all).map(([key, [passes, refuses]]) => [
      `${step}/${key}`,
      [`${step}: ${passes}`, typeof refuses === 'string' ? `${step}: ${refuses}` : refuses],
    ]),
  );
}
