import type { JobDescription } from '../description.ts';
import type { Job, Runner } from './model.ts';

/** May the runner take the job, by its tags and by what ref it is of? */
export function matches(runner: Runner, job: Job): boolean {
  const tags = job.description.tags ?? [];
  if (runner.accessLevel === 'ref_protected' && job.pipeline.description.protected !== true) return false;
  return (runner.runUntagged || tags.length > 0) && tags.every((tag) => runner.tags.includes(tag));
}

/** What a runner must say that it can, to get the job. */
export function neededFeatures(job: Job): readonly string[] {
  const { artifacts, release, allowFailure, cache }: JobDescription = job.description;
  const needs: readonly (readonly [string, boolean])[] = [
    ['upload_multiple_artifacts', Object.keys(artifacts?.reports ?? {}).length > 0],
    ['refspecs', job.pipeline.description.mergeRequest === true],
    ['artifacts_exclude', (artifacts?.exclude ?? []).length > 0],
    ['multi_build_steps', release !== undefined],
    ['return_exit_code', typeof allowFailure === 'object'],
    ['fallback_cache_keys', (cache ?? []).some(({ fallbackKeys }) => (fallbackKeys ?? []).length > 0)],
  ];
  return needs.filter(([, needed]) => needed).map(([name]) => name);
}
