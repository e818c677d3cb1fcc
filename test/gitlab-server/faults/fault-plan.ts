import { createHash } from 'node:crypto';
import type { DecideFault, Fault, FaultQuestion } from './fault.ts';

export interface FaultPlan {
  readonly seed: string;
  /** The share of requests that something happens to, 0 to 1. */
  readonly rate: number;
  readonly faults: readonly Fault[];
  /** Names of routes. Default: all. */
  readonly routes?: readonly string[];
  /** After so many faults in a row a request of the same route and job gets through. Default: 3. */
  readonly inARow?: number;
}

/**
 * Faults by a seed. What happens to a request depends on the seed, its route, its job and its number among those alone:
 * never on what other jobs do meanwhile.
 */
export function planFaults(plan: FaultPlan): DecideFault {
  const row = new Map<string, number>();
  return (question) => {
    if (plan.routes !== undefined && !plan.routes.includes(question.route)) return undefined;
    const key = `${question.route} ${question.jobId ?? ''}`;
    const before = row.get(key) ?? 0;
    const fault = before >= (plan.inARow ?? 3) ? undefined : pick(plan, key, question);
    row.set(key, fault === undefined ? 0 : before + 1);
    return fault;
  };
}

function pick(plan: FaultPlan, key: string, { nth }: FaultQuestion): Fault | undefined {
  const digest = createHash('sha256').update(`${plan.seed} ${key} ${nth}`).digest();
  if (digest.readUInt32BE(0) / 2 ** 32 >= plan.rate) return undefined;
  return plan.faults[digest.readUInt32BE(4) % plan.faults.length];
}
