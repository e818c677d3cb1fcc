/** What a key of the language does here. `how`: what happens instead, or why. */
export type CircleSupport =
  | { readonly state: 'runs' }
  | { readonly state: 'simulated' | 'ignored' | 'refused'; readonly how: string };

type Keys = Readonly<Record<string, CircleSupport>>;

const runs: CircleSupport = { state: 'runs' };
const simulated = (how: string): CircleSupport => ({ state: 'simulated', how });
const ignored = (how: string): CircleSupport => ({ state: 'ignored', how });

/** Keys that do what they do on CircleCI. */
function all(...names: readonly string[]): Keys {
  return Object.fromEntries(names.map((name) => [name, runs]));
}

const forPeople = simulated('it is read, and shown nowhere');
const stepKeys = all('name', 'when');

/**
 * Every place of a configuration with the keys that it knows, and what they do here. A key that is not there is told.
 * Source: https://circleci.com/docs/reference/configuration-reference/
 */
export const language = {
  file: {
    ...all('version', 'setup', 'orbs', 'commands', 'executors', 'parameters', 'jobs', 'job-groups', 'workflows'),
    description: forPeople,
    display: forPeople,
    examples: forPeople,
    functions: ignored('functions of the service are not run'),
    build_agent: ignored('jobs run without an agent of CircleCI'),
    experimental: ignored('messages of the service are not sent'),
    notify: ignored('messages of the service are not sent'),
  },
  display: { home_url: forPeople, source_url: forPeople },
  example: { description: forPeople, usage: forPeople, result: forPeople },
  parameter: { ...all('type', 'default', 'enum'), description: forPeople },
  orb: {
    ...all('orbs', 'commands', 'executors', 'jobs'),
    version: forPeople,
    description: forPeople,
    display: forPeople,
    examples: forPeople,
  },
  command: { ...all('parameters', 'steps'), description: forPeople },
  executor: {
    ...all('docker', 'machine', 'macos', 'shell', 'working_directory', 'environment', 'parameters'),
    resource_class: simulated('the job gets what this machine has; `--cpus` and `--memory` limit it'),
    description: forPeople,
  },
  job: {
    ...all('docker', 'machine', 'macos', 'executor', 'shell', 'steps', 'working_directory', 'parallelism'),
    ...all('environment', 'branches', 'parameters', 'type'),
    resource_class: simulated('the job gets what this machine has; `--cpus` and `--memory` limit it'),
    circleci_ip_ranges: simulated('the job has the addresses of this machine'),
    retention: simulated('what is kept stays until you clean up'),
    plan_name: simulated('a release has nothing to run here'),
    validation: simulated('a release has nothing to run here'),
    key: simulated('locks are not taken: one run has this machine for itself'),
    functions: ignored('functions of the service are not run'),
    description: forPeople,
  },
  container: {
    ...all('image', 'name', 'entrypoint', 'command', 'user', 'environment', 'auth'),
    aws_auth: simulated('images are pulled with the logins of this machine'),
    gcp_auth: simulated('images are pulled with the logins of this machine'),
    shell: forPeople,
  },
  machine: {
    image: simulated('the job runs on this machine'),
    enabled: runs,
    docker_layer_caching: simulated('the engine keeps its layers anyway'),
    resource_class: simulated('the job gets what this machine has'),
    shell: runs,
    code_signing: ignored('nothing is signed here'),
  },
  macos: { xcode: simulated('the job uses what is installed') },
  retention: { caches: simulated('caches stay until you clean up') },
  run: {
    ...stepKeys,
    ...all('command', 'shell', 'environment', 'background', 'working_directory', 'no_output_timeout'),
    ...all('max_auto_reruns', 'auto_rerun_delay'),
    teardown: ignored('steps of a teardown are not run'),
  },
  checkout: {
    ...stepKeys,
    path: runs,
    method: simulated('the job gets your working tree'),
    depth: simulated('the job gets your working tree'),
  },
  save_cache: { ...stepKeys, ...all('key', 'paths') },
  restore_cache: { ...stepKeys, ...all('key', 'keys') },
  store_artifacts: { ...stepKeys, ...all('path', 'destination') },
  store_test_results: { ...stepKeys, ...all('path') },
  persist_to_workspace: { ...stepKeys, ...all('root', 'paths', 'path') },
  attach_workspace: { ...stepKeys, ...all('at') },
  add_ssh_keys: { ...stepKeys, fingerprints: ignored('the job runs with the keys that your own agent holds') },
  setup_remote_docker: {
    ...stepKeys,
    version: ignored('the job reaches an engine only with `--mount-socket`'),
    docker_layer_caching: ignored('the engine keeps its layers anyway'),
    resource_class: ignored('a remote engine has no class'),
    prefer_same_region: ignored('there is no region'),
  },
  when: all('condition', 'steps'),
  unless: all('condition', 'steps'),
  workflow: { ...all('jobs', 'when', 'unless', 'triggers', 'max_auto_reruns') },
  trigger: { schedule: simulated('`--event schedule` starts it') },
  schedule: { cron: simulated('`--event schedule` starts it'), filters: simulated('the branch is the one you are on') },
  invocation: {
    ...all('name', 'requires', 'type', 'filters', 'matrix', 'pre-steps', 'post-steps', 'serial-group', 'upstream'),
    context: simulated('variables of contexts come from your settings'),
    'override-with': simulated("the orb's job where it is on this machine, else the job itself"),
  },
  matrix: all('parameters', 'exclude', 'alias'),
  filters: all('branches', 'tags'),
  filter: all('only', 'ignore'),
  group: { jobs: runs, description: forPeople },
} as const satisfies Readonly<Record<string, Keys>>;

