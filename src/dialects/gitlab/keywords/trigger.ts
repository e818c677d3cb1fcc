import type { ChildTrigger, ProjectTrigger, Trigger, TriggerFile } from '../../../model/pipeline.ts';
import type { MapNode, Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { runs, simulated } from '../support.ts';
import { booleanField, field, flatItems, kindOf, readText, textField, wordField } from '../values.ts';

/** Most files of a child pipeline. Source: lib/gitlab/ci/config/entry/trigger.rb (`INCLUDE_MAX_SIZE`) */
const mostFiles = 3;

/** What starts another pipeline: a project, or files for a child pipeline. */
export const trigger: Keyword<Trigger> = {
  name: 'trigger',
  scopes: ['job'],
  parts: {
    ...runs(
      'include',
      'include:local',
      'include:project',
      'include:remote',
      'include:template',
      'include:component',
      'include:artifact',
      'include:job',
      'include:inputs',
      'strategy',
      'forward:yaml_variables',
      'forward:pipeline_variables',
    ),
    project: simulated('runs the folder that `--project` names, as it lies there; without one the job is skipped'),
    branch: simulated('names the branch; the files are those of the folder'),
    ...runs('inputs'),
  },
  read: ({ value: node }, reading) => {
    if (node.kind === 'scalar') {
      const forward = { yamlVariables: true, pipelineVariables: false };
      return { kind: 'project', project: { value: node.text, span: node.span }, strategy: 'none', forward };
    }
    if (node.kind === 'map') return readMap(node, reading);
    invalidValue(reading, node.span, `\`trigger\` must be a project or a map, not ${kindOf(node)}`);
    return undefined;
  },
};

function readMap(node: MapNode, reading: Reading): Trigger | undefined {
  const common: Pick<ChildTrigger, 'strategy' | 'forward'> = {
    strategy: wordField(node, 'strategy', 'trigger:strategy', ['depend', 'mirror'] as const, reading) ?? 'none',
    forward: readForward(node, reading),
  };
  const include = field(node, 'include');
  if (include) return readChild(node, include.value, common, reading);
  const entry = field(node, 'project');
  const project = entry && readText(entry.value, 'trigger:project', reading);
  if (entry === undefined || project === undefined) {
    if (entry === undefined) invalidValue(reading, node.span, '`trigger` names neither a `project` nor an `include`');
    return undefined;
  }
  const branch = textField(node, 'branch', 'trigger:branch', reading);
  const spanned = { value: project, span: entry.value.span };
  return { kind: 'project', project: spanned, ...common, ...(branch === undefined ? {} : { branch }) };
}

function readForward(node: MapNode, reading: Reading): ProjectTrigger['forward'] {
  const forward = field(node, 'forward')?.value;
  const flag = (key: string): boolean | undefined =>
    forward?.kind === 'map' ? booleanField(forward, key, `trigger:forward:${key}`, reading) : undefined;
  return { yamlVariables: flag('yaml_variables') ?? true, pipelineVariables: flag('pipeline_variables') ?? false };
}

function readChild(
  node: MapNode,
  include: Node,
  common: Pick<ChildTrigger, 'strategy' | 'forward'>,
  reading: Reading,
): ChildTrigger {
  for (const key of ['project', 'branch', 'inputs']) {
    const entry = field(node, key);
    if (entry === undefined) continue;
    const hint = key === 'inputs' ? 'write it into the entry of `include`' : undefined;
    invalidValue(reading, entry.keySpan, `\`trigger:${key}\` can't stand beside \`trigger:include\``, hint);
  }
  const files = flatItems(include, 'trigger:include', reading).flatMap((item) => readFile(item, reading) ?? []);
  if (files.length > mostFiles) {
    const message = `a child pipeline may have at most ${mostFiles} files, this one has ${files.length}`;
    invalidValue(reading, include.span, message, 'one of them may include the others');
  }
  return { kind: 'child', files, ...common };
}

const placeKeys = ['local', 'project', 'remote', 'template', 'component'] as const;

function readFile(node: Node, reading: Reading): TriggerFile | undefined {
  if (node.kind === 'scalar') return { name: node.text, span: node.span };
  const artifact = field(node, 'artifact');
  const job = field(node, 'job');
  if (artifact?.value.kind === 'scalar') {
    if (job?.value.kind === 'scalar') {
      return { name: artifact.value.text, span: artifact.value.span, madeBy: job.value.text };
    }
    if (!job) invalidValue(reading, artifact.keySpan, 'a file among artifacts needs the `job` that makes it');
    return undefined;
  }
  for (const key of placeKeys) {
    const value = field(node, key)?.value;
    if (value?.kind !== 'scalar') continue;
    const name = key === 'local' ? value.text : `${key} ${value.text}${fileNames(node)}`;
    return { name, span: value.span };
  }
  invalidValue(reading, node.span, `an entry of \`trigger:include\` must name a file, not ${kindOf(node)}`);
  return undefined;
}

function fileNames(node: Node): string {
  const file = field(node, 'file')?.value;
  const texts = (file?.kind === 'seq' ? file.items : file ? [file] : []).flatMap((item) =>
    item.kind === 'scalar' ? [item.text] : [],
  );
  return texts.length === 0 ? '' : `: ${texts.join(', ')}`;
}
