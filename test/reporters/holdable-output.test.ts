import { expect, it } from 'vitest';
import { holdableOutput } from '../../src/reporters/holdable-output.ts';
import { memoryOutput } from '../../src/reporters/output.ts';

it('keeps what is written while it is held, in order', async () => {
  const inner = memoryOutput({ columns: 80, rows: 24 });
  const output = holdableOutput(inner);
  output.write('a');
  output.hold();
  output.write('b');
  output.write(new Uint8Array([99]));
  await output.ready();
  expect(inner.text()).toBe('a');
  output.release();
  output.write('d');
  expect(inner.text()).toBe('abcd');
  expect([output.isTTY, output.columns, output.rows]).toEqual([true, 80, 24]);
});

it('lets who writes very much wait until it is released', async () => {
  const inner = memoryOutput();
  const output = holdableOutput(inner);
  output.hold();
  for (let written = 0; written < 9; written++) output.write(new Uint8Array(1 << 20));
  let isReady = false;
  const ready = output.ready().then(() => {
    isReady = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isReady).toBe(false);
  output.release();
  await ready;
  expect(inner.bytes().length).toBe(9 << 20);
});