/** A place of the language that knows some keys. */
export type CirclePlace = keyof typeof language;

/** What keys don't say: steps, types, conditions, operators. */
export const languageFeatures = {
  step: {
    ...all('run', 'deploy', 'checkout', 'save_cache', 'restore_cache', 'store_artifacts', 'store_test_results'),
    ...all('persist_to_workspace', 'attach_workspace', 'when', 'unless', 'steps', 'with_tool_cache'),
    add_ssh_keys: ignored('the job runs with the keys that your own agent holds'),
    setup_remote_docker: ignored('the job reaches an engine only with `--mount-socket`'),
    install_signing_bundle: ignored('nothing is signed here'),
  },
  'parameter type': all('string', 'boolean', 'integer', 'enum', 'executor', 'steps', 'env_var_name'),
  'job type': {
    ...all('build', 'no-op', 'approval'),
    release: simulated('it has nothing to run here'),
    lock: simulated('it has nothing to run here: one run has this machine for itself'),
    unlock: simulated('it has nothing to run here: one run has this machine for itself'),
  },
  condition: all('and', 'or', 'not', 'equal', 'matches'),
  operator: all('and', 'or', 'not', '==', '!=', '<', '<=', '>', '>=', 'starts-with', 'contains', 'matches'),
  tag: all('parameters', 'matrix', 'pipeline', 'pipeline.parameters', '\\<<', '<<# … >>', '<<^ … >>'),
} as const satisfies Readonly<Record<string, Keys>>;

/** One row of the support matrix: `job/parallelism`. */
export interface CircleSupportRow {
  readonly id: string;
  readonly support: CircleSupport;
}

/** What each key and feature of the language does here, sorted. The documentation and the tests are held against it. */
export function circleSupportMatrix(): readonly CircleSupportRow[] {
  const places: readonly (readonly [string, Keys])[] = [
    ...Object.entries(language),
    ...Object.entries(languageFeatures),
  ];
  const rows = places.flatMap(([place, keys]) =>
    Object.entries(keys).map(([key, support]) => ({ id: `${place}/${key}`, support })),
  );
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}
