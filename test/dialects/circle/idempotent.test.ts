import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasErrors } from '../../../src/diagnostics/diagnostic.ts';
import { toValue } from '../../../src/syntax/node.ts';
import { compileText } from '../../support/compile-text.ts';

const corpus = fileURLToPath(new URL('../../../../shared/corpus', import.meta.url));
const folders = ['circle-real', 'circle-schema/positive'].filter((folder) => existsSync(join(corpus, folder)));
const files = folders.flatMap((folder) => readdirSync(join(corpus, folder)).map((name) => join(corpus, folder, name)));

async function compiled(text: string) {
  const { compiled: value, diagnostics } = await compileText(text, { file: '.circleci/config.yml' });
  return { config: value && toValue(value.config), diagnostics };
}

/** What is compiled once is the same when it is compiled again. JSON is YAML. */
async function expectSettled(text: string): Promise<void> {
  const once = await compiled(text);
  // Steps of orbs that are not there stay, and version 2 has no such steps.
  const isWhole = !once.diagnostics.some(({ code }) => code === 'circle/missing-orb');
  if (!isWhole || hasErrors(once.diagnostics)) return;
  const again = await compiled(JSON.stringify(once.config));
  expect(again.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(again.config).toEqual(once.config);
}

describe('compiling what was compiled changes nothing', () => {
  it.each(files)('%s', async (path) => expectSettled(readFileSync(path, 'utf8')));

  const word = fc.constantFrom('a', 'b', '1', 'true', '<< pipeline.number >>', '\\<<', '${X}', "it's", '#');
  const step = fc.oneof(
    fc.constant('checkout'),
    word.map((command) => ({ run: command })),
    word.map((who) => ({ greet: { who } })),
    fc.boolean().map((condition) => ({ when: { condition, steps: ['checkout', { greet: { who: 'x' } }] } })),
  );
  const call = fc.record(
    {
      name: fc.constantFrom('n', 'm'),
      matrix: fc.uniqueArray(fc.constantFrom('p', 'q', 'r'), { minLength: 1 }).map((who) => ({ parameters: { who } })),
      context: fc.constantFrom<string | readonly string[]>('c', ['c', 'd']),
      'pre-steps': fc.array(step, { maxLength: 2 }),
      filters: fc.constant({ branches: { only: ['main', '/a.*/'] } }),
    },
    { requiredKeys: [] },
  );
  const config = fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 4 }),
    calls: fc.array(call, { minLength: 1, maxLength: 4 }),
  });

  it('of configurations that are made up', async () => {
    await fc.assert(
      fc.asyncProperty(config, async ({ steps, calls }) => {
        const who = { type: 'string', default: 'w' };
        const text = JSON.stringify({
          version: 2.1,
          commands: { greet: { parameters: { who }, steps: [{ run: { command: 'echo << parameters.who >>' } }] } },
          jobs: {
            job: { parameters: { who }, environment: { W: '<< parameters.who >>' }, docker: [{ image: 'a' }], steps },
          },
          workflows: { main: { jobs: calls.map((each) => ({ job: each })) } },
        });
        await expectSettled(text);
      }),
      { numRuns: 100 },
    );
  });
});
