import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileText } from '../../support/compile-text.ts';
import { circleCatalogue } from './rows/catalogue.ts';
import { surroundings } from './rows/surround.ts';

const file = { file: '.circleci/config.yml' };
const levels = Array.from({ length: 40 }, (_, index) => index + 1);

/** Forty commands, each of which calls the one before as `call` says, and a job that calls the last. */
function chain(first: string, call: (before: string) => string, start: string, parameters = '{}'): string {
  const command = (index: number, steps: string): string =>
    `  c${index}: { parameters: ${parameters}, steps: ${steps} }\n`;
  const commands = levels.map((index) => command(index, call(`c${index - 1}`))).join('');
  return `version: 2.1\ncommands:\n${command(0, first)}${commands}jobs:\n  build: { docker: [{ image: a }], steps: [${start}] }\n`;
}

const text = '{ x: { type: string } }';
const steps = '{ x: { type: steps } }';
const numbers = (count: number): string => Array.from({ length: count }, (_, index) => index).join(', ');
const job = 'jobs: { build: { parameters: { x: { type: integer } }, docker: [{ image: a }], steps: [checkout] } }';

const bombs: Readonly<Record<string, string>> = {
  'commands that call two others': chain('[checkout]', (before) => `[${before}, ${before}]`, 'c40'),
  'commands that call two others, and nothing in the end': chain('[]', (before) => `[${before}, ${before}]`, 'c40'),
  'texts that double': chain(
    "[run: '<< parameters.x >>']",
    (before) => `[${before}: { x: '<< parameters.x >><< parameters.x >>' }]`,
    'c40: { x: aaaaaaaa }',
    text,
  ),
  'steps that double': chain(
    "'<< parameters.x >>'",
    (before) => `[${before}: { x: [steps: << parameters.x >>, steps: << parameters.x >>] }]`,
    'c40: { x: [checkout] }',
    steps,
  ),
  'a command that calls itself twice':
    'version: 2.1\ncommands: { a: { steps: [a, a] } }\njobs: { build: { docker: [{ image: a }], steps: [a] } }\n',
  'a matrix of 100,000 jobs': `version: 2.1\n${job}\nworkflows: { main: { jobs: [build: { matrix: { parameters: { x: [${numbers(100_000)}] } } }] } }\n`,
  'conditions in conditions': `version: 2.1\n${job}\nworkflows: { main: { when: ${'{ not: '.repeat(500)}true${' }'.repeat(500)}, jobs: [build] } }\n`,
};

describe('configurations made to take for ever', () => {
  it.each(Object.entries(bombs))('are refused: %s', { timeout: 60_000 }, async (_, bomb) => {
    const { diagnostics } = await compileText(bomb, file);
    const errors = diagnostics.filter(({ severity }) => severity === 'error');
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.length).toBeLessThan(10);
    expect(errors.every(({ span }) => span !== undefined)).toBe(true);
  });
});

describe('configurations that went wrong somewhere', () => {
  const whole = Object.entries(circleCatalogue).map(([id, [passes]]) => {
    const around: string =
      (surroundings as Readonly<Record<string, string>>)[id.slice(0, id.indexOf('/'))] ?? surroundings.step;
    return around.replace('%', () => passes);
  });
  const junk = fc.constantFrom(
    '',
    ' ',
    '\n',
    '<<',
    '>>',
    '<< x >>',
    ': ',
    '- ',
    '{',
    ']',
    '~',
    "'",
    '0x',
    '<<: *a',
    '&a ',
    'null',
  );

  it('are told, and nothing is thrown', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...whole), fc.nat(), fc.nat(20), junk, async (good, at, length, inserted) => {
        const from = at % good.length;
        const bad = good.slice(0, from) + inserted + good.slice(from + length);
        const { diagnostics } = await compileText(bad, file);
        expect(diagnostics.every(({ message }) => message !== '')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
