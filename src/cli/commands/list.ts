import type { Decision } from '../../model/plan.ts';
import { renderTable } from '../../reporters/table.ts';
import { oneLine } from '../../reporters/terminal-text.ts';
import { withNodesBelow } from '../downstream/with-nodes-below.ts';
import { exitCodes } from '../exit-code.ts';
import { type Invocation, print, printJson, printMessage } from '../invocation.ts';
import { loadWholePlan } from '../load-plan.ts';
import type { PlanOptions } from '../options.ts';

/** Options of `ci list`; `text` is a table, cut to the width of a terminal. */
export type ListOptions = PlanOptions & { readonly format: 'text' | 'json' };

/** `ci list`: the jobs of the pipeline, and why each is in or out. */
export async function list(
  invocation: Invocation,
  selectors: readonly string[],
  options: ListOptions,
): Promise<number> {
  const { plan: own, previews } = await loadWholePlan(invocation, selectors, options);
  const decisions = withNodesBelow(own, previews).flatMap(({ plan: each, bridge }) =>
    each.decisions.map((one) => (bridge === undefined ? one : { ...one, name: `${bridge}/${one.name}` })),
  );
  const plan = { ...own, decisions };
  if (options.format === 'json') {
    await printJson(invocation, { schema: 'ci/1', jobs: plan.decisions.map(toJson) });
    return exitCodes.ok;
  }
  if (plan.leftOutBecause !== undefined) {
    await printMessage(invocation, `the pipeline is left out: ${plan.leftOutBecause}`);
  }
  if (plan.decisions.length === 0) {
    await printMessage(invocation, 'the file has no jobs');
    return exitCodes.ok;
  }
  const rows = plan.decisions.map((decision) => [
    oneLine(legs(decision), { color: false }),
    oneLine(decision.stage, { color: false }),
    decision.included ? decision.when : '-',
    oneLine(decision.needs.map(({ job }) => job).join(', '), { color: false }),
    decision.executor,
    decision.included ? 'in' : 'out',
    oneLine(decision.because, { color: false }),
  ]);
  const { columns } = invocation.stdout;
  const lines = renderTable(rows, {
    header: ['name', 'stage', 'when', 'needs', 'executor', '', 'because'],
    ...(columns === undefined ? {} : { columns }),
  });
  await print(invocation.stdout, `${lines.join('\n')}\n`);
  return exitCodes.ok;
}

function legs({ name, ids }: Decision): string {
  return ids.length > 1 ? `${name} (${ids.length})` : name;
}

/** A decision as `--format json` prints it. */
export function toJson(decision: Decision): object {
  const { name, stage, when, needs, allowFailure, executor, image, included, because, ids } = decision;
  return {
    name,
    stage,
    when,
    needs: needs.map(({ job }) => job),
    allowFailure: typeof allowFailure === 'boolean' ? allowFailure : { exitCodes: allowFailure.exitCodes },
    executor,
    ...(image === undefined ? {} : { image }),
    included,
    because,
    ids,
  };
}
