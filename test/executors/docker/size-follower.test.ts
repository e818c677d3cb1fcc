import { expect, it } from 'vitest';
import { sizeFollower } from '../../../src/executors/docker/size-follower.ts';
import { type Deferred, deferred } from '../../../src/util/deferred.ts';

it('tells one size at a time and the last one last, also after a call that failed', async () => {
  let size = { columns: 80, rows: 24 };
  const told: { readonly size: typeof size; readonly answer: Deferred<void> }[] = [];
  const follow = sizeFollower(
    () => size,
    (now) => {
      const answer = deferred<void>();
      told.push({ size: now, answer });
      return answer.promise;
    },
  );
  follow();
  size = { columns: 77, rows: 24 };
  follow();
  size = { columns: 77, rows: 22 };
  follow();
  expect(told).toHaveLength(1);
  told[0]!.answer.reject(new Error('not running'));
  await new Promise(setImmediate);
  expect(told.map((call) => call.size)).toEqual([
    { columns: 80, rows: 24 },
    { columns: 77, rows: 22 },
  ]);
  told[1]!.answer.resolve();
  await new Promise(setImmediate);
  expect(told).toHaveLength(2);
});
