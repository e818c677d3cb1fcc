import { expect, it } from 'vitest';
import type { FileLoader } from '../../src/model/ports.ts';
import { compileText } from '../support/compile-text.ts';

it('a thousand included files are read once each, some at a time, and merged in their order', async () => {
  const count = 1000;
  let [reads, open, most] = [0, 0, 0];
  const loader: FileLoader = {
    local: async (path) => {
      reads++;
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      const number = Number(/\d+/.exec(path)?.[0]);
      return {
        value: [{ path, text: `job${number}: { script: [x] }\nvariables: { LAST: ${number} }\n` }],
        diagnostics: [],
      };
    },
    foreign: async () => ({ value: undefined, diagnostics: [] }),
  };
  const text = `include:\n${Array.from({ length: count }, (_, n) => `  - f${n}.yml\n`).join('')}`;
  const { jobs, codes, compiled } = await compileText(text, { loader, maxIncludes: count });
  expect(codes).toEqual([]);
  expect(jobs.map(({ name }) => name)).toEqual(Array.from({ length: count }, (_, n) => `job${n}`));
  expect(compiled?.pipeline.variables).toMatchObject([{ name: 'LAST', value: '999' }]);
  expect(reads).toBe(count);
  expect(most).toBeGreaterThan(4);
  expect(most).toBeLessThanOrEqual(20);
});

it('no more is read once too many are included', async () => {
  let reads = 0;
  const loader: FileLoader = {
    local: async (path) => {
      reads++;
      return { value: [{ path, text: 'job: { script: [x] }\n' }], diagnostics: [] };
    },
    foreign: async () => ({ value: undefined, diagnostics: [] }),
  };
  const { codes } = await compileText(`include:\n${'  - a.yml\n'.repeat(5000)}`, { loader });
  expect(codes).toEqual(['error gitlab/include-too-many']);
  expect(reads).toBeLessThan(200);
});
