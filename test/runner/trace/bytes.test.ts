import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { outputLimit } from '../../../src/runner/trace/output-limit.ts';
import { Spool } from '../../../src/runner/trace/spool.ts';
import { jobTokenPrefixes } from '../../../src/runner/trace/token-prefixes.ts';
import { utf8Repair, wholeCharacters } from '../../../src/runner/trace/utf8-repair.ts';

const directory = mkdtempSync(join(tmpdir(), 'runner-bytes-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('repairing UTF-8', () => {
  it('gives the same however the bytes are cut, and what a decoder of all of them gives', () => {
    const some = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(some, { maxLength: 8 }), (pieces) => {
        const repair = utf8Repair();
        const made = [...pieces.map((piece) => Buffer.from(repair.take(piece))), Buffer.from(repair.end())];
        const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(pieces));
        expect(Buffer.concat(made).toString()).toBe(whole);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the limit of output', () => {
  it('lets no more through than it says, and never half a character', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 9 })),
        fc.integer({ min: 1, max: 40 }),
        (texts, most) => {
          const limit = outputLimit(most);
          const out = Buffer.concat(texts.flatMap((text) => limit.take(Buffer.from(text)))).toString();
          const whole = Buffer.from(texts.join(''));
          expect(limit.isReached).toBe(whole.length >= most);
          if (!limit.isReached) {
            expect(out).toBe(whole.toString());
            return;
          }
          const kept = wholeCharacters(whole, most).toString();
          expect(out.startsWith(`${kept}\n\x1b[33;1mJob's log exceeded limit of ${most} bytes.\n`)).toBe(true);
          // It may be among what was written.
          expect(out.includes('\ufffd')).toBe(kept.includes('\ufffd'));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a spool', () => {
  it('keeps bytes in order, counts them, and goes on after it was closed', async () => {
    const path = join(directory, 'one');
    const spool = await Spool.open(path);
    const pieces = [Buffer.alloc(100_000, 'a'), Buffer.from('b'), Buffer.alloc(50_000, 'c'), Buffer.from('d')];
    await Promise.all(pieces.map((piece) => spool.append(piece)));
    const whole = Buffer.concat(pieces);
    expect(spool.size).toBe(whole.length);
    expect(spool.checksum).toBe(`crc32:${crc32(whole).toString(16).padStart(8, '0')}`);
    expect(Buffer.from(await spool.read(99_999, 3)).toString()).toBe('abc');
    expect(await spool.read(whole.length, 5)).toHaveLength(0);
    expect(await spool.read(whole.length + 5, 5)).toHaveLength(0);
    await spool.close();
    const again = await Spool.open(path);
    expect([again.size, again.checksum]).toEqual([spool.size, spool.checksum]);
    await again.append(Buffer.from('e'));
    await again.close();
    expect(readFileSync(path).equals(Buffer.concat([whole, Buffer.from('e')]))).toBe(true);
  });

  it('says which path a disk does not take', async () => {
    await expect(Spool.open('/dev/null/x')).rejects.toThrow("can't keep the job's log in /dev/null/x");
    const path = join(directory, 'closed');
    const closed = await Spool.open(path);
    await closed.close();
    const wrong = { reason: 'runner_system_failure', message: expect.stringContaining(path) };
    await expect(closed.append(Buffer.from('x'))).rejects.toMatchObject(wrong);
    await expect(closed.append(Buffer.alloc(20_000))).rejects.toMatchObject(wrong);
  });

  it('keeps a little of what comes after a write that failed', async () => {
    const spool = await Spool.open(join(directory, 'cut'));
    await spool.append(Buffer.from('on disk\n'));
    await spool.close();
    const long = `${'ü'.repeat(1500)}\n${'y'.repeat(100_000)}`;
    await expect(spool.append(Buffer.from(long))).rejects.toThrow("can't keep");
    await spool.append(Buffer.from('why'));
    const kept = `${'ü'.repeat(1500)}\nwhy`;
    expect(Buffer.from(await spool.read(8, 100_000)).toString()).toBe(kept);
    expect(Buffer.from(await spool.read(spool.size - 3, 2)).toString()).toBe('wh');
    expect(spool.checksum).toBe(`crc32:${crc32(`on disk\n${kept}`).toString(16).padStart(8, '0')}`);
    await expect(spool.append(Buffer.alloc(16_000))).rejects.toThrow("can't keep");
  });
});

it('looks for at most fifteen beginnings of tokens, the shortest first', () => {
  expect(jobTokenPrefixes({ own: [], defaults: 'personal' })).toEqual(['glpat-']);
  expect(jobTokenPrefixes({ own: ['xy-', ' ', 'glpat-'], defaults: 'personal' })).toEqual(['xy-', 'glpat-']);
  const all = jobTokenPrefixes({ own: ['a-very-long-prefix-', 'b-', 'another-long-prefix-'], defaults: 'all' });
  expect(all).toHaveLength(15);
  expect(all.slice(0, 4)).toEqual(['b-', 'gldt-', 'glft-', 'glrt-']);
  expect(all).not.toContain('a-very-long-prefix-');
});
