import { fileURLToPath } from 'node:url';
import type { EngineLocation } from '../../executors/docker/engine-address.ts';
import { type Owner, thisOwner } from '../../util/process-owner.ts';
import { type ReaperProcess, startReaperProcess } from '../../util/reaper-process.ts';
import type { Invocation } from '../invocation.ts';

/** What the reaper of a run is told: where to look for what the run leaves if it is killed. */
export interface ReaperOrder {
  readonly owner: Owner;
  /** `Run.workspacesDirectory`. */
  readonly workspaces?: string;
  /** `Run.keptDirectory`, of which that goes that nobody kept. */
  readonly kept?: string;
  /** The user's `PATH`. */
  readonly path: string;
  /** Where its containers are; none: it has no jobs in containers. */
  readonly engines: readonly EngineLocation[];
}

/** The variables of ours that it gets: what an `ssh` to the engine needs, and nothing that may be a secret. */
const passedOn = ['HOME', 'LOGNAME', 'PATH', 'SSH_AUTH_SOCK', 'USER', 'XDG_RUNTIME_DIR'];

/**
 * Starts what removes this run's containers, processes, mounts and directories should we be killed. It waits in a shell
 * and becomes this program once more when it acts, so it costs a run one small process.
 */
export function startReaper(
  invocation: Invocation,
  directories: Pick<ReaperOrder, 'workspaces' | 'kept'>,
  engines: readonly EngineLocation[],
): ReaperProcess | undefined {
  const order = reaperOrder(invocation, directories, engines);
  const program = fileURLToPath(new URL('bin/ci.js', invocation.packageRoot));
  return startReaperProcess({
    program: [process.execPath, program, '__reap'],
    order: JSON.stringify(order),
    env: passedOnOf(invocation),
  });
}

/** What this process leaves, should it be killed. It holds no secret. */
export function reaperOrder(
  invocation: Invocation,
  directories: Pick<ReaperOrder, 'workspaces' | 'kept'>,
  engines: readonly EngineLocation[],
): ReaperOrder {
  const environment = passedOnOf(invocation);
  return {
    owner: thisOwner(),
    ...directories,
    path: invocation.env['PATH'] ?? '',
    engines: engines.map((engine) => ({ ...engine, environment })),
  };
}

function passedOnOf(invocation: Invocation): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const name of passedOn) {
    const value = invocation.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}
