import type { Span } from '../../../diagnostics/diagnostic.ts';
import type { ExistsCondition, Rule, When } from '../../../model/pipeline.ts';
import type { Node } from '../../../syntax/node.ts';
import { readAutoCancel } from '../auto-cancel.ts';
import { readExpression } from '../expression-check.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { runs, simulated } from '../support.ts';
import { booleanField, field, flatItems, kindOf, readTexts, textField, wordField } from '../values.ts';
import { readAllowFailure } from './allow-failure.ts';
import { readNeeds } from './needs.ts';
import { readStartIn } from './start-in.ts';
import { readVariables } from './variables.ts';

const whens: readonly When[] = ['on_success', 'on_failure', 'always', 'manual', 'delayed', 'never'];

/** When a job is in the pipeline, and how: the first rule that matches decides. */
export const rules: Keyword<readonly Rule[]> = {
  name: 'rules',
  scopes: ['job', 'workflow'],
  partsListedAs: 'rules/',
  parts: {
    ...runs('if', 'changes', 'changes:paths', 'changes:compare_to', 'exists', 'exists:paths'),
    ...runs('when', 'allow_failure', 'variables', 'needs', 'start_in', 'interruptible', 'auto_cancel'),
    'exists:project': simulated('the project is looked for where `--project` says that it lies'),
    'exists:ref': simulated('the ref is looked for in the checkout that `--project` names'),
  },
  read: (entry, reading) => {
    const { value } = entry;
    if (value.kind !== 'seq') {
      invalidValue(reading, value.span, `\`rules\` must be a list, not ${kindOf(value)}`);
      return undefined;
    }
    if (value.items.length === 0) {
      reading.report({
        code: 'gitlab/rules-empty',
        severity: 'error',
        message: '`rules` is an empty list',
        span: value.span,
        hint: 'leave `rules` out, or write `rules: null` to take inherited rules away',
      });
      return undefined;
    }
    const read = flatItems(value, 'rules', reading).flatMap((item) => readRule(item, reading) ?? []);
    // Nothing is left where all rules stand in files that could not be read.
    return read.length === 0 ? undefined : read;
  },
};

/** One rule of a job, of the workflow, or of an include. */
export function readRule(node: Node, reading: Reading): Rule | undefined {
  if (node.kind !== 'map') {
    invalidValue(reading, node.span, `a rule must be a map, not ${kindOf(node)}`);
    return undefined;
  }
  const condition = field(node, 'if');
  const expression = condition && readExpression(condition.value, 'rules:if', reading);
  const when = wordField(node, 'when', 'rules:when', whens, reading);
  const allowFailure = field(node, 'allow_failure');
  const variables = field(node, 'variables');
  const needs = field(node, 'needs');
  const interruptible = booleanField(node, 'interruptible', 'rules:interruptible', reading);
  const allowed = allowFailure && readAllowFailure(allowFailure.value, reading);
  const onJobFailure = readAutoCancel(node, reading);
  return {
    span: node.span,
    // A condition that can't be read is an error already; the rule must not match everything because of it.
    ...(condition ? { if: expression ?? { value: 'false', span: condition.value.span } } : {}),
    ...readChanges(node, reading),
    ...readExists(node, reading),
    ...(when === undefined ? {} : { when }),
    ...readStart(node, when, reading),
    ...(allowed === undefined ? {} : { allowFailure: allowed }),
    ...(variables ? { variables: readVariables(variables.value, 'rules:variables', reading) } : {}),
    ...(needs ? { needs: readNeeds(needs.value, reading) } : {}),
    ...(interruptible === undefined ? {} : { interruptible }),
    ...(onJobFailure === undefined ? {} : { autoCancelOnJobFailure: onJobFailure }),
  };
}

function readChanges(node: Node, reading: Reading): Pick<Rule, 'changes'> {
  const entry = field(node, 'changes');
  if (entry === undefined) return {};
  const { value } = entry;
  const list = value.kind === 'map' ? field(value, 'paths')?.value : value;
  const compareTo =
    value.kind === 'map' ? textField(value, 'compare_to', 'rules:changes:compare_to', reading) : undefined;
  return {
    changes: {
      paths: list ? readTexts(list, 'rules:changes', reading) : [],
      span: value.span,
      ...(compareTo === undefined ? {} : { compareTo }),
    },
  };
}

function readExists(node: Node, reading: Reading): { readonly exists?: ExistsCondition } {
  const entry = field(node, 'exists');
  if (entry === undefined) return {};
  const { value } = entry;
  if (value.kind !== 'map') return { exists: { paths: readTexts(value, 'rules:exists', reading), span: value.span } };
  const paths = field(value, 'paths');
  const project = textField(value, 'project', 'rules:exists:project', reading);
  const ref = textField(value, 'ref', 'rules:exists:ref', reading);
  return {
    exists: {
      paths: paths ? readTexts(paths.value, 'rules:exists', reading) : [],
      span: value.span,
      ...(project === undefined ? {} : { project }),
      ...(ref === undefined ? {} : { ref }),
    },
  };
}

/** Source: lib/gitlab/ci/config/entry/rules/rule.rb */
function readStart(node: Node, when: When | undefined, reading: Reading): Pick<Rule, 'startInMs'> {
  const entry = field(node, 'start_in');
  const tell = (span: Span, message: string): void =>
    reading.report({ code: 'gitlab/start-in', severity: 'error', message, span });
  if (when === 'delayed' && entry === undefined) tell(node.span, 'a rule with `when: delayed` needs `start_in`');
  if (when !== 'delayed' && entry) tell(entry.keySpan, '`start_in` of a rule is for `when: delayed` alone');
  const startInMs = entry && readStartIn(entry.value, 'rules:start_in', reading);
  return startInMs === undefined ? {} : { startInMs };
}
