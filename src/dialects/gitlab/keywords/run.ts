import type { RefuseStep, RunStep } from '../../../model/step.ts';
import type { VariableDefinition } from '../../../model/variable.ts';
import type { MapNode, Node } from '../../../syntax/node.ts';
import { strictMode } from '../../strict-mode.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, notRunYet, type Reading } from '../reading.ts';
import { refused, runs } from '../support.ts';
import { field, flatItems, kindOf, readText, textField } from '../values.ts';
import { readVariables } from './variables.ts';

/** Steps with a script of their own; or why the job can't be run, where one of them comes from elsewhere. */
export type RunSteps = readonly RunStep[] | RefuseStep;

/** Steps instead of a script. Source: https://docs.gitlab.com/ci/steps/ */
export const run: Keyword<RunSteps> = {
  name: 'run',
  scopes: ['job'],
  parts: {
    ...runs('name', 'script', 'env'),
    step: refused("the job fails and says so: steps from elsewhere need GitLab's step runner"),
    func: refused("the job fails and says so: functions from elsewhere need GitLab's step runner"),
    inputs: refused('only steps from elsewhere have inputs'),
  },
  read: ({ value: node }, reading) => {
    if (node.kind !== 'seq' || node.items.length === 0) {
      invalidValue(reading, node.span, `\`run\` must be a list of steps, not ${kindOf(node)}`);
      return undefined;
    }
    const steps = flatItems(node, 'run', reading).flatMap((item) => readStep(item, reading) ?? []);
    return steps.find((step) => step.kind === 'refuse') ?? steps.filter((step) => step.kind === 'run');
  },
};

const sources = ['step', 'func', 'action'] as const;

function readStep(node: Node, reading: Reading): RunStep | RefuseStep | undefined {
  if (node.kind !== 'map') {
    invalidValue(reading, node.span, `a step of \`run\` must be a map, not ${kindOf(node)}`);
    return undefined;
  }
  const name = textField(node, 'name', 'run:name', reading);
  if (name === undefined) {
    if (!field(node, 'name')) invalidValue(reading, node.span, 'a step of `run` has no `name`');
    return undefined;
  }
  const variables = readEnvironment(node, reading);
  const written = field(node, 'script');
  const script = written && readText(written.value, 'run:script', reading);
  if (written === undefined) return readSource(name, node, reading);
  if (script === undefined) return undefined;
  const expression = /\$\{\{.*?\}\}/.exec(script)?.[0];
  if (expression !== undefined)
    return refuse(`the step \`${name}\` of \`run\` uses ${expression}, which only GitLab's step runner fills in`);
  return {
    ...{ kind: 'run', phase: 'script', when: 'on_success', name, script: [strictMode, script] },
    ...{ echo: 'plain', variables, background: false },
  };
}

/** Values are taken as they are: a shell has no part in them. */
function readEnvironment(node: MapNode, reading: Reading): readonly VariableDefinition[] {
  const env = field(node, 'env');
  const read = env ? readVariables(env.value, 'run:env', reading) : [];
  return read.map((variable) => ({ ...variable, raw: true }));
}

function readSource(name: string, node: MapNode, reading: Reading): RefuseStep | undefined {
  const key = sources.find((each) => field(node, each) !== undefined);
  if (key === undefined) {
    invalidValue(
      reading,
      node.span,
      `the step \`${name}\` of \`run\` has neither \`script\` nor \`func\` nor \`step\``,
    );
    return undefined;
  }
  const { value, keySpan } = field(node, key)!;
  notRunYet(reading, keySpan, `run:${key}`, 'the job fails and says so');
  const from = value.kind === 'scalar' ? ` from \`${value.text}\`` : '';
  return refuse(`the step \`${name}\` of \`run\` is taken${from} by GitLab's step runner, which is not part of ci`);
}

function refuse(message: string): RefuseStep {
  const hint = 'write what it does as a step with `script`, or run this job on a GitLab server';
  return { kind: 'refuse', phase: 'prepare', when: 'on_success', reason: 'runner_unsupported', message, hint };
}
