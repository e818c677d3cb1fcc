import { expect, it } from 'vitest';
import { circle } from '../../../src/dialects/circle/circle.ts';
import { compileFile } from '../../../src/dialects/compile-file.ts';
import type { CompileInput } from '../../../src/dialects/dialect.ts';
import { circleContext } from './support.ts';

async function errorsOf(text: string, orbs: ReadonlyMap<string, string> = new Map()): Promise<readonly string[]> {
  const files: CompileInput['files'] = {
    local: async (path) => {
      const source = orbs.get(path);
      return { value: source === undefined ? [] : [{ path, text: source }], diagnostics: [] };
    },
    foreign: async () => ({ value: undefined, diagnostics: [] }),
  };
  const { diagnostics } = await compileFile(circle, `version: 2.1\n${text}`, {
    file: '.circleci/config.yml',
    context: { ...circleContext, predefined: [] },
    files,
  });
  return diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message);
}

it('orbs that use others twice, level by level, are refused soon', async () => {
  const orbs = new Map<string, string>();
  for (let level = 0; level < 20; level++) {
    const next = [`a${level + 1}: n/a${level + 1}@1.0.0`, `b${level + 1}: n/a${level + 1}@1.0.0`];
    const text = `version: 2.1\norbs: {${next.join(', ')}}\ncommands: {c: {steps: [checkout]}}\n`;
    for (const name of ['a', 'b']) orbs.set(`.circleci/orbs/${name}${level}.yml`, text);
  }
  const text = 'orbs: {a0: n/a0@1.0.0}\njobs: {build: {docker: [{image: a}], steps: [a0/c]}}\n';
  expect(await errorsOf(text, orbs)).toEqual(['the file and its orbs use too many orbs']);
});

it('refuses more copies of a job than would be made', async () => {
  const text = (parallelism: number): string =>
    `jobs: {build: {docker: [{image: a}], parallelism: ${parallelism}, steps: [checkout]}}\n`;
  expect(await errorsOf(text(201))).toEqual(['`parallelism` can be 200 at most here, and this is 201']);
  expect(await errorsOf(text(200))).toEqual([]);
});
