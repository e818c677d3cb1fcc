import type { Decision, LegDecision, PlanNode } from '../model/plan.ts';
import type { BuildInput } from './build-nodes.ts';
import { executorOf } from './build-nodes.ts';
import type { Draft } from './decide-jobs.ts';
import { expandToShow } from './expand-text.ts';
import type { ExpandedJob } from './job-index.ts';

/** Why each job of the file is in or out, in file order. For a parallel job the first leg that is in speaks for all. */
export function buildDecisions(input: BuildInput, nodes: readonly PlanNode[]): readonly Decision[] {
  const legs = new Map<ExpandedJob, Draft[]>();
  for (const draft of input.graph.drafts) {
    const list = legs.get(draft.job);
    if (list) list.push(draft);
    else legs.set(draft.job, [draft]);
  }
  const running = new Set(nodes.map((node) => node.id));
  return [...legs.values()].map((drafts) => decision(drafts, running, input));
}

function decision(drafts: readonly Draft[], running: ReadonlySet<string>, input: BuildInput): Decision {
  const { selected, selection, context, above } = input;
  const present = drafts.filter((draft) => draft.included || selected.forced.has(draft));
  const speaker = present[0] ?? drafts[0]!;
  const { definition } = speaker.job;
  const forced = selected.forced.has(speaker);
  const started = speaker.when === 'manual' && selected.drafts.has(speaker) && selected.started.has(speaker);
  const image = definition.kind === 'job' ? definition.image?.name : undefined;
  const layers = { belowDotenv: [...context.predefined, ...speaker.variables], aboveDotenv: above };
  return {
    name: definition.name,
    stage: definition.stage.value,
    included: present.length > 0,
    selected: drafts.some((draft) => running.has(draft.leg.name)),
    because: `${forced ? 'asked for, although ' : ''}${speaker.because}${started ? '; started by hand' : ''}`,
    when: forced ? definition.when : speaker.when,
    ...(speaker.whenFrom === undefined || forced ? {} : { whenFrom: speaker.whenFrom }),
    ...(speaker.when === 'delayed' && speaker.startInMs !== undefined ? { startInMs: speaker.startInMs } : {}),
    allowFailure: speaker.allowFailure,
    ids: present.map((draft) => draft.leg.name),
    needs: speaker.needs ?? [],
    scheduling: speaker.needs ? 'dag' : 'stage',
    ...(definition.kind === 'bridge' ? { trigger: definition.trigger } : {}),
    ...(drafts.length > 1 ? { legs: drafts.map(legDecision) } : {}),
    ...(image === undefined ? {} : { image: expandToShow(layers, image) }),
    executor: executorOf(definition, selection),
    rules: speaker.rules,
    ...(speaker.policy === undefined ? {} : { policy: speaker.policy }),
  };
}

function legDecision({ leg, included, because, when, rules }: Draft): LegDecision {
  return { name: leg.name, included, because, when, rules };
}
