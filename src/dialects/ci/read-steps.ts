import type { Step } from '../../model/step.ts';
import type { MapEntry, Node } from '../../syntax/node.ts';
import { didYouMean } from '../../util/nearest.ts';
import { readExpression } from '../gitlab/expression-check.ts';
import { holds } from '../gitlab/include-rules.ts';
import { notRunYet } from '../gitlab/reading.ts';
import { field, flatItems, kindOf, textField } from '../gitlab/values.ts';
import type { JobText, OwnSteps } from '../gitlab/vocabulary.ts';
import {
  readAttach,
  readPersist,
  readRestoreCache,
  readSaveCache,
  readStoreArtifacts,
  readStoreTestResults,
  readUpload,
} from './file-steps.ts';
import { readRun } from './run-step.ts';
import { invalidStep, requiredField } from './step-values.ts';

type ReadStep = (step: MapEntry, job: JobText) => readonly Step[];

const one =
  (read: (step: MapEntry, reading: JobText['reading']) => Step | undefined): ReadStep =>
  (step, job) => {
    const read1 = read(step, job.reading);
    return read1 ? [read1] : [];
  };

const readers: Readonly<Record<string, ReadStep>> = {
  attach_workspace: one(readAttach),
  checkout: one(readCheckout),
  persist_to_workspace: one(readPersist),
  restore_cache: one(readRestoreCache),
  run: one(readRun),
  save_cache: one(readSaveCache),
  store_artifacts: one(readStoreArtifacts),
  store_test_results: one(readStoreTestResults),
  upload: one(readUpload),
  when: readConditional,
};

/** Steps of a job that has `steps`, in the user's order; undefined when it has none. */
export function readSteps(job: JobText): OwnSteps | undefined {
  const entry = field(job.node, 'steps');
  if (entry === undefined) return undefined;
  for (const key of ['script', 'before_script', 'run', 'trigger']) {
    const other = field(job.node, key);
    if (!other) continue;
    job.reading.report({
      code: 'ci/steps-and-script',
      severity: 'error',
      message: `the job \`${job.name}\` has both \`steps\` and \`${key}\``,
      span: other.keySpan,
      hint: `put what \`${key}\` does into a \`run\` step`,
      related: [{ message: '`steps` stands here', span: entry.keySpan }],
    });
  }
  const steps = readList(entry.value, job);
  if (steps.length === 0 && entry.value.kind === 'seq' && entry.value.items.length === 0) {
    invalidStep(job.reading, entry.value.span, `the job \`${job.name}\` has no steps`);
  }
  return { steps: prepareSources(steps) };
}

/** Sources that come before anything else are part of preparing the job; all else keeps the user's order. */
function prepareSources(steps: readonly Step[]): readonly Step[] {
  const first = steps.findIndex((step) => step.kind !== 'checkout');
  return steps.map((step, index) => (first < 0 || index < first ? { ...step, phase: 'prepare' } : step));
}

function readList(node: Node, job: JobText): readonly Step[] {
  if (node.kind !== 'seq') {
    invalidStep(job.reading, node.span, `\`steps\` must be a list, not ${kindOf(node)}`);
    return [];
  }
  return flatItems(node, 'steps', job.reading).flatMap((item) => readStep(item, job));
}

function readStep(node: Node, job: JobText): readonly Step[] {
  const step = asEntry(node);
  if (step === undefined) {
    invalidStep(job.reading, node.span, 'a step must be a name or a map with one key', 'start each step with a dash');
    return [];
  }
  const read = Object.hasOwn(readers, step.key) ? readers[step.key] : undefined;
  if (read) return read(step, job);
  const hint = didYouMean(step.key, Object.keys(readers)) ?? `steps are ${Object.keys(readers).join(', ')}`;
  job.reading.report({
    code: 'ci/unknown-step',
    severity: 'error',
    message: `there is no step \`${step.key}\``,
    span: step.keySpan,
    hint,
  });
  return [];
}

/** `checkout` is short for `checkout: null`. */
function asEntry(node: Node): MapEntry | undefined {
  if (node.kind === 'scalar' && typeof node.value === 'string') {
    const nothing: Node = { kind: 'scalar', value: null, text: '', span: node.span };
    return { key: node.text, keySpan: node.span, value: nothing };
  }
  if (node.kind !== 'map' || node.entries.size !== 1) return undefined;
  return [...node.entries.values()][0];
}

function readCheckout(step: MapEntry, reading: JobText['reading']): Step {
  const path = textField(step.value, 'path', 'checkout:path', reading);
  const method = field(step.value, 'method');
  if (method) notRunYet(reading, method.keySpan, 'checkout:method', 'the job gets the whole tree as it is');
  return { kind: 'checkout', phase: 'script', when: 'on_success', ...(path === undefined ? {} : { path }) };
}

/** `when`: decided now, with the variables that are known while the file is read. */
function readConditional(step: MapEntry, job: JobText): readonly Step[] {
  const condition = requiredField(step, 'condition', job.reading);
  const steps = condition && requiredField(step, 'steps', job.reading);
  if (condition === undefined || steps === undefined) return [];
  const read = readList(steps.value, job);
  return decide(condition.value, job) ? read : [];
}

function decide(node: Node, job: JobText): boolean {
  if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
  const expression = readExpression(node, 'condition', job.reading);
  return expression !== undefined && holds(expression.value, job.variable);
}
