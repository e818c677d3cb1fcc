import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArchiveError, type ArchiveErrorKind } from '../../../src/util/archive/archive-error.ts';
import { symlinkStaysInside } from '../../../src/util/archive/entry-name.ts';
import { type UnpackOptions, unpackTar } from '../../../src/util/archive/unpack-tar.ts';
import { walkTree } from '../../../src/util/files/walk-tree.ts';
import { type RawEntry, rawTar } from './raw-tar.ts';

let base: string;
let into: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'untar-'));
  into = join(base, 'a/b/into');
  mkdirSync(into, { recursive: true });
  writeFileSync(join(base, 'victim'), 'untouched');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const unpack = (entries: readonly RawEntry[], options?: UnpackOptions) =>
  unpackTar(Readable.from([rawTar(entries)]), into, options);

/** Nothing beside the target was made or changed. */
async function expectNothingOutside(): Promise<void> {
  const { entries } = await walkTree(base);
  const outside = entries.map((entry) => entry.path).filter((path) => !path.startsWith('a/b/into/'));
  expect(outside).toEqual(['a', 'a/b', 'a/b/into', 'victim']);
  expect(readFileSync(join(base, 'victim'), 'utf8')).toBe('untouched');
}

const up = '../../../victim';
const size = (text: string) => Buffer.from(text.padEnd(12, '\0'), 'latin1');
const negative = Buffer.concat([Buffer.alloc(11, 0xff), Buffer.from([0])]);
const huge = Buffer.concat([Buffer.from([0x80]), Buffer.alloc(5), Buffer.alloc(6, 0xff)]);

type HostileCase = [
  name: string,
  archive: readonly RawEntry[] | Buffer,
  kind: ArchiveErrorKind,
  options?: UnpackOptions,
];

