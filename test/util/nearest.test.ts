import { expect, test } from 'vitest';
import { didYouMean, suggester } from '../../src/util/nearest.ts';

test('says what may be meant', () => {
  expect(didYouMean('biuld', ['test', 'build'])).toBe('did you mean `build`?');
  expect(didYouMean('deploy', ['test', 'build'])).toBeUndefined();
});

test('says nothing for short words of which nothing would be left', () => {
  expect(didYouMean('qa', ['ci'])).toBeUndefined();
  expect(didYouMean('a', ['b'])).toBeUndefined();
  expect(didYouMean('ab', ['abc'])).toBe('did you mean `abc`?');
  expect(didYouMean('ab', ['ba'])).toBe('did you mean `ba`?');
  expect(didYouMean('abc', ['axy'])).toBe('did you mean `axy`?');
});

test('compares names for the first mistakes only, for comparing thousands with thousands takes minutes', () => {
  let asked = 0;
  const suggest = suggester(() => {
    asked++;
    return ['build'];
  });
  expect(suggest('biuld')).toBe('did you mean `build`?');
  for (let i = 0; i < 1000; i++) suggest('biuld');
  expect(asked).toBeLessThan(100);
  expect(suggest('biuld')).toBeUndefined();
});
