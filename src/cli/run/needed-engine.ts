import type { Engine } from '../../executors/docker/engine.ts';
import { SystemError } from '../../model/outcome.ts';
import type { Plan, PlanNode } from '../../model/plan.ts';
import type { Invocation } from '../invocation.ts';
import type { LoadedPlan } from '../load-plan.ts';
import { engineLocation } from './executors.ts';

/**
 * The container engine, found before anything is started, for a plan that can't succeed without one. Undefined: none of
 * its jobs is sure to want it; those that come to want it look for it themselves.
 * @throws SystemError when no engine answers: once for all jobs, with what can be run without.
 */
export async function neededEngine(invocation: Invocation, { loaded, plan }: LoadedPlan): Promise<Engine | undefined> {
  const needing = plan.nodes.filter(needsEngine);
  if (needing.length === 0) return undefined;
  const { connectEngine } = await import('../../executors/docker/engine.ts');
  try {
    return await connectEngine(engineLocation(invocation.env, loaded.settings.engineHost));
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const hints = [error.hint, ...withoutEngine(plan)].filter((hint) => hint !== undefined);
    throw new SystemError(error.reason, `${wanted(needing, plan)}: nothing was started, since ${error.message}`, {
      cause: error,
      hint: hints.join('; '),
    });
  }
}

/** Will it be started unless something fails before? A job of `on_failure` is no reason to give all the others up. */
function needsEngine(node: PlanNode): boolean {
  return isInContainer(node) && node.when !== 'manual' && node.when !== 'on_failure';
}

function isInContainer(node: PlanNode): boolean {
  return node.kind === 'job' && node.executor === 'docker';
}

function wanted(needing: readonly PlanNode[], { nodes }: Plan): string {
  const [first, ...more] = needing;
  if (more.length === 0) return `job ${first!.id} runs in a container`;
  const who = needing.length === nodes.length ? `all ${nodes.length}` : `${needing.length} of ${nodes.length}`;
  return `${who} jobs run in containers`;
}

/** How to run the jobs that neither are in containers nor wait for any that is. */
function withoutEngine({ nodes }: Plan): readonly string[] {
  const tied = new Set(nodes.filter(isInContainer).map(({ id }) => id));
  for (let size = -1; size !== tied.size; ) {
    size = tied.size;
    for (const { id, needs } of nodes) if (needs.some((need) => tied.has(need.id))) tied.add(id);
  }
  const free = nodes.filter(({ id, kind }) => kind === 'job' && !tied.has(id)).map(({ id }) => id);
  if (free.length === 0) return [];
  const shown = free.length > 5 ? [...free.slice(0, 5), '…'] : free;
  return [`jobs that need no engine: ${shown.join(', ')} (\`ci run NAME…\` runs them alone)`];
}