const hostile: HostileCase[] = [
  ['parent', [{ name: up, content: 'x' }], 'outside'],
  ['parent inside a path', [{ name: 'a/../../../../victim', content: 'x' }], 'outside'],
  ['parent as a directory', [{ name: '../evil/', flag: '5' }], 'outside'],
  ['parent alone', [{ name: '..', flag: '5' }], 'outside'],
  ['parent by PAX', [{ name: 'ok', content: 'x', pax: { path: up } }], 'outside'],
  ['absolute', [{ name: '/tmp/evil', content: 'x' }], 'absolute-path'],
  ['absolute by PAX', [{ name: 'ok', content: 'x', pax: { path: '//tmp/evil' } }], 'absolute-path'],
  ['drive', [{ name: 'C:/evil', content: 'x' }], 'windows-path'],
  ['drive-relative', [{ name: 'C:..', content: 'x' }], 'windows-path'],
  ['drive-relative with backslash', [{ name: 'c:..\\evil', content: 'x' }], 'windows-path'],
  ['backslash parent', [{ name: '..\\..\\evil', content: 'x' }], 'windows-path'],
  ['backslash root', [{ name: '\\\\server\\share', content: 'x' }], 'absolute-path'],
  ['NUL by PAX', [{ name: 'ok', content: 'x', pax: { path: 'a\0b' } }], 'bad-name'],
  ['NUL in a link by PAX', [{ name: 'ok', flag: '2', link: 'x', pax: { linkpath: 'a\0b' } }], 'bad-name'],
  ['no name', [{ name: '', content: 'x' }], 'bad-name'],
  ['a name of 5000 characters', [{ name: 'x', content: 'x', pax: { path: 'n'.repeat(5000) } }], 'bad-name'],
  [
    'the root as a file',
    [
      { name: './', flag: '0' },
      { name: '.', content: 'x', flag: '7' },
    ],
    'bad-name',
  ],
  ['symlink outside', [{ name: 'l', flag: '2', link: up }], 'symlink-outside'],
  ['symlink absolute', [{ name: 'l', flag: '2', link: '/etc/passwd' }], 'symlink-outside'],
  ['symlink down and up', [{ name: 'l', flag: '2', link: 'a/../../../../victim' }], 'symlink-outside'],
  ['symlink by PAX', [{ name: 'l', flag: '2', link: 'ok', pax: { linkpath: up } }], 'symlink-outside'],
  [
    'file through a symlink',
    [
      { name: 'l', flag: '2', link: '../../..' },
      { name: 'l/victim', content: 'x' },
    ],
    'through-link',
    { symlinks: 'literal' },
  ],
  [
    'file through a symlink that stays inside',
    [
      { name: 'd/', flag: '5', mode: 0o755 },
      { name: 'l', flag: '2', link: 'd' },
      { name: 'l/x', content: 'x' },
    ],
    'through-link',
  ],
  [
    'directory through a symlink',
    [
      { name: 'l', flag: '2', link: '../../..' },
      { name: 'l/evil/', flag: '5' },
    ],
    'through-link',
    { symlinks: 'literal' },
  ],
  [
    'file over a symlink',
    [
      { name: 'l', flag: '2', link: up },
      { name: 'l', content: 'x' },
    ],
    'collision',
    { symlinks: 'literal' },
  ],
  [
    'hard link through a chain of symlinks',
    [
      { name: 'd/', flag: '5', mode: 0o755 },
      { name: 'd/up', flag: '2', link: '..' },
      { name: 'chain', flag: '2', link: 'd/up' },
      { name: 'h', flag: '1', link: 'chain/victim' },
    ],
    'hardlink-target',
  ],
  [
    'chain that steps out by a link',
    [
      { name: 'd/', flag: '5', mode: 0o755 },
      { name: 'd/up', flag: '2', link: '..' },
      { name: 'out', flag: '2', link: 'd/up/../victim' },
    ],
    'symlink-outside',
  ],
  [
    'hard link to a symlink',
    [
      { name: 'l', flag: '2', link: up },
      { name: 'h', flag: '1', link: 'l' },
    ],
    'hardlink-target',
    { symlinks: 'literal' },
  ],
  ['hard link outside', [{ name: 'h', flag: '1', link: up }], 'outside'],
  ['hard link absolute', [{ name: 'h', flag: '1', link: '/etc/passwd' }], 'absolute-path'],
  ['hard link to nothing', [{ name: 'h', flag: '1', link: 'later' }], 'hardlink-target'],
  [
    'hard link to itself',
    [
      { name: 'h', content: 'x' },
      { name: 'h', flag: '1', link: 'h' },
    ],
    'hardlink-target',
  ],
  [
    'directory replaced by a symlink',
    [
      { name: 'd/', flag: '5', mode: 0o755 },
      { name: 'd', flag: '2', link: '../../..' },
      { name: 'd/victim', content: 'x' },
    ],
    'collision',
    { symlinks: 'literal' },
  ],
  [
    'file over a directory',
    [
      { name: 'd/x', content: 'x' },
      { name: 'd', content: 'x' },
    ],
    'collision',
  ],
  [
    'directory below a file',
    [
      { name: 'f', content: 'x' },
      { name: 'f/x', content: 'x' },
    ],
    'through-link',
  ],
  [
    'case collision with a link',
    [
      { name: 'Link', flag: '2', link: '../../..' },
      { name: 'link/victim', content: 'x' },
    ],
    'collision',
    { symlinks: 'literal' },
  ],
  [
    'Unicode collision with a link',
    [
      { name: 'x', flag: '2', link: '../../..', pax: { path: 'é' } },
      { name: 'x', content: 'x', pax: { path: 'e\u0301/victim' } },
    ],
    'collision',
    { symlinks: 'literal' },
  ],
  ['10,000 levels', [{ name: 'x', content: 'x', pax: { path: 'd/'.repeat(10_000) + 'x' } }], 'too-deep'],
  ['character device', [{ name: 'null', flag: '3' }], 'type'],
  ['block device', [{ name: 'sda', flag: '4' }], 'type'],
  ['named pipe', [{ name: 'pipe', flag: '6' }], 'type'],
  ['unknown type', [{ name: 'sparse', flag: 'S' }], 'type'],
  ['huge declared size', [{ name: 'f', size: huge }], 'too-large'],
  ['size by PAX', [{ name: 'f', content: 'x', pax: { size: '99999999999999' } }], 'too-large'],
  ['negative size', [{ name: 'f', size: negative }], 'corrupt'],
  ['negative size in octal', [{ name: 'f', size: size('-0000000777 ') }], 'corrupt'],
  ['size that is no number', [{ name: 'f', size: size('zzz') }], 'corrupt'],
  ['bad checksum', Buffer.concat([Buffer.alloc(512, 65), Buffer.alloc(1024)]), 'corrupt'],
  ['header of 5 MB', [{ name: 'PaxHeader', flag: 'x', content: 'x'.repeat(5 << 20) }], 'corrupt'],
  ['truncated content', rawTar([{ name: 'f', content: 'x'.repeat(3000) }]).subarray(0, 1500), 'truncated'],
  ['truncated header', rawTar([{ name: 'f', content: 'x' }]).subarray(0, 300), 'truncated'],
  ['no end mark', rawTar([{ name: 'f', content: 'x'.repeat(512) }], 'no end mark'), 'truncated'],
  ['empty', Buffer.alloc(0), 'truncated'],
  [
    'too many',
    Array.from({ length: 20 }, (_, i) => ({ name: `f${i}` })),
    'too-many-entries',
    { limits: { maxEntries: 19 } },
  ],
  [
    'bomb',
    Array.from({ length: 9 }, (_, i) => ({ name: `f${i}`, content: '\0'.repeat(4 << 20) })),
    'ratio',
    { limits: { receivedBytes: () => 50_000 } },
  ],
  ['not below the prefix', [{ name: 'other/f', content: 'x' }], 'outside', { stripPrefix: 'dist' }],
];

