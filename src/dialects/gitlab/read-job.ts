import type { Span } from '../../diagnostics/diagnostic.ts';
import type { FollowedPipeline, JobDefinition, When } from '../../model/pipeline.ts';
import type { MapEntry, MapNode } from '../../syntax/node.ts';
import { readInherit } from './defaults.ts';
import { fillJobInputs } from './inputs/job-inputs.ts';
import { jobBody } from './job-body.ts';
import { jobSteps } from './job-steps.ts';
import { take } from './keyword.ts';
import { allowFailure } from './keywords/allow-failure.ts';
import { coverage } from './keywords/coverage.ts';
import { dependencies } from './keywords/dependencies.ts';
import { environment } from './keywords/environment.ts';
import { except } from './keywords/except.ts';
import { idTokens } from './keywords/id-tokens.ts';
import { image } from './keywords/image.ts';
import { notRunJobKeywords } from './keywords/index.ts';
import { interruptible } from './keywords/interruptible.ts';
import { manualConfirmation } from './keywords/manual-confirmation.ts';
import { needs, readForeignNeeds } from './keywords/needs.ts';
import { only } from './keywords/only.ts';
import { parallel } from './keywords/parallel.ts';
import { resourceGroup } from './keywords/resource-group.ts';
import { retry } from './keywords/retry.ts';
import { rules } from './keywords/rules.ts';
import { secrets } from './keywords/secrets.ts';
import { services } from './keywords/services.ts';
import { stage } from './keywords/stage.ts';
import { startIn } from './keywords/start-in.ts';
import { tags } from './keywords/tags.ts';
import { timeout } from './keywords/timeout.ts';
import { trigger } from './keywords/trigger.ts';
import { variables } from './keywords/variables.ts';
import { when } from './keywords/when.ts';
import { invalidValue, type Reading } from './reading.ts';
import { type AssumedRefs, readRefPolicy } from './ref-policy.ts';
import { field } from './values.ts';
import type { JobText, Vocabulary } from './vocabulary.ts';

type Common = Omit<Extract<JobDefinition, { kind: 'approval' }>, 'kind'>;

/**
 * Makes the model's job of one merged and resolved job of the file.
 * @param entry the job's name and place.
 * @param refs for which refs the job is if it does not say so.
 */
export function readJob(entry: MapEntry, text: JobText, vocabulary: Vocabulary, refs: AssumedRefs): JobDefinition {
  const { reading } = text;
  const node = fillJobInputs(entry.key, text.node, reading);
  const job = { ...text, node };
  for (const keyword of notRunJobKeywords) take(node, keyword, reading);
  checkRules(node, reading);
  const common = readCommon(entry, node, refs, reading);
  if (field(node, 'trigger') || mirrorsPipeline(node)) {
    checkBridge(entry, node, reading);
    return { kind: 'bridge', ...common, trigger: take(node, trigger, reading) ?? followed(node) };
  }
  const body = jobBody(entry, job, vocabulary);
  return { kind: 'job', ...common, ...readScriptKeys(node, reading), steps: jobSteps(job, body) };
}

function readCommon(entry: MapEntry, node: MapNode, refs: AssumedRefs, reading: Reading): Common {
  const jobWhen = take(node, when, reading) ?? 'on_success';
  const startInMs = readStart(node, jobWhen, reading);
  return {
    name: entry.key,
    span: entry.keySpan,
    stage: take(node, stage, reading) ?? { value: 'test', span: entry.keySpan },
    when: jobWhen,
    variables: take(node, variables, reading) ?? [],
    inheritVariables: readInherit(node, reading).variables,
    interruptible: take(node, interruptible, reading) ?? false,
    ...given('rules', take(node, rules, reading)),
    ...given('refPolicy', readRefPolicy({ node, span: entry.keySpan }, { only, except }, refs, reading)),
    ...given('startInMs', startInMs),
    ...given('allowFailure', take(node, allowFailure, reading)),
    ...given('needs', take(node, needs, reading)),
    ...given('parallel', take(node, parallel, reading)),
    ...given('resourceGroup', take(node, resourceGroup, reading)),
    ...given('environment', take(node, environment, reading)),
    ...given('manualConfirmation', take(node, manualConfirmation, reading)),
  };
}

