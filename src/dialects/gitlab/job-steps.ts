import type { RefuseStep, RunStep, Step } from '../../model/step.ts';
import type { MapNode } from '../../syntax/node.ts';
import { assertNever } from '../../util/assert-never.ts';
import { take } from './keyword.ts';
import { afterScript } from './keywords/after-script.ts';
import { artifacts } from './keywords/artifacts.ts';
import { beforeScript } from './keywords/before-script.ts';
import { cache } from './keywords/cache.ts';
import { hooks } from './keywords/hooks.ts';
import { release } from './keywords/release.ts';
import { script } from './keywords/script.ts';
import { pagesSite, withSite } from './pages-site.ts';
import type { Reading } from './reading.ts';
import type { JobText, OwnSteps } from './vocabulary.ts';

/** Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/ (RUNNER_AFTER_SCRIPT_TIMEOUT) */
const afterScriptTimeoutMs = 300_000;

/** What a job does between its caches and artifacts. */
export type JobBody =
  | { readonly kind: 'script' }
  | { readonly kind: 'own'; readonly steps: OwnSteps }
  /** GitLab's `run`, all of them scripts. */
  | { readonly kind: 'run'; readonly steps: readonly RunStep[] }
  /** Nothing of it can be run; the job says why and fails. */
  | { readonly kind: 'unable'; readonly refusal: RefuseStep };

/**
 * The life of a job in GitLab Runner's order: hook, sources, caches and artifacts in, script, release, `after_script`, caches and
 * artifacts out. Source: https://docs.gitlab.com/runner/executors/#job-execution-flow
 */
export function jobSteps(job: JobText, body: JobBody): readonly Step[] {
  const { name, node, reading } = job;
  const caches = take(node, cache, reading) ?? [];
  const site = pagesSite(name, node, reading);
  const uploads = withSite(take(node, artifacts, reading) ?? [], site);
  const after = take(node, afterScript, reading) ?? [];
  const hook = take(node, hooks, reading)?.preGetSources ?? [];
  const [sources, middle] = bodySteps(node, body, reading);
  return [
    ...(hook.length === 0 ? [] : [runStep('pre_get_sources_script', 'prepare', hook)]),
    ...sources,
    ...caches.flatMap(({ restore }) => restore ?? []),
    { kind: 'download-artifacts', phase: 'prepare', when: 'on_success' },
    ...middle,
    ...[take(node, release, reading) ?? []].flat(),
    ...(after.length === 0 ? [] : [runStep('after_script', 'after', after)]),
    ...caches.flatMap(({ save }) => save ?? []),
    ...uploads,
    ...(site === undefined ? [] : [site]),
  ];
}

/** What comes before caches and artifacts are there, and what after. */
function bodySteps(node: MapNode, body: JobBody, reading: Reading): readonly [readonly Step[], readonly Step[]] {
  const checkout: Step = { kind: 'checkout', phase: 'prepare', when: 'on_success' };
  switch (body.kind) {
    case 'script': {
      const commands = [...(take(node, beforeScript, reading) ?? []), ...(take(node, script, reading) ?? [])];
      return [[checkout], [runStep('step_script', 'script', commands)]];
    }
    case 'run':
      return [[checkout], body.steps];
    case 'own': {
      const { steps } = body.steps;
      const first = steps.findIndex((step) => step.phase !== 'prepare');
      const split = first < 0 ? steps.length : first;
      return [steps.slice(0, split), steps.slice(split)];
    }
    case 'unable':
      return [[body.refusal], []];
    default:
      return assertNever(body);
  }
}

function runStep(name: string, phase: 'prepare' | 'script' | 'after', commands: readonly string[]): RunStep {
  return {
    kind: 'run',
    phase,
    when: phase === 'after' ? 'always' : 'on_success',
    name,
    script: commands,
    echo: 'gitlab',
    variables: [],
    background: false,
    ...(phase === 'after' ? { timeoutMs: afterScriptTimeoutMs } : {}),
  };
}
