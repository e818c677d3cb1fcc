import type { Spanned } from '../../../diagnostics/diagnostic.ts';
import type { Trigger } from '../../../model/pipeline.ts';
import type { Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { ignored } from '../support.ts';
import { field, flatItems, kindOf, textField, wordField } from '../values.ts';

const parts = [
  'project',
  'branch',
  'include',
  'include:local',
  'include:project',
  'include:remote',
  'include:template',
  'include:component',
  'include:artifact',
  'include:job',
  'include:inputs',
  'inputs',
  'strategy',
  'forward:yaml_variables',
  'forward:pipeline_variables',
] as const;

/** What starts another pipeline: a project, or files for a child pipeline. */
export const trigger: Keyword<Trigger> = {
  name: 'trigger',
  scopes: ['job'],
  support: ignored('no other pipeline is started'),
  parts: Object.fromEntries(parts.map((part) => [part, ignored('no other pipeline is started')])),
  read: (entry, reading) => {
    const { value: node } = entry;
    if (node.kind === 'scalar') return { project: node.text, includes: [] };
    if (node.kind !== 'map') {
      invalidValue(reading, node.span, `\`trigger\` must be a project or a map, not ${kindOf(node)}`);
      return undefined;
    }
    const project = textField(node, 'project', 'trigger:project', reading);
    const branch = textField(node, 'branch', 'trigger:branch', reading);
    const include = field(node, 'include');
    const strategy = wordField(node, 'strategy', 'trigger:strategy', ['depend', 'mirror'] as const, reading);
    return {
      includes: include ? readIncludes(include.value, reading) : [],
      ...(project === undefined ? {} : { project }),
      ...(branch === undefined ? {} : { branch }),
      ...(strategy === undefined ? {} : { strategy }),
    };
  },
};

const includeKeys = ['local', 'artifact', 'project', 'template', 'component', 'remote'] as const;

/** Names of the files, for display. */
function readIncludes(node: Node, reading: Reading): readonly Spanned<string>[] {
  return flatItems(node, 'trigger:include', reading).flatMap((item) => {
    if (item.kind === 'scalar') return [{ value: item.text, span: item.span }];
    const named = includeKeys.map((key) => field(item, key)).find((entry) => entry !== undefined);
    return named?.value.kind === 'scalar' ? [{ value: named.value.text, span: named.value.span }] : [];
  });
}