function readScriptKeys(node: MapNode, reading: Reading) {
  const needed = field(node, 'needs');
  const foreignNeeds = needed ? readForeignNeeds(needed.value, reading) : [];
  return {
    ...(foreignNeeds.length > 0 ? { foreignNeeds } : {}),
    services: take(node, services, reading) ?? [],
    retry: take(node, retry, reading) ?? { max: 0 },
    tags: take(node, tags, reading) ?? [],
    ...given('image', take(node, image, reading)),
    ...given('dependencies', take(node, dependencies, reading)),
    ...given('timeoutMs', take(node, timeout, reading)),
    ...given('coverage', take(node, coverage, reading)),
    ...given('idTokens', take(node, idTokens, reading)),
    ...given('secrets', take(node, secrets, reading)),
  };
}

/** A property that is left out when there is no value, as `exactOptionalPropertyTypes` wants. */
function given<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: T };
}

function readStart(node: MapNode, jobWhen: When, reading: Reading): number | undefined {
  const entry = field(node, 'start_in');
  const tell = (span: Span, message: string): void =>
    reading.report({ code: 'gitlab/start-in', severity: 'error', message, span });
  if (jobWhen === 'delayed' && !entry) tell(field(node, 'when')!.value.span, '`when: delayed` needs `start_in`');
  if (jobWhen !== 'delayed' && entry) tell(entry.keySpan, '`start_in` is for `when: delayed` alone');
  return take(node, startIn, reading);
}

function checkRules(node: MapNode, reading: Reading): void {
  if (!field(node, 'rules')) return;
  // Source: lib/gitlab/ci/config/entry/processable.rb
  for (const key of ['only', 'except', 'start_in']) {
    const entry = field(node, key);
    if (!entry) continue;
    reading.report({
      code: 'gitlab/rules-with-only',
      severity: 'error',
      message: `a job may not have both \`rules\` and \`${key}\``,
      span: entry.keySpan,
      related: [{ message: '`rules` stands here', span: field(node, 'rules')!.keySpan }],
    });
  }
}

/** What a job without a usable `trigger` follows. */
function followed(node: MapNode): FollowedPipeline {
  const needs = field(node, 'needs')?.value;
  const items = needs?.kind === 'seq' ? needs.items : needs ? [needs] : [];
  const project = items.map((item) => field(item, 'pipeline')?.value).find((value) => value !== undefined);
  const value = project?.kind === 'scalar' ? project.text : '';
  return { kind: 'followed', project: { value, span: project?.span ?? node.span } };
}

/** A job that only shows how another pipeline did. Source: https://docs.gitlab.com/ci/yaml/#needspipeline */
function mirrorsPipeline(node: MapNode): boolean {
  const entry = field(node, 'needs');
  if (entry === undefined || field(node, 'script') || field(node, 'run')) return false;
  const items = entry.value.kind === 'seq' ? entry.value.items : [entry.value];
  return items.some((item) => field(item, 'pipeline') !== undefined && field(item, 'job') === undefined);
}

/** Keys of a job that runs commands, which GitLab refuses beside `trigger`. Source: https://docs.gitlab.com/ci/yaml/#trigger */
const keysOfScripts = [
  'after_script',
  'artifacts',
  'before_script',
  'cache',
  'coverage',
  'dependencies',
  'image',
  'release',
  'retry',
  'services',
  'tags',
  'timeout',
] as const;

function checkBridge(job: MapEntry, node: MapNode, reading: Reading): void {
  checkScriptKeys(job, node, reading);
  const delayed = field(node, 'when')?.value;
  // Source: lib/gitlab/ci/config/entry/bridge.rb (`ALLOWED_WHEN`)
  if (delayed?.kind === 'scalar' && delayed.text === 'delayed') {
    invalidValue(reading, delayed.span, 'a job that starts another pipeline can not be delayed');
  }
  const script = field(node, 'script');
  const started = field(node, 'trigger');
  if (!script || !started) return;
  reading.report({
    code: 'gitlab/script-and-trigger',
    severity: 'error',
    message: `the job \`${job.key}\` has both a \`script\` and a \`trigger\``,
    span: script.keySpan,
    related: [{ message: '`trigger` stands here', span: started.keySpan }],
  });
}

function checkScriptKeys(job: MapEntry, node: MapNode, reading: Reading): void {
  const started = field(node, 'trigger');
  if (!started || field(node, 'script')) return;
  for (const key of keysOfScripts) {
    const entry = field(node, key);
    if (!entry) continue;
    reading.report({
      code: 'gitlab/key-with-trigger',
      severity: 'error',
      message: `the job \`${job.key}\` has a \`trigger\`, which \`${key}\` can't stand beside`,
      span: entry.keySpan,
      related: [{ message: '`trigger` stands here', span: started.keySpan }],
    });
  }
}
