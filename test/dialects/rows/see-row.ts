import type { Diagnostic } from '../../../src/diagnostics/diagnostic.ts';
import type { Compiled } from '../../../src/dialects/dialect.ts';
import type { Selection } from '../../../src/model/plan.ts';
import { type PlanResult, plan } from '../../../src/plan/plan.ts';
import { toValue } from '../../../src/syntax/node.ts';
import { compileText, testContext } from '../../support/compile-text.ts';
import type { Given, Seen } from './row-cases.ts';

export interface SeenRow {
  readonly compiled: Compiled | undefined;
  readonly planned: PlanResult | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

const wholePipeline: Selection = {
  selectors: [],
  stages: [],
  withNeeds: true,
  manual: [],
  executor: 'auto',
  defaultTimeoutMs: 3_600_000,
};

/** Compiles and plans a file as `ci plan` does, in memory. */
export async function seeRow(given: Given): Promise<SeenRow> {
  const { compiled, diagnostics } = await compileText(given.text, given);
  const planned = compiled && plan(compiled.pipeline, testContext(given), { ...wholePipeline, ...given.selection });
  return { compiled, planned, diagnostics: [...diagnostics, ...(planned?.diagnostics ?? [])] };
}

/** What a file that was taken became. */
export function seen({ compiled, planned, diagnostics }: SeenRow): Seen {
  const { pipeline, config } = compiled!;
  const made = planned!.value!;
  return {
    pipeline,
    plan: made,
    diagnostics,
    config: toValue(config),
    job: (name) => one(pipeline.jobs, name, (job) => job.name),
    node: (id) => one(made.nodes, id, (node) => node.id),
    decision: (name) => one(made.decisions, name, (decision) => decision.name),
  };
}

function one<T>(list: readonly T[], name: string, nameOf: (item: T) => string): T {
  const found = list.find((item) => nameOf(item) === name);
  if (found === undefined) throw new Error(`no \`${name}\` among ${list.map(nameOf).join(', ')}`);
  return found;
}
