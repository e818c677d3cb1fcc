import type { Span } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, MapNode, Node } from '../../syntax/node.ts';
import { toValue } from '../../syntax/node.ts';
import { entry, map, scalar, seq } from './reading.ts';
import type { WorkflowJob } from './workflows.ts';

/** `as-written`: a file of version 2, which the service gives back as it is. */
export type PrintedForm = 'compiled' | 'as-written';

/** What of a workflow is printed. */
export interface PrintedWorkflow {
  readonly name: string;
  readonly span: Span;
  readonly jobs: readonly WorkflowJob[];
  readonly leftOutBecause?: string;
  readonly settings: readonly MapEntry[];
}

/** Jobs by name, each once, and the workflows that list them, in the form of CircleCI's `config process`. */
export function printedConfig(workflows: readonly PrintedWorkflow[], root: MapNode, form: PrintedForm): MapNode {
  const jobs = new Map<string, MapEntry>();
  const lists: MapEntry[] = [];
  for (const workflow of workflows) {
    if (workflow.leftOutBecause !== undefined) continue;
    const items = workflow.jobs.map((job) => printedEntry(job, form, job.body && addJob(jobs, job, job.body, form)));
    const entries = [...workflow.settings, entry('jobs', seq(items, workflow.span))];
    lists.push(entry(workflow.name, map(entries, workflow.span), workflow.span));
  }
  lists.push(entry('version', scalar(2, root.span)));
  return map(
    [
      entry('version', scalar(2, root.span)),
      entry('jobs', map(jobs.values(), root.span)),
      entry('workflows', map(lists, root.span)),
    ],
    root.span,
  );
}

/** The name under which the job is printed: its own, unless another job has it already. */
function addJob(
  jobs: Map<string, MapEntry>,
  { name, span }: WorkflowJob,
  expanded: MapNode,
  form: PrintedForm,
): string {
  const body = form === 'compiled' ? withListedVariables(expanded) : expanded;
  for (let number = 0; ; number++) {
    const candidate = number === 0 ? name : `${name}-${number}`;
    const other = jobs.get(candidate);
    if (other === undefined) jobs.set(candidate, entry(candidate, body, span));
    else if (!isSame(other.value, body)) continue;
    return candidate;
  }
}

function isSame(one: Node, other: Node): boolean {
  return one === other || JSON.stringify(toValue(one)) === JSON.stringify(toValue(other));
}

/** The service prints the variables of a job as a list of maps with one entry each. */
function withListedVariables(body: MapNode): MapNode {
  const variables = body.entries.get('environment');
  if (variables?.value.kind !== 'map') return body;
  const items = [...variables.value.entries.values()].map((each) => map([each], each.keySpan));
  return map([...body.entries.values(), { ...variables, value: seq(items, variables.value.span) }], body.span);
}

function printedEntry(job: WorkflowJob, form: PrintedForm, printedName = job.name): Node {
  const settings: MapEntry[] = [];
  const add = (key: string, value: Node | undefined): void => {
    if (value !== undefined) settings.push(entry(key, value, job.span));
  };
  const texts = (list: readonly string[]): Node =>
    seq(
      list.map((text) => scalar(text, job.span)),
      job.span,
    );
  if (job.type === 'approval') add('type', scalar('approval', job.span));
  if (printedName !== job.name) add('name', scalar(job.name, job.span));
  if (job.contexts.length > 0) add('context', texts(job.contexts));
  if (job.requires.length > 0) add('requires', texts(job.requires.map(({ name }) => name)));
  if (job.requires.length > 0 && (form === 'compiled' || job.requires.some(({ statuses }) => statuses))) {
    const upstream = job.requires.map(({ name, span, statuses = ['success'] }) => entry(name, texts(statuses), span));
    add('upstream', map(upstream, job.span));
  }
  add('filters', job.filters);
  if (job.serialGroup !== undefined) add('serial-group', scalar(job.serialGroup, job.span));
  const name = scalar(printedName, job.span);
  return settings.length === 0 ? name : map([entry(printedName, map(settings, job.span), job.span)], job.span);
}
