import type { RunStep, Step } from '../../model/step.ts';
import type { MapNode } from '../../syntax/node.ts';
import { take } from './keyword.ts';
import { afterScript } from './keywords/after-script.ts';
import { artifacts } from './keywords/artifacts.ts';
import { beforeScript } from './keywords/before-script.ts';
import { cache } from './keywords/cache.ts';
import { script } from './keywords/script.ts';
import type { Reading } from './reading.ts';
import type { OwnSteps } from './vocabulary.ts';

/** Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/ (RUNNER_AFTER_SCRIPT_TIMEOUT) */
const afterScriptTimeoutMs = 300_000;

/** What a job does between its caches and artifacts. */
export type JobBody =
  | { readonly kind: 'script' }
  | { readonly kind: 'own'; readonly steps: OwnSteps }
  /** Nothing of it can be run; the job says why and fails. */
  | { readonly kind: 'unable'; readonly because: string };

/**
 * The life of a job in GitLab Runner's order: sources, caches and artifacts in, script, `after_script`, caches and
 * artifacts out. Source: https://docs.gitlab.com/runner/executors/#job-execution-flow
 */
export function jobSteps(node: MapNode, body: JobBody, reading: Reading): readonly Step[] {
  const caches = take(node, cache, reading) ?? [];
  const uploads = take(node, artifacts, reading) ?? [];
  const after = take(node, afterScript, reading) ?? [];
  const [sources, middle] = bodySteps(node, body, reading);
  return [
    ...sources,
    ...caches.flatMap(({ restore }) => restore ?? []),
    { kind: 'download-artifacts', phase: 'prepare', when: 'on_success' },
    ...middle,
    ...(after.length === 0 ? [] : [runStep('after_script', 'after', after)]),
    ...caches.flatMap(({ save }) => save ?? []),
    ...uploads,
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
    case 'own': {
      const { steps } = body.steps;
      const first = steps.findIndex((step) => step.phase !== 'prepare');
      const split = first < 0 ? steps.length : first;
      return [steps.slice(0, split), steps.slice(split)];
    }
    case 'unable':
      return [[], [runStep('step_script', 'script', [`echo ${quote(body.because)} >&2`, 'exit 1'])]];
  }
}

function runStep(name: string, phase: 'script' | 'after', commands: readonly string[]): RunStep {
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

/** One word for any POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
