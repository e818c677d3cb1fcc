import type { CacheKey, RunStep, SaveCacheStep, Step, StepWhen, UploadArtifactsStep } from '../../model/step.ts';
import { parseDuration } from '../../util/duration.ts';
import type { RunnerEntry } from '../config/runner-config.ts';
import type { ArtifactPayload, CachePayload, JobPayload } from '../network/payload.ts';

/** Where RUNNER_AFTER_SCRIPT_TIMEOUT says nothing else. Source: https://docs.gitlab.com/ci/runners/configure_runners/ */
const afterScriptTimeoutMs = 300_000;

/**
 * The life of a server's job in GitLab Runner's order: hooks and sources, caches and artifacts in, the steps,
 * `after_script`, caches and artifacts out. Source: "4. Build" of GitLab Runner's behaviour.
 */
export function jobSteps(job: JobPayload, runner: RunnerEntry): readonly Step[] {
  const { preGetSources, postGetSources } = runner.scripts;
  // Nobody gets sources, so that nothing comes before or after it.
  const strategy = job.variables.findLast(({ key }) => key === 'GIT_STRATEGY')?.value;
  const hasSources = strategy !== 'none' && strategy !== 'empty';
  const hook = (name: string): readonly string[] => job.hooks.find((one) => one.name === name)?.script ?? [];
  const before = [...given(preGetSources), ...hook('pre_get_sources_script')];
  const after = [...hook('post_get_sources_script'), ...given(postGetSources)];
  const caches = job.cache
    .filter(({ paths, untracked }) => paths.length > 0 || untracked)
    .map((cache) => ({ ...cache, key: cache.key.trim() === '' ? usualKey(job) : cache.key }));
  return [
    ...(hasSources ? runSteps('pre_get_sources_script', 'prepare', before) : []),
    { kind: 'checkout', phase: 'prepare', when: 'on_success' },
    ...(hasSources ? runSteps('post_get_sources_script', 'prepare', after) : []),
    ...caches.map(
      (cache): Step => ({
        kind: 'restore-cache',
        phase: 'prepare',
        when: 'on_success',
        keys: [cache.key, ...cache.fallbackKeys.filter((key) => key.trim() !== '')].map(keyOf),
        match: 'exact',
        policy: cache.policy === '' ? 'pull-push' : cache.policy,
        paths: cache.paths,
      }),
    ),
    { kind: 'download-artifacts', phase: 'prepare', when: 'on_success' },
    ...scriptSteps(job, runner),
    ...caches.flatMap(saveStep),
    ...job.artifacts.flatMap(uploadStep),
  ];
}

function given(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [text];
}

/** Each step is a stage of its own, in their order; the first that fails is the last. `after_script` comes after them. */
function scriptSteps({ steps }: JobPayload, { scripts }: RunnerEntry): readonly Step[] {
  const isAfter = ({ name }: { readonly name: string }): boolean => name === 'after_script';
  const ordered = [...steps.filter((step) => !isAfter(step)), ...steps.filter(isAfter)];
  return ordered.flatMap(({ name, script }) => {
    if (script.length === 0) return [];
    if (name === 'after_script') return runSteps('after_script', 'after', script);
    const all = [...given(scripts.preBuild), ...script, ...given(scripts.postBuild)];
    return runSteps(`step_${name.toLowerCase()}`, 'script', all);
  });
}

function runSteps(name: string, phase: RunStep['phase'], script: readonly string[]): readonly RunStep[] {
  if (script.length === 0) return [];
  const step: RunStep = {
    kind: 'run',
    phase,
    when: phase === 'after' ? 'always' : 'on_success',
    name,
    script,
    echo: 'gitlab',
    variables: [],
    background: false,
    ...(phase === 'after' ? { timeoutMs: afterScriptTimeoutMs } : {}),
  };
  return [step];
}

/** Names, in which nothing is expanded. */
function usualKey({ jobInfo, gitInfo }: JobPayload): string {
  return `${jobInfo.name}/${gitInfo.ref}`.replaceAll('$', '$$$$');
}

function keyOf(text: string): CacheKey {
  return { kind: 'text', text };
}

function saveStep(cache: CachePayload): readonly SaveCacheStep[] {
  const when = whenOf(cache.when);
  if (when === undefined) return [];
  const step: SaveCacheStep = {
    kind: 'save-cache',
    phase: 'finish',
    when,
    key: keyOf(cache.key),
    paths: cache.paths,
    untracked: cache.untracked,
    policy: cache.policy === '' ? 'pull-push' : cache.policy,
    overwrite: true,
  };
  return [step];
}

/** Artifacts of no files are none. */
function uploadStep(artifact: ArtifactPayload): readonly UploadArtifactsStep[] {
  const when = whenOf(artifact.when);
  if (when === undefined || (artifact.paths.length === 0 && !artifact.untracked)) return [];
  const expireInMs = artifact.expireIn === '' ? undefined : parseDuration(artifact.expireIn);
  const step: UploadArtifactsStep = {
    kind: 'upload-artifacts',
    phase: 'finish',
    when,
    type: artifact.type === '' ? 'archive' : artifact.type,
    ...(artifact.name === '' ? {} : { name: artifact.name }),
    paths: artifact.paths,
    exclude: artifact.exclude,
    untracked: artifact.untracked,
    ...(expireInMs === undefined ? {} : { expireInMs }),
    asked: { format: artifact.format || 'zip', expireIn: artifact.expireIn },
  };
  return [step];
}

/** Undefined: a word that nobody knows is never the case, as with GitLab Runner. */
function whenOf(written: string): StepWhen | undefined {
  if (written === '') return 'on_success';
  return written === 'always' || written === 'on_failure' || written === 'on_success' ? written : undefined;
}
