import { expect, it } from 'vitest';
import { checkInputRules } from '../../../src/dialects/gitlab/inputs/check-input-rules.ts';
import type { InputSpec } from '../../../src/dialects/gitlab/inputs/input-spec.ts';
import { resolveInputs } from '../../../src/dialects/gitlab/inputs/resolve-inputs.ts';
import { interpolate } from '../../../src/dialects/gitlab/interpolation/interpolate.ts';
import { startReading } from '../../../src/dialects/gitlab/reading.ts';
import type { Node } from '../../../src/syntax/node.ts';
import { cpuTimer } from '../../support/cpu-timer.ts';

const span = { file: 'file', start: 0, end: 0 };
const many = Array.from({ length: 4000 }, (_, index) => `name_of_input_${index}`);
const wrong = many.map((name) => name.replace('name', 'nome'));
const text = (value: string): Node => ({ kind: 'scalar', value, text: value, span });
const specs: readonly InputSpec[] = many.map((name) => ({ name, keySpan: span, type: 'string', default: text('x') }));

/** Comparing eight thousand wrong names with eight thousand right ones took half a minute and more, half as many a quarter of it. */
function quickly(work: () => void): void {
  const spentMs = cpuTimer();
  work();
  expect(spentMs()).toBeLessThan(3000);
}

it('tells thousands of unknown inputs in time', () => {
  const told: unknown[] = [];
  const given = new Map(wrong.map((name) => [name, { kind: 'text', text: 'x' } as const]));
  quickly(() => resolveInputs(specs, given, { report: (diagnostic) => told.push(diagnostic), path: 'file' }));
  expect(told).toHaveLength(many.length);
});

it('tells thousands of rules that ask for unknown inputs in time', () => {
  const told: unknown[] = [];
  const reading = startReading((diagnostic) => told.push(diagnostic), { incomplete: false });
  const asking = specs.map((spec, index): InputSpec => {
    return {
      ...spec,
      rules: [{ span, condition: { kind: 'input', name: wrong[index]!, start: 0, end: 0 }, default: text('x') }],
    };
  });
  quickly(() => checkInputRules(asking, reading));
  expect(told).toHaveLength(many.length);
});

it('tells the first of thousands of blocks that name unknown inputs', () => {
  const told: unknown[] = [];
  const content: Node = { kind: 'seq', items: wrong.map((name) => text(`$[[ inputs.${name} ]]`)), span };
  const inputs = new Map(many.map((name) => [name, text('x')]));
  quickly(() => {
    const given = { roots: { inputs }, variable: () => undefined, source: '', related: [] };
    expect(interpolate(content, { ...given, report: (diagnostic) => told.push(diagnostic) })).toBeUndefined();
  });
  expect(told).toHaveLength(50);
});