describe('hostile archives', () => {
  it('are more than 30', () => expect(hostile.length).toBeGreaterThanOrEqual(30));

  it.each(hostile.map(([name, ...rest]) => ({ name, rest })))('$name', async ({ rest: [archive, kind, options] }) => {
    const bytes = Buffer.isBuffer(archive) ? archive : rawTar(archive);
    const error = await unpackTar(Readable.from([bytes]), into, options).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ArchiveError);
    expect((error as ArchiveError).kind).toBe(kind);
    await expectNothingOutside();
  });

  it('do nothing through links that were there before', async () => {
    symlinkSync('../../..', join(into, 'there'));
    symlinkSync('../../../victim', join(into, 'file'));
    await expect(unpack([{ name: 'there/victim', content: 'x' }])).rejects.toMatchObject({ kind: 'through-link' });
    await unpack([{ name: 'file', content: 'x' }]);
    expect(lstatSync(join(into, 'file')).isFile()).toBe(true);
    await expectNothingOutside();
  });

  it('whatever they are made of, write nothing outside', async () => {
    const part = fc.constantFrom('..', '.', 'a', 'b', 'A', 'l', 'victim', '', '/', 'C:', '..\\x', '\u0000');
    const path = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
    const entry = fc.record({
      name: path,
      flag: fc.constantFrom('0', '1', '2', '5', '6'),
      link: path,
      content: fc.constantFrom('', 'x'),
      mode: fc.constant(0o755),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 8 }),
        fc.constantFrom('inside' as const, 'literal' as const),
        async (entries, symlinks) => {
          rmSync(into, { recursive: true });
          mkdirSync(into);
          await unpack(entries, { symlinks }).catch((error: unknown) => {
            if (!(error instanceof ArchiveError)) throw error;
          });
          await expectNothingOutside();
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('symlinkStaysInside', () => {
  it.each([
    ['l', 'a/b', true],
    ['bin/l', '../pkg/run.js', true],
    ['a/b/l', '../..', true],
    ['l', '.', true],
    ['l', '..', false],
    ['a/l', '../../x', false],
    ['a/b/l', 'c/../x', false],
    ['l', 'C:x', false],
    ['l', '..\\x', false],
  ])('%s -> %s: %s', (path, target, expected) => expect(symlinkStaysInside(path, target)).toBe(expected));
});

describe('unpackTar', () => {
  it('keeps content, modes, times, links; drops setuid', async () => {
    const entries = await unpack([
      { name: './', flag: '5', mode: 0o755 },
      { name: './d/', flag: '5', mode: 0o555 },
      { name: './d/f', content: 'hello', mode: 0o4751 },
      { name: './d/l', flag: '2', link: 'f' },
      { name: './h', flag: '1', link: './d/f' },
      { name: './d/f2', content: '' },
    ]);
    expect(entries.map((entry) => `${entry.type} ${entry.path} ${entry.sizeBytes}`)).toEqual([
      'directory d 0',
      'file d/f 5',
      'symlink d/l 1',
      'file h 5',
      'file d/f2 0',
    ]);
    const stats = lstatSync(join(into, 'd/f'));
    expect(stats.mode & 0o7777).toBe(0o751);
    expect(stats.mtimeMs).toBe(1_000_000);
    expect(lstatSync(join(into, 'h')).ino).toBe(stats.ino);
    expect(lstatSync(join(into, 'd')).mode & 0o777).toBe(0o555);
  });

  it('strips, renames and filters', async () => {
    const archive = [
      { name: 'dist/', flag: '5', mode: 0o755 },
      { name: 'dist/keep', content: 'k' },
      { name: 'dist/drop', content: 'd' },
      { name: 'dist/no/x', content: 'n' },
    ];
    await unpack(archive, {
      stripPrefix: 'dist/',
      filter: ({ path }) => path !== 'new/drop',
      rename: (path) => (path.startsWith('no/') ? undefined : path === '' ? '' : `new/${path}`),
    });
    expect(readdirSync(into)).toEqual(['new']);
    expect(readdirSync(join(into, 'new'))).toEqual(['keep']);
  });

  it('lets the last of two files of one name win', async () => {
    await unpack([
      { name: 'f', content: 'first' },
      { name: 'f', content: 'second' },
    ]);
    expect(readFileSync(join(into, 'f'), 'utf8')).toBe('second');
  });

  it('reads streams of any chunk size', async () => {
    const bytes = rawTar([
      { name: 'a', content: 'x'.repeat(700) },
      { name: 'b', content: 'y'.repeat(300_000) },
    ]);
    for (const length of [1, 511, 513, 100_000]) {
      const chunks = Array.from({ length: Math.ceil(Math.min(bytes.length, 3000) / length) }, (_, i) =>
        bytes.subarray(i * length, (i + 1) * length),
      );
      const rest = bytes.subarray(chunks.length * length);
      await unpackTar(Readable.from([...chunks, ...(rest.length > 0 ? [rest] : [])]), into);
      expect(readFileSync(join(into, 'b'), 'utf8')).toBe('y'.repeat(300_000));
    }
  });

  it('stops when the signal is aborted', async () => {
    const abort = new AbortController();
    const endless = Readable.from(
      (async function* () {
        yield rawTar([{ name: 'f', content: 'x' }], 'no end mark');
        abort.abort(new Error('stop'));
        await new Promise(() => {});
      })(),
    );
    await expect(unpackTar(endless, into, { signal: abort.signal })).rejects.toThrow('stop');
  });
});
