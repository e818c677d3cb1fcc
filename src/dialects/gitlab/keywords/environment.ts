import type { Spanned } from '../../../diagnostics/diagnostic.ts';
import type { Environment } from '../../../model/pipeline.ts';
import type { Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { ignored, runs } from '../support.ts';
import { field, readText, textField, wordField } from '../values.ts';

const actions = ['start', 'prepare', 'stop', 'verify', 'access'] as const;

/** Where the job deploys to: a name, or a map. */
export const environment: Keyword<Environment> = {
  name: 'environment',
  scopes: ['job'],
  parts: {
    ...runs('name', 'url', 'on_stop', 'action', 'deployment_tier'),
    auto_stop_in: ignored('nothing stops the environment'),
    kubernetes: ignored('there is no dashboard or agent'),
  },
  read: (entry, reading) => {
    const { value: node } = entry;
    if (node.kind !== 'map') {
      const name = readText(node, 'environment', reading);
      if (name !== undefined) checkName(node, name, reading);
      return name === undefined ? undefined : { name, action: 'start' };
    }
    const name = textField(node, 'name', 'environment:name', reading);
    if (name === undefined) {
      if (!field(node, 'name')) invalidValue(reading, node.span, '`environment` has no `name`');
      return undefined;
    }
    const url = textField(node, 'url', 'environment:url', reading);
    checkName(field(node, 'name')!.value, name, reading);
    const onStop = readOnStop(node, reading);
    const tier = textField(node, 'deployment_tier', 'environment:deployment_tier', reading);
    return {
      name,
      action: wordField(node, 'action', 'environment:action', actions, reading) ?? 'start',
      ...(url === undefined ? {} : { url }),
      ...(onStop === undefined ? {} : { onStop }),
      ...(tier === undefined ? {} : { tier }),
    };
  },
};

function readOnStop(node: Node, reading: Reading): Spanned<string> | undefined {
  const value = textField(node, 'on_stop', 'environment:on_stop', reading);
  return value === undefined ? undefined : { value, span: field(node, 'on_stop')!.value.span };
}

/** Source: lib/gitlab/regex.rb (`environment_name_regex`) */
function checkName(node: Node, name: string, reading: Reading): void {
  if (/^[\w/${}. -]*$/.test(name) && !/^\/|\/$/.test(name)) return;
  if (name.includes('$[[')) return;
  const message = `\`${name}\` can't be the name of an environment`;
  const hint = 'letters, digits, spaces and `-_/${}.` are allowed, but no slash at the start or end';
  invalidValue(reading, node.span, message, hint);
}
