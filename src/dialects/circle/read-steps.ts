import type { CacheKey, RunStep, Step, StepWhen, UploadArtifactsStep } from '../../model/step.ts';
import type { MapEntry, Node } from '../../syntax/node.ts';
import { parseDuration } from '../../util/duration.ts';
import { strictMode } from '../strict-mode.ts';
import { readEnvironment } from './environment.ts';
import { booleanOf } from './parameters.ts';
import { entry, field, kindOf, map, problem, type Reading, textOf } from './reading.ts';

/** CircleCI ends a step that prints nothing for so long. Source: https://circleci.com/docs/reference/configuration-reference/#run */
const noOutputMs = 10 * 60_000;

type ReadStep = (step: MapEntry, reading: Reading) => Step | undefined;

const readers: Readonly<Record<string, ReadStep>> = {
  add_ssh_keys: (step, reading) => leftAside(step, 'the job runs with the keys that your own agent holds', reading),
  attach_workspace: readAttach,
  checkout: readCheckout,
  deploy: readRun,
  persist_to_workspace: readPersist,
  restore_cache: readRestoreCache,
  run: readRun,
  save_cache: readSaveCache,
  setup_remote_docker: (step, reading) =>
    leftAside(step, 'the job reaches an engine only with `--mount-socket`', reading),
  store_artifacts: readStoreArtifacts,
  store_test_results: readTestResults,
};

/** The steps of a job whose commands are put in already, in the model's words. */
export function readSteps(nodes: readonly Node[], reading: Reading): readonly Step[] {
  return nodes.flatMap((node) => {
    const step = asEntry(node);
    const read = step && Object.hasOwn(readers, step.key) ? readers[step.key] : undefined;
    return step === undefined || read === undefined ? [] : (read(step, reading) ?? []);
  });
}

function asEntry(node: Node): MapEntry | undefined {
  const name = textOf(node);
  if (name !== undefined) return entry(name, map([], node.span));
  return node.kind === 'map' ? [...node.entries.values()][0] : undefined;
}

function leftAside(step: MapEntry, instead: string, reading: Reading): undefined {
  reading.report({
    code: 'circle/not-run',
    severity: 'warning',
    message: `\`${step.key}\` does nothing here: ${instead}`,
    span: step.keySpan,
  });
  return undefined;
}

/** The text below a key of a step, told when it is something else. */
function text(step: MapEntry, key: string, reading: Reading): string | undefined {
  const found = field(step.value, key);
  if (found === undefined) return undefined;
  const value = textOf(found.value);
  if (value === undefined) {
    const message = `\`${step.key}\` wants a text for \`${key}\`, not ${kindOf(found.value)}`;
    problem(reading, 'circle/wrong-type', found.value.span, message);
  }
  return value;
}

function required(step: MapEntry, key: string, reading: Reading): string | undefined {
  if (field(step.value, key) === undefined) {
    problem(reading, 'circle/step', step.keySpan, `\`${step.key}\` wants \`${key}\``);
    return undefined;
  }
  return text(step, key, reading);
}

/** One text, or a list of texts; an empty list when the key is not there. */
function texts(step: MapEntry, key: string, reading: Reading): readonly string[] {
  const found = field(step.value, key);
  if (found === undefined) return [];
  return (found.value.kind === 'seq' ? found.value.items : [found.value]).flatMap((item) => {
    const value = textOf(item);
    if (value === undefined) {
      problem(
        reading,
        'circle/wrong-type',
        item.span,
        `\`${step.key}\` wants texts for \`${key}\`, not ${kindOf(item)}`,
      );
    }
    return value ?? [];
  });
}

const whens: Readonly<Record<string, StepWhen>> = {
  always: 'always',
  on_success: 'on_success',
  on_fail: 'on_failure',
};

function whenOf(step: MapEntry, reading: Reading): StepWhen {
  const written = text(step, 'when', reading);
  if (written === undefined) return 'on_success';
  const known = Object.hasOwn(whens, written) ? whens[written] : undefined;
  if (known !== undefined) return known;
  const hint = `write one of ${Object.keys(whens).join(', ')}`;
  problem(reading, 'circle/step', field(step.value, 'when')!.value.span, `there is no \`when: ${written}\``, { hint });
  return 'on_success';
}

function duration(step: MapEntry, key: string, reading: Reading): number | undefined {
  const found = field(step.value, key);
  const written = textOf(found?.value);
  const ms = written === undefined ? undefined : parseDuration(written);
  if (found !== undefined && (ms === undefined || ms <= 0)) {
    const hint = 'write it like `20m`, `1.25h` or `5s`';
    problem(reading, 'circle/step', found.value.span, `\`${key}\` must be a time, not ${kindOf(found.value)}`, {
      hint,
    });
  }
  return ms;
}

