import type { Environment } from '../../../model/pipeline.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, notRunYet } from '../reading.ts';
import { field, readText, textField, wordField } from '../values.ts';

const actions = ['start', 'prepare', 'stop', 'verify', 'access'] as const;

const ignoredFields: Readonly<Record<string, string>> = {
  auto_stop_in: 'nothing stops the environment',
  kubernetes: 'there is no dashboard or agent',
};

/** Where the job deploys to: a name, or a map. */
export const environment: Keyword<Environment> = {
  name: 'environment',
  scopes: ['job'],
  read: (entry, reading) => {
    const { value: node } = entry;
    if (node.kind !== 'map') {
      const name = readText(node, 'environment', reading);
      return name === undefined ? undefined : { name, action: 'start' };
    }
    for (const [key, consequence] of Object.entries(ignoredFields)) {
      const ignored = field(node, key);
      if (ignored) notRunYet(reading, ignored.keySpan, `environment:${key}`, consequence);
    }
    const name = textField(node, 'name', 'environment:name', reading);
    if (name === undefined) {
      if (!field(node, 'name')) invalidValue(reading, node.span, '`environment` has no `name`');
      return undefined;
    }
    const url = textField(node, 'url', 'environment:url', reading);
    const onStop = textField(node, 'on_stop', 'environment:on_stop', reading);
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
