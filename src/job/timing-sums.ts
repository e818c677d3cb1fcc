import { posix } from 'node:path';
import type { TestTiming } from '../model/ports.ts';
import type { JunitCase } from './junit.ts';

/** Adds up the times of one job's test cases. */
export interface TimingSums {
  add(one: JunitCase): void;
  all(): readonly TestTiming[];
}

/** Names of one job that are kept: more than any list of tests that somebody splits. */
const mostNames = 50_000;
const longestName = 1000;

/** @param directory the project's, in the session: reports may name files by their whole paths. */
export function timingSums(directory: string): TimingSums {
  const sums = new Map<string, TestTiming>();
  const add = (kind: TestTiming['kind'], name: string | undefined, seconds: number): void => {
    if (name === undefined || name === '' || name.length > longestName || /[\0-\x1f\x7f]/.test(name)) return;
    const key = `${kind} ${name}`;
    const before = sums.get(key);
    if (before === undefined && sums.size >= mostNames) return;
    sums.set(key, { kind, name, seconds: (before?.seconds ?? 0) + seconds });
  };
  return {
    add({ file, className, name, seconds }) {
      if (seconds === undefined) return;
      add('file', file && posix.relative(directory, posix.resolve(directory, file)), seconds);
      add('classname', className, seconds);
      add('name', name, seconds);
    },
    all: () => [...sums.values()],
  };
}
