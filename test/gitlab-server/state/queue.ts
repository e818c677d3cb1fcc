import { dependenciesOf } from './dependencies.ts';
import { matches, neededFeatures } from './matching.ts';
import { isExecuting, type Job, type Runner, type RunnerManager } from './model.ts';
import type { Store } from './store.ts';
import { timeoutOf } from './timeout.ts';
import { drop, setStatus } from './transitions.ts';

/** So many jobs are looked at in one request. */
const maxDepth = 45;

/** What comes of a search for a job. `conflict`: the runner should ask again (409). */
export type Found =
  | { readonly kind: 'job'; readonly job: Job; readonly size: number; readonly depth: number }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'conflict' };

/** After its timeout a job has so long to tell how it ended. */
const tokenLeewayMs = 5 * 60_000;

/** What a runner says of itself with a request. */
export interface Asking {
  readonly runner: Runner;
  readonly manager: RunnerManager;
  readonly features: Readonly<Record<string, unknown>>;
  readonly session: Readonly<Record<string, unknown>>;
}

/** Looks for a job, oldest first. One that the runner can't run, or whose artifacts are gone, fails on the way. */
export function takeJob(store: Store, asking: Asking): Found {
  if (store.conflicts > 0) {
    store.conflicts--;
    return { kind: 'conflict' };
  }
  const candidates = [...store.jobs.values()].filter((job) => isWaiting(job) && matches(asking.runner, job));
  for (const [index, job] of candidates.entries()) {
    if (index >= maxDepth) return { kind: 'conflict' };
    const problem = preAssignProblem(store, job, asking);
    if (problem === undefined) {
      assign(store, job, asking);
      return { kind: 'job', job, size: candidates.length, depth: index + 1 };
    }
    drop(store, job, problem);
  }
  return { kind: 'nothing' };
}

function isWaiting(job: Job): boolean {
  return job.status === 'pending' && job.waitingForAck === undefined;
}

function assign(store: Store, job: Job, { runner, manager, features, session }: Asking): void {
  const { systemId } = manager;
  job.runner = runner;
  job.session = session;
  job.tokenExpiresAtMs = store.now() + Math.max(60, timeoutOf(job)) * 1000 + tokenLeewayMs;
  // Not what this request says, but what is kept of the machine.
  job.cancelGracefully = manager.kept.features['cancel_gracefully'] === true;
  job.handedOut++;
  if (features['two_phase_job_commit'] === true) {
    job.waitingForAck = { systemId, heardAtMs: store.now() };
  } else {
    job.managerId = systemId;
    setStatus(store, job, 'running');
  }
}

function preAssignProblem(store: Store, job: Job, { features }: Asking): string | undefined {
  if (dependenciesOf(job).some((other) => hasLostArtifacts(store, other))) return 'missing_dependency_failure';
  if (neededFeatures(job).some((name) => features[name] !== true)) return 'runner_unsupported';
  return job.pipeline.project.pendingDelete ? 'project_deleted' : undefined;
}

function hasLostArtifacts(store: Store, job: Job): boolean {
  const archive = job.artifacts.get('archive');
  return job.erased || (archive?.expiresAtMs !== undefined && archive.expiresAtMs <= store.now());
}

/** The job whose token it is, if a runner may speak for it now. */
export function executingJobOf(store: Store, token: string): Job | undefined {
  return [...store.jobs.values()].find(
    (job) => job.token === token && isExecuting(job) && !job.erased && job.tokenExpiresAtMs > store.now(),
  );
}
