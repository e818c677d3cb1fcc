import type { Decision } from '../../model/plan.ts';
import type { Invocation } from '../invocation.ts';
import { defaultSelection, type LoadedDecisions, planOf } from '../load-plan.ts';
import type { PlanOptions } from '../options.ts';
import { projectOpener } from './open-project.ts';
import { originOf } from './origin-of.ts';
import { previewDownstream } from './preview-downstream.ts';
import { withNodesBelow } from './with-nodes-below.ts';

/** A job of a pipeline that a bridge would start, with what was decided about the others of that pipeline. */
export interface DecisionBelow {
  readonly decision: Decision;
  readonly all: LoadedDecisions;
  /** Its name there, or that of one of its legs. */
  readonly name: string;
}

/** @param id as `ci list` has it: `bridge/job`. Undefined: no file that is there tells of such a job. */
export async function decisionBelow(
  invocation: Invocation,
  { loaded }: LoadedDecisions,
  id: string,
  options: PlanOptions,
): Promise<DecisionBelow | undefined> {
  const own = planOf(loaded, defaultSelection);
  if (
    own === undefined ||
    !own.nodes.some(({ kind, id: bridge }) => kind === 'bridge' && id.startsWith(`${bridge}/`))
  ) {
    return undefined;
  }
  const open = projectOpener(invocation, loaded, { flags: options.project ?? [], policy: 'never' });
  const origin = originOf(loaded, { selection: defaultSelection, pipelineId: '1', open });
  const previews = await previewDownstream(origin, own, () => {});
  for (const { plan, bridge } of withNodesBelow(own, previews)) {
    if (bridge === undefined || !id.startsWith(`${bridge}/`)) continue;
    const name = id.slice(bridge.length).replace(/^\/+/, '');
    const isIt = (one: Decision): boolean =>
      one.name === name || one.ids.includes(id) || (one.legs?.some((leg) => leg.name === name) ?? false);
    const decision = plan.decisions.find(isIt);
    if (decision === undefined) continue;
    const { decisions, leftOutBecause, workflow } = plan;
    const about = { ...(leftOutBecause && { leftOutBecause }), ...(workflow && { workflow }) };
    return { decision, all: { loaded, decisions, ...about }, name };
  }
  return undefined;
}
