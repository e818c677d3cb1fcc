import type { Service } from '../../../model/pipeline.ts';
import type { Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import type { Reading } from '../reading.ts';
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
  read: (entry, reading) =>
    flatItems(entry.value, 'services', reading).flatMap((item) => readService(item, reading) ?? []),
};

function readService(node: Node, reading: Reading): Service | undefined {
  const image = readImage(node, 'services', reading);
  if (image === undefined) return undefined;
  // One text may hold several names. Source: https://docs.gitlab.com/ci/services/#available-settings-for-services
  const aliases = (textField(node, 'alias', 'services:alias', reading) ?? '').split(/[,\s]+/).filter(Boolean);
  const command = textsField(node, 'command', 'services:command', reading);
  const own = field(node, 'variables');
  return {
    ...image,
    aliases,
    ...(command === undefined ? {} : { command }),
    variables: own ? readVariables(own.value, 'services:variables', reading) : [],
  };
}
