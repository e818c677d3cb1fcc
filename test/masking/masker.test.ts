import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMasker, createMasking, type Masker } from '../../src/masking/masker.ts';
import type { LogSink } from '../../src/model/ports.ts';

function collector(): LogSink & { text(): string } {
  const chunks: Uint8Array[] = [];
  return {
    async write(bytes) {
      chunks.push(Uint8Array.from(bytes));
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}

async function mask(
  phrases: readonly string[],
  chunks: readonly (string | Uint8Array)[],
  prefixes?: readonly string[],
) {
  const out = collector();
  const masker = createMasker({ phrases, ...(prefixes === undefined ? {} : { prefixes }) }, out);
  for (const chunk of chunks) await masker.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  await masker.flush();
  return out.text();
}

/** The whole string at once, position by position: what the stream has to agree with. */
function oracle(text: string, phrases: readonly string[], prefixes: readonly string[]): string {
  const parts: [number, number][] = [];
  for (const phrase of phrases) {
    for (let at = text.indexOf(phrase); at >= 0; at = text.indexOf(phrase, at + 1))
      parts.push([at, at + phrase.length]);
  }
  for (const prefix of prefixes) {
    for (let at = text.indexOf(prefix); at >= 0; at = text.indexOf(prefix, at + 1)) {
      const from = at + prefix.length;
      let to = from;
      while (to < text.length && /[0-9A-Za-z\-._=]/.test(text[to]!)) to++;
      if (to > from) parts.push([from, to]);
    }
  }
  parts.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  let out = '';
  let done = 0;
  for (let index = 0; index < parts.length; ) {
    const start = parts[index]![0];
    let end = parts[index]![1];
    for (index++; index < parts.length && parts[index]![0] < end; index++) end = Math.max(end, parts[index]![1]);
    out += `${text.slice(done, start)}[MASKED]`;
    done = end;
  }
  return out + text.slice(done);
}

/** `|` marks where the stream is cut. */
const cuts: readonly [name: string, phrases: readonly string[], input: string, expected: string][] = [
  ['no secret', [], 'plain |text\n', 'plain text\n'],
  ['a whole', ['secret'], 'a secret here', 'a [MASKED] here'],
  ['at the start', ['secret'], 'secret| here', '[MASKED] here'],
  ['at the end', ['secret'], 'my sec|ret', 'my [MASKED]'],
  ['alone', ['secret'], 'secret', '[MASKED]'],
  ['cut in every place', ['secret'], '|s|e|c|r|e|t|', '[MASKED]'],
  ['cut before the last byte', ['secret'], 'secre|t', '[MASKED]'],
  ['a false start', ['secret'], 'sec|sec|ret', 'sec[MASKED]'],
  ['a false start that repeats its beginning', ['aabaac'], 'aabaab|aac', 'aab[MASKED]'],
  ['an unfinished one at the end', ['secret'], 'top sec|re', 'top secre'],
  ['twice without a gap', ['secret'], 'secret|secret', '[MASKED][MASKED]'],
  ['several', ['alpha', 'bravo'], 'al|pha br|avo alp|ha', '[MASKED] [MASKED] [MASKED]'],
  ['a prefix of another, the longer is there', ['token', 'token-long'], 'tok|en-lo|ng!', '[MASKED]!'],
  ['a prefix of another, the shorter is there', ['token', 'token-long'], 'token|-lo|st', '[MASKED]-lost'],
  ['a suffix of another', ['long-token', 'token'], 'long|-token token', '[MASKED] [MASKED]'],
  ['one inside another', ['abcdefgh', 'cdef'], 'abc|def|gh cdef', '[MASKED] [MASKED]'],
  ['one inside the beginning of another', ['abcdefgh', 'cdef'], 'abcdef|gX', 'ab[MASKED]gX'],
  ['overlapping: nothing of either shows', ['abcdef', 'defghi'], 'xabc|def|ghix', 'x[MASKED]x'],
  ['bridged by a third', ['abcd', 'efgh', 'dxef'], 'abcdxefgh', '[MASKED]'],
  ['itself overlapping', ['aaaa'], 'aaa|aaa', '[MASKED]'],
  ['a tower', ['1234', '12345', '123456', '1234567'], '123|4567 12345|8', '[MASKED] [MASKED]8'],
  ['several bytes a letter', ['geheimnüß'], 'das geheimn|üß!', 'das [MASKED]!'],
  ['the replacement itself', ['secret'], '[MASK|ED] secret', '[MASKED] [MASKED]'],
  ['a newline around the value', ['secret\n'], 'secret|\n', '[MASKED]\n'],
  ['a token by its prefix', [], 'glp|at-Ab_1.=-x rest', 'glpat-[MASKED] rest'],
  ['a prefix with nothing after it', [], 'glpat-| glpat-', 'glpat- glpat-'],
  ['a token at the end', [], 'x glrt-abc|def', 'x glrt-[MASKED]'],
  ['a token in several chunks', [], 'glpat-|aaa|bbb|ccc ddd', 'glpat-[MASKED] ddd'],
  ['a token inside a token', [], 'glpat-glrt-abc', 'glpat-[MASKED]'],
  ['a session cookie', [], '_gitlab_session=|12ab; x', '_gitlab_session=[MASKED]; x'],
  ['a phrase that begins with a prefix', ['glpat-mine'], 'glpat-mi|ne.more', '[MASKED]'],
  ['a phrase inside a token', ['middle'], 'glpat-a.mid|dle.z.', 'glpat-[MASKED]'],
  ['a URL parameter', [], 'https://x/?a=1&private_|token=abc&b=2', 'https://x/?a=1&private_token=[MASKED]&b=2'],
  ['a URL parameter in capitals', [], 'GET /?X-Amz-Signature=0f|3e HTTP', 'GET /?X-Amz-Signature=[MASKED] HTTP'],
  ['no URL parameter', [], 'private_token=abc', 'private_token=abc'],
];

describe('masker', () => {
  it.each(cuts)('hides %s', async (_name, phrases, input, expected) => {
    expect(await mask(phrases, input.split('|'))).toBe(expected);
    expect(await mask(phrases, [input.replaceAll('|', '')])).toBe(expected);
    expect(await mask(phrases, [...input.replaceAll('|', '')])).toBe(expected);
  });

  it('agrees with the whole-string oracle, however the text is cut', async () => {
    const letters = fc.constantFrom('a', 'b', 'c', '-', ' ');
    const phrase = fc.string({ unit: letters, minLength: 4, maxLength: 7 }).filter((text) => text.trim() === text);
    await fc.assert(
      fc.asyncProperty(
        fc.array(phrase, { maxLength: 5 }),
        fc.array(fc.constantFrom('ab-', 'ca'), { maxLength: 2 }),
        fc.array(fc.oneof(fc.string({ unit: letters, maxLength: 9 }), fc.nat({ max: 4 })), { maxLength: 10 }),
        fc.infiniteStream(fc.nat({ max: 6 })),
        async (phrases, prefixes, parts, sizes) => {
          const text = parts.map((part) => (typeof part === 'number' ? (phrases[part] ?? '') : part)).join('');
          const chunks: string[] = [];
          for (let at = 0; at < text.length; ) {
            const size = sizes.next().value!;
            chunks.push(text.slice(at, at + size));
            at += size;
          }
          expect(await mask(phrases, chunks, prefixes)).toBe(oracle(text, phrases, prefixes));
        },
      ),
      { numRuns: 10_000 },
    );
  });

  it('hides values of 8,000 bytes, and two of them that differ at the end', async () => {
    const long = 'x1'.repeat(4000);
    const other = `${long}y`;
    const text = `a ${other} b ${long} c`;
    const chunks = text.match(/.{1,777}/g)!;
    expect(await mask([long, other], chunks)).toBe('a [MASKED] b [MASKED] c');
  });

  it('still agrees when the tables are wide: 70,000 states', async () => {
    const phrases = Array.from({ length: 10 }, (_, index) => `${index}-${'abcdefg'.repeat(1000)}`);
    const text = `x ${phrases[3]} y ${phrases[9]!.slice(0, 6000)} z`;
    expect(await mask(phrases, [text.slice(0, 5000), text.slice(5000)])).toBe(oracle(text, phrases, []));
  });

  it('refuses what is too short and says so', async () => {
    const out = collector();
    const masker = createMasker({ phrases: ['abc', '', 'long enough', ' xy '] }, out);
    expect(masker.refused).toEqual(['abc', ' xy ']);
    expect(masker.add('no')).toBe('refused');
    await masker.write(Buffer.from('abc xy no'));
    await masker.flush();
    expect(out.text()).toBe('abc xy no');
  });

  it('hides a value added while the stream is open, from the next byte on', async () => {
    const out = collector();
    const masking = createMasking({ phrases: ['abcdefgh'] });
    const masker: Masker = masking.stream(out);
    await masker.write(Buffer.from('first-one abcd'));
    expect(masking.add('first-one')).toBe('added');
    expect(masking.add('cdXY')).toBe('added');
    await masker.write(Buffer.from('XY first-one abc'));
    expect(masking.add('other-value')).toBe('added');
    await masker.write(Buffer.from('defgh other-value'));
    await masker.flush();
    expect(out.text()).toBe('first-one ab[MASKED] [MASKED] [MASKED] [MASKED]');
  });

  it('hands on a chunk without secrets as it is, and holds back no more than it must', async () => {
    const written: Uint8Array[] = [];
    const masker = createMasker({ phrases: ['secret'] }, { write: async (bytes) => void written.push(bytes) });
    const chunk = Buffer.from('nothing to hide\n');
    await masker.write(chunk);
    expect(written[0]!.buffer).toBe(chunk.buffer);
    await masker.write(Buffer.from('line\nsec'));
    expect(Buffer.concat(written).toString()).toBe('nothing to hide\nline\n');
    await masker.write(Buffer.from('ond'));
    expect(Buffer.concat(written).toString()).toBe('nothing to hide\nline\nsecond');
  });

  it('keeps no token in memory while it goes on', async () => {
    const out = collector();
    const masker = createMasker({ phrases: ['secret'] }, out);
    await masker.write(Buffer.from('glpat-'));
    for (let index = 0; index < 100; index++) await masker.write(Buffer.alloc(1000, 'x'));
    expect(out.text()).toBe('glpat-[MASKED]');
    await masker.write(Buffer.from('\nend'));
    await masker.flush();
    expect(out.text()).toBe('glpat-[MASKED]\nend');
  });

  it('passes on backpressure', async () => {
    let release: () => void = () => {};
    const masker = createMasker(
      { phrases: ['secret'] },
      { write: () => new Promise<void>((resolve) => (release = resolve)) },
    );
    let done = false;
    const written = masker.write(Buffer.from('a secret\n')).then(() => {
      done = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    release();
    await written;
    expect(done).toBe(true);
  });
});
