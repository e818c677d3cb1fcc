import { type ContainerOptions, privilegedServices, unusualOptions } from '../../executors/docker/container-options.ts';
import { isEngineImage } from '../../executors/docker/service-names.ts';
import type { Plan, PlanNode } from '../../model/plan.ts';
import type { Variable } from '../../model/variable.ts';
import { oneLine } from '../../reporters/terminal-text.ts';
import { formatDuration } from '../../util/duration.ts';
import { exitCodes } from '../exit-code.ts';
import { type Invocation, print, printJson } from '../invocation.ts';
import { loadPlan } from '../load-plan.ts';
import type { PlanOptions } from '../options.ts';
import { containerOptions, withSettings } from '../settings.ts';
import { toJson } from './list.ts';

export type PlanCommandOptions = PlanOptions & { readonly format: 'text' | 'json' };

/** `ci plan [SELECTOR…]`: what `ci run` would do, in order, and why. */
export async function plan(
  invocation: Invocation,
  selectors: readonly string[],
  options: PlanCommandOptions,
): Promise<number> {
  const { loaded, plan: planned } = await loadPlan(invocation, selectors, options);
  const containers = containerOptions(withSettings(options, loaded.settings), loaded.settings);
  if (options.format === 'json') await printJson(invocation, planDocument(planned, loaded.name, containers));
  else await print(invocation.stdout, planText(planned, loaded.name, containers));
  return exitCodes.ok;
}

/** What jobs in containers get that lets them reach beyond these; nothing where no job has a container. */
function unusualContainers({ nodes }: Plan, options: ContainerOptions): readonly string[] {
  return nodes.some((node) => node.kind === 'job' && node.executor === 'docker') ? unusualOptions(options) : [];
}

function planDocument(planned: Plan, file: string, containers: ContainerOptions): object {
  return {
    schema: 'ci/1',
    file,
    ...(planned.name === undefined ? {} : { name: planned.name }),
    ...(planned.leftOutBecause === undefined ? {} : { leftOutBecause: planned.leftOutBecause }),
    notices: planned.notices,
    containers: { unusual: unusualContainers(planned, containers) },
    jobs: planned.nodes.map(nodeDocument),
    decisions: planned.decisions.map(toJson),
  };
}

function nodeDocument(node: PlanNode): object {
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
  if (node.kind !== 'job') return common;
  const { definition } = node;
  return {
    ...common,
    executor: node.executor,
    ...(definition.image === undefined ? {} : { image: definition.image.name }),
    services: definition.services.map(({ name }) => name),
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

function shown(variable: Variable): string {
  return variable.masked ? '[MASKED]' : variable.value;
}

function planText(planned: Plan, file: string, containers: ContainerOptions): string {
  const title = planned.name === undefined ? file : `${planned.name} (${file})`;
  const lines = [title];
  if (planned.leftOutBecause !== undefined) lines.push(`nothing runs: ${planned.leftOutBecause}`);
  const unusual = unusualContainers(planned, containers);
  if (unusual.length > 0) lines.push(`containers get more than usual: ${unusual.join('; ')}`);
  let stage: string | undefined;
  for (const node of planned.nodes) {
    if (node.stage !== stage) lines.push('', `stage ${node.stage}`);
    stage = node.stage;
    lines.push(...nodeText(node, containers));
  }
  const out = planned.decisions.filter(({ included, selected }) => !included || !selected);
  if (out.length > 0) {
    lines.push('', 'not run');
    for (const { name, included, because } of out) {
      lines.push(`  ${name}: ${included ? 'not asked for' : because}`);
    }
  }
  for (const notice of planned.notices) lines.push('', `notice: ${notice}`);
  return `${lines.map((line) => oneLine(line, { color: false })).join('\n')}\n`;
}

function nodeText(node: PlanNode, containers: ContainerOptions): string[] {
  const waits =
    node.scheduling === 'dag'
      ? node.needs.length === 0
        ? 'at once'
        : `after ${node.needs.map(({ id }) => id).join(', ')}`
      : node.needs.length === 0
        ? 'at once'
        : 'after all jobs of earlier stages';
  const facts = [node.when === 'on_success' ? waits : `${waits}, ${node.when}`];
  if (node.startInMs !== undefined) facts.push(`delayed by ${formatDuration(node.startInMs)}`);
  if (node.allowFailure !== false) facts.push('may fail');
  if (node.kind === 'job') {
    const { definition } = node;
    facts.push(definition.image ? `${node.executor}, image ${definition.image.name}` : node.executor);
    if (definition.services.length > 0)
      facts.push(`services ${definition.services.map(({ name }) => name).join(', ')}`);
    const engines = definition.services.filter(({ name }) => node.executor === 'docker' && isEngineImage(name));
    if (!privilegedServices(containers)) {
      for (const { name } of engines) facts.push(`service ${name} needs privileged containers: --privileged`);
    }
    if (node.artifactsFrom.length > 0) facts.push(`artifacts of ${summary(node.artifactsFrom)}`);
    const caches = definition.steps.flatMap((step) => (step.kind === 'save-cache' ? [cacheText(step.key)] : []));
    if (caches.length > 0) facts.push(`cache ${caches.join(', ')}`);
    if (node.resourceGroup !== undefined) facts.push(`resource group ${node.resourceGroup}`);
    if (definition.retry.max > 0) facts.push(`up to ${definition.retry.max} retries`);
  } else facts.push(node.kind);
  return [`  ${node.id}`, ...facts.map((fact) => `      ${fact}`)];
}

function summary(ids: readonly string[]): string {
  return ids.length > 5 ? `${ids.slice(0, 5).join(', ')} and ${ids.length - 5} more` : ids.join(', ');
}

function cacheText(key: { readonly kind: string; readonly text?: string; readonly files?: readonly string[] }): string {
  return key.kind === 'files' ? `of ${key.files!.join(', ')}` : `"${key.text}"`;
}
