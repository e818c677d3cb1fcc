import type { Service } from '../../../model/pipeline.ts';
import type { Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import type { Reading } from '../reading.ts';
import { checkAliases, splitAliases } from '../service-aliases.ts';
import { ignored, runs } from '../support.ts';
import { field, flatItems, textField, textsField } from '../values.ts';
import { readImage } from './image.ts';
import { readVariables } from './variables.ts';

/** Containers beside the job: names, or maps. */
export const services: Keyword<readonly Service[]> = {
  name: 'services',
  scopes: ['job', 'default', 'global'],
  parts: {
    ...runs('name', 'alias', 'entrypoint', 'command', 'variables', 'docker:user', 'docker:platform', 'pull_policy'),
    'kubernetes:user': ignored('there is no Kubernetes executor'),
  },
  read: (entry, reading) => {
    const items = flatItems(entry.value, 'services', reading);
    const found = items.flatMap((item) => readService(item, reading) ?? []);
    checkAliases(items, reading);
    return found;
  },
};

function readService(node: Node, reading: Reading): Service | undefined {
  const image = readImage(node, 'services', reading);
  if (image === undefined) return undefined;
  // One text may hold several names. Source: https://docs.gitlab.com/ci/services/#available-settings-for-services
  const aliases = splitAliases(textField(node, 'alias', 'services:alias', reading) ?? '');
  const command = textsField(node, 'command', 'services:command', reading);
  const own = field(node, 'variables');
  return {
    ...image,
    aliases,
    ...(command === undefined ? {} : { command }),
    variables: own ? readVariables(own.value, 'services:variables', reading) : [],
  };
}
