import { expect, it } from 'vitest';
import { once } from '../../src/util/once.ts';

it('makes its value at the first call alone', () => {
  let calls = 0;
  const get = once(() => ({ call: ++calls }));
  expect(calls).toBe(0);
  expect(get()).toBe(get());
  expect(calls).toBe(1);
});

it('tries again after a failure', () => {
  let calls = 0;
  const get = once(() => {
    if (++calls === 1) throw new Error('not yet');
    return {};
  });
  expect(get).toThrow('not yet');
  expect(get()).toEqual({});
});
