import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { Sources } from '../../diagnostics/locate.ts';
import { printDiagnostics } from '../../diagnostics/print-diagnostics.ts';
import { expandVariables } from '../../expressions/expand-variables.ts';
import { variableLookup } from '../../expressions/merge-variables.ts';
import type { Context } from '../../model/context.ts';
import type { Source } from '../../model/job-spec.ts';
import type { BridgeNode, PlanNode } from '../../model/plan.ts';
import type { ArtifactPort } from '../../model/ports.ts';
import { prefixIds } from '../../plan/prefix-ids.ts';
import type { CacheKeyFacts } from '../../schedule/cache-keys.ts';
import type { BridgeDispatch, Expand, Expansion, ScheduledPipeline } from '../../schedule/scheduled-pipeline.ts';
import { countText } from '../../util/count-text.ts';
import type { EarlierElsewhere } from '../downstream/earlier-elsewhere.ts';
import { forwardedVariables } from '../downstream/forwarded-variables.ts';
import { type Downstream, makeChild, type Origin } from '../downstream/make-downstream.ts';
import { makeProject } from '../downstream/make-project.ts';
import { withArtifacts } from '../downstream/with-artifacts.ts';
import type { ProjectCaches } from './project-caches.ts';
import type { LateVariables } from './run-variables.ts';

/** What the pipelines that bridges start share with the run. */
export interface ExpanderParts {
  readonly runId: string;
  /** Where jobs of a project get their sources from, by the absolute path of its root. */
  readonly sourceOf: (root: string) => Promise<Source>;
  /** What a job of the run uploaded. */
  readonly artifacts: Pick<ArtifactPort, 'fetch'>;
  readonly caches: Pick<ProjectCaches, 'add'>;
  readonly elsewhere: EarlierElsewhere;
  /** Nodes of all pipelines of the run, by id: new ones are added. */
  readonly nodes: Map<string, PlanNode>;
  readonly late: (pipelineId: string) => LateVariables;
  readonly repository: (context: Context) => CacheKeyFacts;
}

/** Makes what bridges of a run start, and what bridges of that start. */
export function bridgeExpander(parts: ExpanderParts, origin: Origin): Expand {
  const nextPipelineId = pipelineIds(parts.runId);
  const expandIn = (parent: Origin): Expand => {
    return async (bridge, dispatch) => {
      const { tell } = dispatch;
      const { trigger } = bridge.definition;
      if (trigger.kind === 'followed')
        return parts.elsewhere.status(expandVariables(trigger.project.value, variableLookup(dispatch.variables)));
      const made = await makeDownstream(parts, parent, bridge, { dispatch, pipelineId: nextPipelineId() });
      const sources = made.kind === 'made' ? made.origin.sources : made.kind === 'refused' ? made.sources : undefined;
      tellDiagnostics(made.diagnostics, sources ?? parent.sources, tell);
      if (made.kind === 'empty') return { kind: 'ended', outcome: { status: 'skipped', because: made.because } };
      if (made.kind !== 'made') return made;
      const { root, context } = made.origin;
      parts.caches.add(context.project.path, root);
      const plan = prefixIds(made.plan, dispatch.idPrefix);
      for (const node of plan.nodes) parts.nodes.set(node.id, node);
      for (const notice of plan.notices) tell(notice, 'warning');
      tell(`Pipeline ${made.origin.pipelineId} of ${made.origin.name}: ${countText(plan.nodes.length, 'job')}`);
      const pipeline: ScheduledPipeline = {
        ...{ plan, file: made.origin.name, source: await parts.sourceOf(root) },
        projectPath: context.project.path,
        id: made.origin.pipelineId,
        variables: parts.late(made.origin.pipelineId),
        repository: parts.repository(context),
        findElsewhere: parts.elsewhere.job,
        expand: expandIn(made.origin),
      };
      return { kind: 'pipeline', pipeline } satisfies Expansion;
    };
  };
  return expandIn(origin);
}

async function makeDownstream(
  parts: ExpanderParts,
  parent: Origin,
  bridge: BridgeNode,
  { dispatch, pipelineId }: { readonly dispatch: BridgeDispatch; readonly pipelineId: string },
): Promise<Downstream> {
  const { number, variables, dotenv, endedJob, signal } = dispatch;
  const { pipelineVariables } = parent.context;
  const forwarded = forwardedVariables(bridge, { pipelineVariables, dotenv, variables });
  const variable = variableLookup(variables);
  const facts = { pipelineId, number, forwarded, variable };
  if (bridge.definition.trigger.kind === 'project')
    return makeProject(parent, bridge, { ...facts, files: parent.files });
  const found = withArtifacts(parent.files, async (job) => {
    const dependency = endedJob(job);
    return dependency && parts.artifacts.fetch(dependency, signal);
  });
  const made = await makeChild(parent, bridge, { ...facts, ...found });
  const sources: Sources = (file) => found.sources(file) ?? parent.sources(file);
  return made.kind === 'refused' ? { ...made, sources } : made;
}

/** Numbers like those of a server: `7001`, `7002` in run 7. */
function pipelineIds(runId: string): () => string {
  let made = 0;
  return () => `${runId}${String(++made).padStart(3, '0')}`;
}

function tellDiagnostics(diagnostics: readonly Diagnostic[], sources: Sources, tell: BridgeDispatch['tell']): void {
  for (const diagnostic of diagnostics) {
    const text = printDiagnostics([diagnostic], { sources });
    for (const line of text.trimEnd().split('\n')) tell(line, diagnostic.severity);
  }
}
