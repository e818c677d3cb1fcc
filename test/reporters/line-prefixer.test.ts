import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noPaint } from '../../src/reporters/color.ts';
import { linePrefixer } from '../../src/reporters/line-prefixer.ts';
import { memoryOutput } from '../../src/reporters/output.ts';
import { plainReporter } from '../../src/reporters/plain.ts';
import { jobResult, make } from './recorded.ts';

/** Cuts bytes at the given places, each a fraction of the length. */
function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => Math.floor(place * bytes.length)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

const bytesWithLines = fc
  .array(fc.oneof(fc.constant(0x0a), fc.constant(0x0d), fc.integer({ min: 0, max: 255 })), { maxLength: 200 })
  .map((list) => new Uint8Array(list));
const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

describe('the plain reporter', () => {
  it('reproduces every byte of every job, however the chunks are cut and mixed', () => {
    const job = fc.record({ bytes: bytesWithLines, places: fractions });
    fc.assert(
      fc.property(fc.array(job, { minLength: 1, maxLength: 4 }), fc.infiniteStream(fc.nat(3)), (jobs, order) => {
        const output = memoryOutput();
        const reporter = plainReporter({ output, paint: noPaint, color: false, verbosity: 'normal' });
        const queues = jobs.map(({ bytes, places }, id) => cutAt(bytes, places).map((chunk) => ({ id, chunk })));
        while (queues.some((queue) => queue.length > 0)) {
          const filled = queues.filter((queue) => queue.length > 0);
          const { id, chunk } = filled[order.next().value! % filled.length]!.shift()!;
          // The writer uses its buffer again after the call.
          const reused = Uint8Array.from(chunk);
          reporter.on(make.output(0, `j${id}`, reused));
          reused.fill(0x21);
        }
        jobs.forEach((_, id) => {
          reporter.on(make.finished(1, `j${id}`, jobResult()));
        });
        const written = output.bytes().toString('latin1').split('\n');
        jobs.forEach(({ bytes }, id) => {
          const prefix = `j${id} | `;
          const lines = written.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
          const text = Buffer.from(bytes).toString('latin1');
          const expected = text === '' || text.endsWith('\n') ? text : `${text}\n`;
          expect(lines.map((line) => `${line}\n`).join('')).toBe(expected);
        });
      }),
    );
  });

  it('writes once a chunk', () => {
    const output = memoryOutput();
    let writes = 0;
    const counted = { ...output, write: () => writes++ };
    const reporter = plainReporter({ output: counted, paint: noPaint, color: false, verbosity: 'normal' });
    reporter.on(make.output(0, 'a', 'line\n'.repeat(10_000)));
    expect(writes).toBe(1);
  });
});

describe('linePrefixer', () => {
  it('breaks lines that never end, so that little is kept', () => {
    const prefixer = linePrefixer('> ', { maxCarry: 4 });
    const out = [
      prefixer.push(Buffer.from('abc')),
      prefixer.push(Buffer.from('defghijk')),
      prefixer.push(Buffer.from('l\nm')),
    ];
    expect(Buffer.concat(out.flatMap((part) => part ?? [])).toString()).toBe('> abcd\n> efgh\n> ijkl\n');
    expect(prefixer.flush()?.toString()).toBe('> m\n');
    expect(prefixer.flush()).toBeUndefined();
  });

  it('passes whole lines that are longer than the limit', () => {
    const prefixer = linePrefixer('> ', { maxCarry: 4 });
    expect(prefixer.push(Buffer.from('0123456789\n'))?.toString()).toBe('> 0123456789\n');
  });
});
