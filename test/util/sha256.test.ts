import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sha256 } from '../../src/util/sha256.ts';

const real = (text: string): string => createHash('sha256').update(text).digest('hex');

it('is what Node says, around the ends of blocks too', () => {
  for (const length of [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    expect(sha256('x'.repeat(length))).toBe(real('x'.repeat(length)));
  }
});

it('is what Node says of any text', () => {
  const texts = fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 200 }));
  fc.assert(fc.property(texts, (text) => sha256(text) === real(text)));
});
