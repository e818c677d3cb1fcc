import type { JobSecret } from '../../../model/pipeline.ts';
import type { MapEntry } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { runs, simulated } from '../support.ts';
import { booleanField, field, kindOf } from '../values.ts';

/** The stores that GitLab knows. */
const stores = [
  'vault',
  'azure_key_vault',
  'gcp_secret_manager',
  'aws_secrets_manager',
  'akeyless',
  'gitlab_secrets_manager',
] as const;

/** Variables from a secret store; here the user gives their values. */
export const secrets: Keyword<readonly JobSecret[]> = {
  name: 'secrets',
  scopes: ['job'],
  support: simulated('the value is that of your own variable of this name; without one the job fails'),
  parts: {
    ...Object.fromEntries(stores.map((store) => [store, simulated('your own variable in its place')])),
    token: simulated('no store is asked'),
    ...runs('file'),
  },
  read: ({ value: node }, reading) => {
    if (node.kind === 'map') return [...node.entries.values()].flatMap((entry) => readSecret(entry, reading));
    invalidValue(reading, node.span, `\`secrets\` must be a map of secrets, not ${kindOf(node)}`);
    return undefined;
  },
};

function readSecret({ key: name, keySpan, value }: MapEntry, reading: Reading): readonly JobSecret[] {
  if (value.kind !== 'map') {
    invalidValue(reading, value.span, `the secret \`${name}\` must be a map, not ${kindOf(value)}`);
    return [];
  }
  const store = stores.find((key) => field(value, key) !== undefined);
  if (store === undefined) {
    invalidValue(reading, keySpan, `the secret \`${name}\` names no store`, `stores are ${stores.join(', ')}`);
    return [];
  }
  return [{ name, store, file: booleanField(value, 'file', `secrets:${name}:file`, reading) ?? true }];
}
