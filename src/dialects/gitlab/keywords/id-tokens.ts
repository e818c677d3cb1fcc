import type { IdToken } from '../../../model/pipeline.ts';
import type { MapEntry } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { runs, simulated } from '../support.ts';
import { field, kindOf, readTexts } from '../values.ts';

/** JSON web tokens, each in a variable. */
export const idTokens: Keyword<readonly IdToken[]> = {
  name: 'id_tokens',
  scopes: ['job', 'default'],
  support: simulated(
    'a token with the same claims, signed by a key of this machine, or the value of your own variable',
  ),
  parts: runs('aud'),
  read: ({ value: node }, reading) => {
    if (node.kind === 'map') return [...node.entries.values()].flatMap((entry) => readToken(entry, reading));
    invalidValue(reading, node.span, `\`id_tokens\` must be a map of tokens, not ${kindOf(node)}`);
    return undefined;
  },
};

function readToken({ key: name, keySpan, value }: MapEntry, reading: Reading): readonly IdToken[] {
  const aud = field(value, 'aud');
  if (aud === undefined) {
    invalidValue(reading, keySpan, `the token \`${name}\` has no \`aud\``, 'say whom it is meant for');
    return [];
  }
  const audience = readTexts(aud.value, `id_tokens:${name}:aud`, reading);
  return audience.length === 0 ? [] : [{ name, audience, form: aud.value.kind === 'seq' ? 'list' : 'text' }];
}