/** Variables that earlier steps have written into the file that `BASH_ENV` names: bash alone reads it. */
const bashEnvironment = 'if [ -n "${BASH_VERSION:-}" ] && [ -f "${BASH_ENV:-}" ]; then . "$BASH_ENV"; fi';

/** What comes before a command: a step with a shell of its own says there what it wants. */
function preludeOf(shell: string | undefined): readonly string[] {
  if (shell === undefined) return [strictMode, bashEnvironment];
  return /^(?:\S*\/)?bash(?:\s|$)/.test(shell) ? [bashEnvironment] : [];
}

function readRun(step: MapEntry, reading: Reading): RunStep | undefined {
  const command = required(step, 'command', reading);
  if (command === undefined) return undefined;
  const shell = text(step, 'shell', reading);
  const directory = text(step, 'working_directory', reading);
  const background = field(step.value, 'background')?.value;
  const variables = field(step.value, 'environment');
  return {
    kind: 'run',
    phase: 'script',
    when: whenOf(step, reading),
    name: text(step, 'name', reading) ?? command.trim().split('\n', 1)[0]!.trimEnd(),
    script: [...preludeOf(shell), command],
    echo: 'plain',
    variables: variables === undefined ? [] : readEnvironment(variables, reading),
    background: booleanOf(background) ?? false,
    noOutputTimeoutMs: duration(step, 'no_output_timeout', reading) ?? noOutputMs,
    ...(shell === undefined ? {} : { shell }),
    ...(directory === undefined ? {} : { directory }),
  };
}

function readCheckout(step: MapEntry, reading: Reading): Step {
  const path = text(step, 'path', reading);
  const method = text(step, 'method', reading);
  if (method !== undefined && !['full', 'blobless', 'shallow'].includes(method)) {
    const hint = 'write `full`, `blobless` or `shallow`';
    problem(reading, 'circle/step', field(step.value, 'method')!.value.span, `there is no method \`${method}\``, {
      hint,
    });
  }
  if (method === 'shallow' && field(step.value, 'depth') === undefined) {
    problem(reading, 'circle/step', step.keySpan, 'a `shallow` checkout wants `depth`', { hint: 'add `depth: 1`' });
  }
  return { kind: 'checkout', phase: 'script', when: 'on_success', ...(path === undefined ? {} : { path }) };
}

function template(key: string): CacheKey {
  return { kind: 'template', text: key };
}

function readSaveCache(step: MapEntry, reading: Reading): Step | undefined {
  const key = required(step, 'key', reading);
  if (key === undefined) return undefined;
  if (field(step.value, 'paths') === undefined) {
    problem(reading, 'circle/step', step.keySpan, '`save_cache` wants `paths`');
  }
  return {
    kind: 'save-cache',
    phase: 'script',
    when: whenOf(step, reading),
    key: template(key),
    paths: texts(step, 'paths', reading),
    untracked: false,
    overwrite: false,
  };
}

function readRestoreCache(step: MapEntry, reading: Reading): Step | undefined {
  const keys = [...texts(step, 'key', reading), ...texts(step, 'keys', reading)];
  if (keys.length === 0) {
    problem(reading, 'circle/step', step.keySpan, '`restore_cache` wants `key` or `keys`');
    return undefined;
  }
  const when = whenOf(step, reading);
  return { kind: 'restore-cache', phase: 'script', when, keys: keys.map(template), match: 'prefix', paths: [] };
}

function readPersist(step: MapEntry, reading: Reading): Step | undefined {
  const root = required(step, 'root', reading);
  if (root === undefined) return undefined;
  if (field(step.value, 'paths') === undefined) {
    problem(reading, 'circle/step', step.keySpan, '`persist_to_workspace` wants `paths`');
  }
  const paths = texts(step, 'paths', reading);
  return { kind: 'persist-workspace', phase: 'script', when: 'on_success', root, paths };
}

function readAttach(step: MapEntry, reading: Reading): Step | undefined {
  const at = required(step, 'at', reading);
  return at === undefined ? undefined : { kind: 'attach-workspace', phase: 'script', when: 'on_success', at };
}

/** Kept after success and failure. Source: https://circleci.com/docs/reference/configuration-reference/#storeartifacts */
function readStoreArtifacts(step: MapEntry, reading: Reading): UploadArtifactsStep | undefined {
  const path = required(step, 'path', reading);
  if (path === undefined) return undefined;
  const destination = text(step, 'destination', reading);
  return {
    kind: 'upload-artifacts',
    phase: 'script',
    when: 'always',
    type: 'stored',
    paths: [path],
    exclude: [],
    untracked: false,
    ...(destination === undefined ? {} : { destination }),
  };
}

function readTestResults(step: MapEntry, reading: Reading): Step | undefined {
  const path = required(step, 'path', reading);
  return path === undefined ? undefined : { kind: 'test-report', phase: 'script', when: 'always', path };
}
