import { describe, expect, it } from 'vitest';
import { decideJobs } from '../../../src/dialects/circle/decide.ts';
import { scalar } from '../../../src/dialects/circle/reading.ts';
import { type Requiring, resolveRequirements } from '../../../src/dialects/circle/requirements.ts';
import type { WorkflowJob } from '../../../src/dialects/circle/workflows.ts';
import { circleContext } from './support.ts';

const span = { file: 'x', start: 0, end: 0 };
const scope = { pipeline: { get: () => undefined, names: () => [] } };

/** Counts every look at a property of the things. */
function counting<T extends object>(
  things: readonly T[],
): { readonly things: readonly T[]; readonly looks: () => number } {
  let looks = 0;
  const get = (target: T, key: string | symbol): unknown => {
    looks++;
    return Reflect.get(target, key);
  };
  return { things: things.map((thing) => new Proxy(thing, { get })), looks: () => looks };
}

function requiring(count: number, of: (index: number) => Partial<Requiring> & { readonly wants: string }): number {
  const jobs = Array.from({ length: count }, (_, entry): Requiring => {
    const { wants, ...more } = of(entry);
    const requires = [{ node: scalar(wants, span), scope }];
    return { name: `job-${entry}`, aliases: [], calls: `called-${entry}`, entry, requires, ...more };
  });
  const { things, looks } = counting(jobs);
  resolveRequirements(things, { report: () => {} });
  return looks();
}

describe('a workflow with thousands of jobs', () => {
  it.each<readonly [string, Parameters<typeof requiring>[1]]>([
    ['that require what there is not', (index) => ({ wants: `none-${index}` })],
    ['that require what is called otherwise', (index) => ({ wants: `called-${index}` })],
    ['that require a name of many', () => ({ wants: 'twin', aliases: ['twin'] })],
    ['in a row', (index) => ({ wants: `job-${Math.max(0, index - 1)}` })],
  ])('%s is looked at in proportion', (_, of) => {
    const [some, many] = [1000, 4000].map((count) => requiring(count, of));
    expect(many! / some!).toBeLessThan(4.5);
  });

  it('is left out in proportion, from whichever side it is listed', () => {
    const looksFor = (count: number): number => {
      const jobs = Array.from({ length: count }, (_, index): WorkflowJob => {
        const required = index === count - 1 ? [] : [{ name: `job-${index + 1}`, span }];
        const filters = { kind: 'map', span, entries: new Map() } as const;
        const never = { key: 'only', keySpan: span, value: scalar('nobody', span) };
        const branches = { ...filters, entries: new Map([['only', never]]) };
        const out = {
          ...filters,
          entries: new Map([['branches', { key: 'branches', keySpan: span, value: branches }]]),
        };
        return {
          ...{
            name: `job-${index}`,
            span,
            type: 'build',
            contexts: [],
            missingOrbs: [],
            alsoCalled: [],
            requires: required,
          },
          ...(index === count - 1 ? { filters: out } : {}),
        };
      });
      const { things, looks } = counting(jobs);
      const workflow = { name: 'main', span, jobs: things, isScheduled: false, settings: [] };
      const decided = decideJobs(workflow, circleContext.git, scope, { report: () => {} });
      expect(decided.every(({ verdict }) => verdict.kind === 'out')).toBe(true);
      return looks();
    };
    expect(looksFor(4000) / looksFor(1000)).toBeLessThan(4.5);
  });
});
