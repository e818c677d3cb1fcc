import { expect, it } from 'vitest';
import { exitWordsOf } from '../../../src/runner/job/greeting.ts';

it.each([
  ['docker', 'exit code'],
  ['shell', 'exit status'],
  ['ssh', 'Process exited with status'],
] as const)('with %s a script ends by "%s"', (executor, words) => {
  expect(exitWordsOf(executor)).toBe(words);
});
