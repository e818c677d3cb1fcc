import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { mergeVariables, variableLookup } from '../../expressions/merge-variables.ts';
import { sortAndExpand } from '../../expressions/sort-and-expand.ts';
import type { BridgeNode, Plan } from '../../model/plan.ts';
import { prefixIds } from '../../plan/prefix-ids.ts';
import { forwardedVariables } from './forwarded-variables.ts';
import { type Downstream, makeChild, type Origin } from './make-downstream.ts';
import { makeProject } from './make-project.ts';

/** A pipeline that a bridge would start, as far as files that are there tell. */
export type Preview =
  | { readonly kind: 'known'; readonly file: string; readonly plan: Plan; readonly below: Previews }
  /** The bridge would fail, or be passed over. */
  | { readonly kind: 'none'; readonly because: string }
  /** It can only be known when it runs. */
  | { readonly kind: 'unknown'; readonly because: string };

/** By the bridge's id in the run. */
export type Previews = ReadonlyMap<string, Preview>;

/** What a plan's bridges would start; runs nothing. Diagnostics of their files are collected. */
export async function previewDownstream(
  origin: Origin,
  { nodes }: Plan,
  report: (found: readonly Diagnostic[], origin: Origin) => void,
): Promise<Previews> {
  const previews = new Map<string, Preview>();
  for (const node of nodes) if (node.kind === 'bridge') previews.set(node.id, await preview(origin, node, report));
  return previews;
}

async function preview(
  origin: Origin,
  node: BridgeNode,
  report: (found: readonly Diagnostic[], origin: Origin) => void,
): Promise<Preview> {
  const { trigger } = node.definition;
  if (trigger.kind === 'followed') return { kind: 'unknown', because: `shows how ${trigger.project.value} did` };
  const maker =
    trigger.kind === 'child' ? trigger.files.find(({ madeBy, expected }) => madeBy && !expected)?.madeBy : undefined;
  if (maker !== undefined) return { kind: 'unknown', because: `known when ${maker} has made its file` };
  const made = await makeNow(origin, node);
  report(made.diagnostics, made.kind === 'made' || made.kind === 'empty' ? made.origin : origin);
  if (made.kind === 'passed-over') return { kind: 'none', because: made.because };
  if (made.kind === 'refused') return { kind: 'none', because: `fails: ${made.message}` };
  const plan = prefixIds(made.plan, `${node.id}/`);
  const below = await previewDownstream(made.origin, plan, report);
  return { kind: 'known', file: made.origin.name, plan, below };
}

function makeNow(origin: Origin, node: BridgeNode): Promise<Downstream> {
  const variables = sortAndExpand(mergeVariables(node.variables), { as: 'final' });
  const { pipelineVariables } = origin.context;
  const forwarded = forwardedVariables(node, { pipelineVariables, dotenv: [], variables });
  const facts = { pipelineId: origin.pipelineId, number: 1, variable: variableLookup(variables), forwarded };
  const make = node.definition.trigger.kind === 'project' ? makeProject : makeChild;
  return make(origin, node, { ...facts, files: origin.files });
}
