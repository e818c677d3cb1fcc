import { downstreamContext } from '../../context/downstream-context.ts';
import { hasErrors } from '../../diagnostics/diagnostic.ts';
import { expandVariables } from '../../expressions/expand-variables.ts';
import type { ProjectTrigger } from '../../model/pipeline.ts';
import type { BridgeNode } from '../../model/plan.ts';
import { splitSelection } from '../../plan/split-selection.ts';
import { notMapped } from '../mapped-projects.ts';
import type { BridgeFacts } from './make-downstream.ts';
import { creationFailed, type Downstream, invalid, type Origin, planned, refused } from './make-downstream.ts';
import type { OpenedProject } from './open-project.ts';

/** Makes the pipeline of another project, from the folder that the user has said it lies in. */
export async function makeProject(parent: Origin, bridge: BridgeNode, facts: BridgeFacts): Promise<Downstream> {
  const trigger = bridge.definition.trigger as ProjectTrigger;
  const expand = (text: string): string => expandVariables(text, facts.variable);
  const project = expand(trigger.project.value);
  if (project.toLowerCase() === parent.context.project.path.toLowerCase()) {
    return refused('invalid_bridge_trigger', `${project} is this project itself`);
  }
  const directory = parent.context.projects?.directory(project);
  if (directory === undefined) {
    const because = `${project} is not started, since ${notMapped(project)}`;
    return { kind: 'passed-over', because, diagnostics: [] };
  }
  const branch = trigger.branch === undefined ? undefined : expand(trigger.branch);
  const inputs = parent.compiled.downstream.get(bridge.group)?.inputs;
  const upstream = { pipelineId: parent.pipelineId, jobId: String(facts.number) };
  const { pipelineId, forwarded: variables } = facts;
  const opened = await parent.open({
    ...{ directory, project, limits: parent.limits },
    within: (context) => downstreamContext(context, { source: 'pipeline', pipelineId, upstream, variables }),
    ...(branch === undefined || branch === '' ? {} : { branch }),
    ...(inputs ? { inputs } : {}),
  });
  if (opened === undefined) return refused(creationFailed, `${directory} holds no .gitlab-ci.yml`);
  return planOpened(parent, bridge, { opened, project, pipelineId });
}

function planOpened(
  parent: Origin,
  bridge: BridgeNode,
  given: { readonly opened: OpenedProject; readonly project: string; readonly pipelineId: string },
): Downstream {
  const { opened, project, pipelineId } = given;
  const { compiled, diagnostics, context, name } = opened;
  const shown = `${project}: ${name}`;
  if (compiled === undefined || hasErrors(diagnostics)) return invalid(shown, diagnostics, opened.sources);
  const key = `${project.toLowerCase()}@${context.git.tag ?? context.git.branch ?? ''}`;
  const ancestry = [...parent.ancestry, key];
  if (ancestry.filter((each) => each === key).length > 2) {
    return refused('pipeline_loop_detected', `pipelines start each other in a circle: ${ancestry.join(', ')}`);
  }
  const selection = splitSelection(parent.compiled.pipeline, parent.selection).below(bridge.name);
  return planned(
    { ...parent, ...opened, compiled, name: shown, pipelineId, depth: 0, ancestry, selection },
    diagnostics,
  );
}
