import type { BridgeNode } from '../model/plan.ts';
import type { NodeRun } from './node-run.ts';

/** Does a bridge take over how its pipeline ends? */
export function waitsForChild({ node }: NodeRun): boolean {
  return node.kind === 'bridge' && strategyOf(node) !== 'none';
}

/** How a bridge and its pipeline belong together. */
export function strategyOf({ definition: { trigger } }: BridgeNode): 'none' | 'depend' | 'mirror' {
  return trigger.kind === 'followed' ? 'mirror' : trigger.strategy;
}
