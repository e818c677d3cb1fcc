import {
  type ContainerOptions,
  isPrivilegedService,
  unusualOptions,
} from '../../executors/docker/container-options.ts';
import type { PullRules } from '../../executors/docker/pull-policies.ts';
import { isEngineImage } from '../../executors/docker/service-names.ts';
import type { BridgeNode, JobNode, Plan, PlanNode } from '../../model/plan.ts';
import type { Variable } from '../../model/variable.ts';
import { oneLine } from '../../reporters/terminal-text.ts';
import { formatDuration } from '../../util/duration.ts';
import { containerOptions, pullRules } from '../container-settings.ts';
import type { Previews } from '../downstream/preview-downstream.ts';
import { exitCodes } from '../exit-code.ts';
import { type Invocation, print, printJson } from '../invocation.ts';
import { loadWholePlan } from '../load-plan.ts';
import type { PlanOptions } from '../options.ts';
import { imageText, limitFields, limitTexts, plannedImage, plannedServices } from '../planned-containers.ts';
import { withSettings } from '../settings.ts';
import { toJson } from './list.ts';

/** Options of `ci plan`: those of `ci run` that change the plan; `json` has a job for each node. */
export type PlanCommandOptions = PlanOptions & { readonly format: 'text' | 'json' };

/** `ci plan [SELECTOR…]`: what `ci run` would do, in order, and why. */
export async function plan(
  invocation: Invocation,
  selectors: readonly string[],
  options: PlanCommandOptions,
): Promise<number> {
  const { loaded, plan: planned, previews } = await loadWholePlan(invocation, selectors, options);
  const settled = withSettings(options, loaded.settings);
  const containers = containerOptions(settled, loaded.settings);
  const ways = { containers, pulls: pullRules(settled, containers), previews };
  if (options.format === 'json') await printJson(invocation, planDocument(planned, loaded.name, ways));
  else await print(invocation.stdout, planText(planned, loaded.name, ways));
  return exitCodes.ok;
}

/** How jobs in containers are run. */
interface Ways {
  readonly containers: ContainerOptions;
  readonly pulls: PullRules;
  /** What bridges would start. */
  readonly previews: Previews;
}

function hasContainers({ nodes }: Plan): boolean {
  return nodes.some((node) => node.kind === 'job' && node.executor === 'docker');
}

/** What jobs in containers get that lets them reach beyond these; nothing where no job has a container. */
function unusualContainers(planned: Plan, options: ContainerOptions): readonly string[] {
  return hasContainers(planned) ? unusualOptions(options) : [];
}

function planDocument(planned: Plan, file: string, ways: Ways): object {
  const { containers, pulls } = ways;
  return {
    schema: 'ci/1',
    file,
    ...(planned.name === undefined ? {} : { name: planned.name }),
    ...(planned.leftOutBecause === undefined ? {} : { leftOutBecause: planned.leftOutBecause }),
    notices: planned.notices,
    containers: {
      unusual: unusualContainers(planned, containers),
      ...(hasContainers(planned)
        ? { limits: limitFields(containers), pull: pulls.offline ? ['never'] : pulls.policies, offline: pulls.offline }
        : {}),
    },
    jobs: planned.nodes.map((node) => nodeDocument(node, ways)),
    decisions: planned.decisions.map(toJson),
  };
}

function nodeDocument(node: PlanNode, ways: Ways): object {
  const common = {
    id: node.id,
    name: node.name,
    stage: node.stage,
    when: node.when,
    needs: node.needs.map(({ id }) => id),
    scheduling: node.scheduling,
    allowFailure: node.allowFailure,
    kind: node.kind,
  };
  if (node.kind === 'bridge') return { ...common, ...bridgeFields(node, ways) };
  if (node.kind !== 'job') return common;
  const { definition } = node;
  return {
    ...common,
    executor: node.executor,
    ...imageFields(node, ways),
    artifactsFrom: node.artifactsFrom,
    timeoutMs: node.timeoutMs,
    ...(node.resourceGroup === undefined ? {} : { resourceGroup: node.resourceGroup }),
    steps: definition.steps.map((step) => step.kind),
    variables: Object.fromEntries(
      [...node.variables.belowDotenv, ...node.variables.aboveDotenv].map((variable) => [
        variable.name,
        shown(variable),
      ]),
    ),
  };
}

function bridgeFields({ id }: PlanNode, ways: Ways): object {
  const preview = ways.previews.get(id);
  if (preview?.kind !== 'known') return preview === undefined ? {} : { pipeline: { because: preview.because } };
  const { file, plan: below } = preview;
  const jobs = below.nodes.map((node) => nodeDocument(node, { ...ways, previews: preview.below }));
  return { pipeline: { file, ...(below.name === undefined ? {} : { name: below.name }), jobs } };
}

function imageFields(node: JobNode, { containers, pulls }: Ways): object {
  const image = plannedImage(node, containers, pulls);
  const { pull, user, platform } = image ?? {};
  const services = plannedServices(node, pulls).map(({ name }) => name);
  if (image === undefined || node.executor !== 'docker') return { ...(image && { image: image.name }), services };
  return { image: image.name, pull, ...(user && { user }), ...(platform && { platform }), services };
}

function shown(variable: Variable): string {
  return variable.masked ? '[MASKED]' : variable.value;
}

