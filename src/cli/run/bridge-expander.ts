import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { Sources } from '../../diagnostics/locate.ts';
import { printDiagnostics } from '../../diagnostics/print-diagnostics.ts';
import type { Context } from '../../model/context.ts';
import type { Source } from '../../model/job-spec.ts';
import type { BridgeNode, PlanNode } from '../../model/plan.ts';
import type { Variable } from '../../model/variable.ts';
import { prefixIds } from '../../plan/prefix-ids.ts';
import type { CacheKeyFacts } from '../../schedule/cache-keys.ts';
import type { BridgeDispatch, Expand, Expansion, ScheduledPipeline } from '../../schedule/scheduled-pipeline.ts';
import { countText } from '../../util/count-text.ts';
import { forwardedVariables } from '../downstream/forwarded-variables.ts';
import { type Downstream, makeChild, type Origin } from '../downstream/make-downstream.ts';
import type { LateVariables } from './run-variables.ts';

/** What the pipelines that bridges start share with the run. */
export interface ExpanderParts {
  readonly runId: string;
  /** Where jobs of the run's own project get their sources from. */
  readonly source: Source;
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
      const tell = masked(dispatch);
      const made = await makeDownstream(parent, bridge, dispatch, nextPipelineId());
      tellDiagnostics(made.diagnostics, parent.sources, tell);
      if (made.kind === 'refused') return made;
      const plan = prefixIds(made.plan, dispatch.idPrefix);
      for (const node of plan.nodes) parts.nodes.set(node.id, node);
      for (const notice of plan.notices) tell(notice, 'warning');
      tell(`Pipeline ${made.origin.pipelineId} of ${made.origin.name}: ${countText(plan.nodes.length, 'job')}`);
      const pipeline: ScheduledPipeline = {
        ...{ plan, file: made.origin.name, source: parts.source },
        projectPath: made.origin.context.project.path,
        variables: parts.late(made.origin.pipelineId),
        repository: parts.repository(made.origin.context),
        expand: expandIn(made.origin),
      };
      return { kind: 'pipeline', pipeline } satisfies Expansion;
    };
  };
  return expandIn(origin);
}

async function makeDownstream(
  parent: Origin,
  bridge: BridgeNode,
  { number, variables, dotenv }: BridgeDispatch,
  pipelineId: string,
): Promise<Downstream> {
  const { pipelineVariables: given } = parent.context;
  const forwarded = forwardedVariables(bridge, { pipelineVariables: given, dotenv, variables });
  return makeChild(parent, bridge, { pipelineId, number, forwarded, files: parent.files });
}

/** Numbers like those of a server: `7001`, `7002` in run 7. */
function pipelineIds(runId: string): () => string {
  let made = 0;
  return () => `${runId}${String(++made).padStart(3, '0')}`;
}

/** A bridge has no job whose output is masked on its way: what is told about it is masked here. */
function masked({ tell, variables }: BridgeDispatch): BridgeDispatch['tell'] {
  const secrets = variables.filter((variable: Variable) => variable.masked && variable.value !== '');
  return (line, level) => {
    const hidden = secrets.reduce((text, { value }) => text.replaceAll(value, '[MASKED]'), line);
    tell(hidden, level);
  };
}

function tellDiagnostics(diagnostics: readonly Diagnostic[], sources: Sources, tell: BridgeDispatch['tell']): void {
  for (const diagnostic of diagnostics) {
    const text = printDiagnostics([diagnostic], { sources });
    for (const line of text.trimEnd().split('\n')) tell(line, diagnostic.severity);
  }
}
