import type { CacheKey, Step, UploadArtifactsStep } from '../../model/step.ts';
import type { MapEntry, Node } from '../../syntax/node.ts';
import { handOver } from './continuation.ts';
import { goGlob } from './go-glob.ts';
import { readRun } from './read-run.ts';
import { entry, field, map, problem, type Reading, textOf } from './reading.ts';
import { continueStep } from './stand-in.ts';
import { literal, required, text, texts, whenOf } from './step-fields.ts';

/** What a job says for all of its steps. */
export interface StepDefaults {
  /** `shell` of the job or its executor. */
  readonly shell?: string;
}

type ReadStep = (step: MapEntry, reading: Reading, defaults: StepDefaults) => Step | readonly Step[] | undefined;

const readers: Readonly<Record<string, ReadStep>> = {
  add_ssh_keys: (step, reading) => leftAside(step, 'the job runs with the keys that your own agent holds', reading),
  attach_workspace: readAttach,
  checkout: readCheckout,
  [continueStep]: (step, reading) => handOver(step, whenOf(step, reading)),
  deploy: readRun,
  persist_to_workspace: readPersist,
  restore_cache: readRestoreCache,
  run: readRun,
  save_cache: readSaveCache,
  setup_remote_docker: (step, reading) => ({
    kind: 'reach-engine',
    phase: 'script',
    when: whenOf(step, reading),
  }),
  store_artifacts: readStoreArtifacts,
  store_test_results: readTestResults,
};

/** The steps of a job whose commands are put in already, in the model's words. */
export function readSteps(nodes: readonly Node[], reading: Reading, defaults: StepDefaults = {}): readonly Step[] {
  return nodes.flatMap((node) => {
    const step = asEntry(node);
    const read = step && Object.hasOwn(readers, step.key) ? readers[step.key] : undefined;
    return step === undefined || read === undefined ? [] : (read(step, reading, defaults) ?? []);
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
  return {
    kind: 'checkout',
    phase: 'script',
    when: whenOf(step, reading),
    ...(path === undefined ? {} : { path: literal(path) }),
  };
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
    paths: texts(step, 'paths', reading).map(literal),
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
  const written = [...texts(step, 'paths', reading), ...texts(step, 'path', reading)];
  if (field(step.value, 'paths') === undefined && field(step.value, 'path') === undefined) {
    problem(reading, 'circle/step', step.keySpan, '`persist_to_workspace` wants `paths`');
  }
  const paths = written.map((path) => literal(goGlob(path)));
  return { kind: 'persist-workspace', phase: 'script', when: whenOf(step, reading), root: literal(root), paths };
}

function readAttach(step: MapEntry, reading: Reading): Step | undefined {
  const at = required(step, 'at', reading);
  if (at === undefined) return undefined;
  return { kind: 'attach-workspace', phase: 'script', when: whenOf(step, reading), at: literal(at) };
}

/** Kept after success and failure. Source: https://circleci.com/docs/reference/configuration-reference/#storeartifacts */
function readStoreArtifacts(step: MapEntry, reading: Reading): UploadArtifactsStep | undefined {
  const path = required(step, 'path', reading);
  if (path === undefined) return undefined;
  const destination = text(step, 'destination', reading);
  return {
    kind: 'upload-artifacts',
    phase: 'script',
    when: whenOf(step, reading, 'always'),
    type: 'stored',
    paths: [literal(path)],
    exclude: [],
    untracked: false,
    ...(destination === undefined ? {} : { destination: literal(destination) }),
  };
}

function readTestResults(step: MapEntry, reading: Reading): Step | undefined {
  const path = required(step, 'path', reading);
  if (path === undefined) return undefined;
  return { kind: 'test-report', phase: 'script', when: whenOf(step, reading, 'always'), path: literal(path) };
}