function planText(planned: Plan, file: string, ways: Ways): string {
  const title = planned.name === undefined ? file : `${planned.name} (${file})`;
  const lines = [title];
  if (planned.leftOutBecause !== undefined) lines.push(`nothing runs: ${planned.leftOutBecause}`);
  const limits = hasContainers(planned) ? limitTexts(ways.containers) : [];
  if (limits.length > 0) lines.push(`containers get at most: ${limits.join('; ')}`);
  const unusual = unusualContainers(planned, ways.containers);
  if (unusual.length > 0) lines.push(`containers get more than usual: ${unusual.join('; ')}`);
  lines.push(...stageLines(planned, ways));
  for (const notice of planned.notices) lines.push('', `notice: ${notice}`);
  return `${lines.map((line) => oneLine(line, { color: false })).join('\n')}\n`;
}

function stageLines(planned: Plan, ways: Ways): string[] {
  const lines: string[] = [];
  let stage: string | undefined;
  for (const node of planned.nodes) {
    if (node.stage !== stage) lines.push('', `stage ${node.stage}`);
    stage = node.stage;
    lines.push(...nodeText(node, ways));
  }
  const out = planned.decisions.filter(({ included, selected }) => !included || !selected);
  if (out.length > 0) {
    lines.push('', 'not run');
    for (const { name, included, because } of out) {
      lines.push(`  ${name}: ${included ? 'not asked for' : because}`);
    }
  }
  return lines;
}

function nodeText(node: PlanNode, ways: Ways): string[] {
  const facts = [node.when === 'on_success' ? waitText(node) : `${waitText(node)}, ${node.when}`];
  if (node.startInMs !== undefined) facts.push(`delayed by ${formatDuration(node.startInMs)}`);
  if (node.allowFailure !== false) facts.push('may fail');
  if (node.kind === 'job') facts.push(...jobFacts(node, ways));
  else if (node.kind === 'approval') facts.push(node.kind);
  const below = node.kind === 'bridge' ? bridgeLines(node, ways) : [];
  return [`  ${node.id}`, ...[...facts, ...below].map((fact) => (fact === '' ? '' : `      ${fact}`))];
}

function goesOn({ definition: { trigger } }: BridgeNode): boolean {
  return trigger.kind === 'child' && trigger.continues === true;
}

/** What a bridge starts, below it. */
function bridgeLines(node: BridgeNode, ways: Ways): readonly string[] {
  const { trigger } = node.definition;
  const waits =
    trigger.kind === 'followed' || trigger.strategy === 'none' ? '' : `, and ends with it (${trigger.strategy})`;
  const preview = ways.previews.get(node.id);
  if (preview?.kind !== 'known')
    return [
      `bridge: ${goesOn(node) ? 'goes on with another file' : 'starts another pipeline'}${waits}`,
      ...(preview ? [preview.because] : []),
    ];
  const below = stageLines(preview.plan, { ...ways, previews: preview.below });
  const maker = trigger.kind === 'child' ? trigger.files.find(({ expected }) => expected)?.madeBy : undefined;
  const remark = maker === undefined ? [] : [`as it is now: ${maker} may change it, and sets its parameters`];
  return [`bridge: ${goesOn(node) ? 'goes on with' : 'starts'} ${preview.file}${waits}`, ...remark, ...below];
}

function waitText({ scheduling, needs }: PlanNode): string {
  if (needs.length === 0) return 'at once';
  return scheduling === 'dag' ? `after ${needs.map(({ id }) => id).join(', ')}` : 'after all jobs of earlier stages';
}

function jobFacts(node: JobNode, ways: Ways): readonly string[] {
  const { definition } = node;
  const facts = [...imageFacts(node, ways)];
  if (node.artifactsFrom.length > 0) facts.push(`artifacts of ${summary(node.artifactsFrom)}`);
  const caches = definition.steps.flatMap((step) => (step.kind === 'save-cache' ? [cacheText(step.key)] : []));
  if (caches.length > 0) facts.push(`cache ${caches.join(', ')}`);
  if (node.resourceGroup !== undefined) facts.push(`resource group ${node.resourceGroup}`);
  if (definition.retry.max > 0) facts.push(`up to ${definition.retry.max} retries`);
  return facts;
}

function imageFacts(node: JobNode, { containers, pulls }: Ways): readonly string[] {
  const image = plannedImage(node, containers, pulls);
  const services = plannedServices(node, pulls);
  if (node.executor !== 'docker') {
    const unused = [...(image === undefined ? [] : [image]), ...services].map(({ name }) => name);
    return [unused.length === 0 ? node.executor : `${node.executor}, without ${unused.join(', ')}`];
  }
  return [
    `docker, ${image === undefined ? 'but it names no image' : imageText(image)}`,
    ...services.flatMap(({ service, aliases, ...used }) => [
      `service ${imageText(used).replace('image ', '')}${aliases.length === 0 ? '' : `, as ${aliases.join(', ')}`}`,
      ...(isEngineImage(service.name) && !isPrivilegedService(containers, service.name)
        ? [`service ${used.name} needs privileged containers: --privileged`]
        : []),
    ]),
  ];
}

function summary(ids: readonly string[]): string {
  return ids.length > 5 ? `${ids.slice(0, 5).join(', ')} and ${ids.length - 5} more` : ids.join(', ');
}

function cacheText(key: { readonly kind: string; readonly text?: string; readonly files?: readonly string[] }): string {
  return key.kind === 'files' ? `of ${key.files!.join(', ')}` : `"${key.text}"`;
}
