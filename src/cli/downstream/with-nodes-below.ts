import type { Plan } from '../../model/plan.ts';
import type { Previews } from './preview-downstream.ts';

/** All nodes of a plan and of what its bridges would start. */
export function withNodesBelow(
  plan: Plan,
  previews: Previews,
): readonly { readonly plan: Plan; readonly bridge?: string }[] {
  const found: { readonly plan: Plan; readonly bridge?: string }[] = [{ plan }];
  const add = (below: Previews): void => {
    for (const [bridge, each] of below) {
      if (each.kind !== 'known') continue;
      found.push({ plan: each.plan, bridge });
      add(each.below);
    }
  };
  add(previews);
  return found;
}
