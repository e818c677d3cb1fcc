import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demultiplex } from '../../../src/executors/docker/demultiplex.ts';
import { takeUntilSilent } from '../../../src/executors/docker/take-until-silent.ts';
import { deferred } from '../../../src/util/deferred.ts';
import { collect } from '../contract.ts';

function frame(stream: 1 | 2, content: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(content.length, 4);
  return Buffer.concat([header, content]);
}

describe('demultiplex', () => {
  it('gives each stream its bytes, however they are cut', async () => {
    const frames = fc.array(fc.tuple(fc.constantFrom(1 as const, 2 as const), fc.uint8Array({ maxLength: 50 })));
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(frames, cuts, async (sent, sizes) => {
        const all = Buffer.concat(sent.map(([stream, content]) => frame(stream, content)));
        const from = new PassThrough();
        const [stdout, stderr] = [collect(), collect()];
        const taken = demultiplex(from, stdout, stderr);
        for (let at = 0, index = 0; at < all.length; index++) {
          const size = sizes[index % sizes.length]!;
          from.write(all.subarray(at, at + size));
          at += size;
        }
        from.end();
        await taken;
        const expected = (wanted: number): Buffer =>
          Buffer.concat(sent.filter(([stream]) => stream === wanted).map(([, content]) => content));
        expect(stdout.bytes()).toEqual(expected(1));
        expect(stderr.bytes()).toEqual(expected(2));
      }),
    );
  });
});

describe('takeUntilSilent', () => {
  it('ends though the stream does not, and not before a slow sink has everything', async () => {
    const stream = new PassThrough();
    const end = deferred();
    const stdout = collect(() => sleep(120));
    const taken = takeUntilSilent(stream, stdout, collect(), end.promise);
    for (const text of ['a', 'b', 'c']) {
      stream.write(frame(1, Buffer.from(text)));
      await sleep(1);
    }
    end.resolve();
    await taken;
    expect(stdout.text()).toBe('abc');
  });

  it('ends though somebody writes for ever', async () => {
    const stream = new PassThrough();
    const writing = setInterval(() => stream.write(frame(1, Buffer.alloc(1 << 20))), 1);
    await takeUntilSilent(stream, collect(), collect(), Promise.resolve());
    clearInterval(writing);
    expect(stream.destroyed).toBe(true);
  });

  it('rejects with the error of a sink', async () => {
    const stream = new PassThrough();
    stream.write(frame(1, Buffer.from('a')));
    const full = {
      write: async () => {
        throw new Error('disk full');
      },
    };
    await expect(takeUntilSilent(stream, full, full, new Promise(() => {}))).rejects.toThrow('disk full');
  });
});
