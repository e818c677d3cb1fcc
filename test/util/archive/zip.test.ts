import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { packZip } from '../../../src/util/archive/pack-zip.ts';
import { unpackZip } from '../../../src/util/archive/unpack-zip.ts';

let root: string;
let into: string;
let archive: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ci-zip-'));
  into = join(root, 'into');
  mkdirSync(into);
  archive = join(root, 'a.zip');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** An archive as somebody who means harm makes it. */
async function hostile(
  fill: (zip: ZipFile) => void,
  replace: readonly (readonly [string, string])[] = [],
): Promise<void> {
  const zip = new ZipFile();
  fill(zip);
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(archive));
  // Names that the library would not write.
  let bytes = readFileSync(archive).toString('latin1');
  for (const [from, to] of replace) bytes = bytes.replaceAll(from, to);
  writeFileSync(archive, Buffer.from(bytes, 'latin1'));
}

describe('packing and unpacking', () => {
  it('keeps files, directories, links, modes and times', async () => {
    const tree = join(root, 'tree');
    mkdirSync(join(tree, 'deep', 'empty'), { recursive: true });
    writeFileSync(join(tree, 'deep', 'run.sh'), '#!/bin/sh\n');
    chmodSync(join(tree, 'deep', 'run.sh'), 0o750);
    writeFileSync(join(tree, 'ümlaut ✓'), 'x'.repeat(300_000));
    symlinkSync('deep/run.sh', join(tree, 'link'));
    utimesSync(join(tree, 'deep', 'run.sh'), 1_700_000_001, 1_700_000_001);
    await pipeline(await packZip({ root: tree }), createWriteStream(archive));

    const written = await unpackZip(archive, into);
    expect(written.map(({ path, type }) => `${type} ${path}`).sort()).toEqual([
      'directory deep',
      'directory deep/empty',
      'file deep/run.sh',
      'file ümlaut ✓',
      'symlink link',
    ]);
    expect(statSync(join(into, 'deep', 'run.sh')).mode & 0o777).toBe(0o750);
    expect(Math.round(statSync(join(into, 'deep', 'run.sh')).mtimeMs / 1000)).toBe(1_700_000_001);
    expect(readlinkSync(join(into, 'link'))).toBe('deep/run.sh');
    expect(readFileSync(join(into, 'ümlaut ✓'), 'utf8')).toHaveLength(300_000);
  });

  it('packs only the named entries', async () => {
    writeFileSync(join(root, 'one'), '1');
    writeFileSync(join(root, 'two'), '2');
    await pipeline(await packZip({ root, entries: [{ path: 'two' }, { path: 'gone' }] }), createWriteStream(archive));
    expect((await unpackZip(archive, into)).map(({ path }) => path)).toEqual(['two']);
  });

  it.skipIf(!existsSync('/usr/bin/python3'))('reads what another program wrote, and the other way round', async () => {
    const script =
      'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1],"w",zipfile.ZIP_DEFLATED); z.writestr("a/b.txt","hello"); z.close()';
    execFileSync('python3', ['-c', script, archive]);
    await unpackZip(archive, into);
    expect(readFileSync(join(into, 'a/b.txt'), 'utf8')).toBe('hello');
    const own = join(root, 'own.zip');
    await pipeline(await packZip({ root: into }), createWriteStream(own));
    expect(execFileSync('python3', ['-m', 'zipfile', '-t', own], { encoding: 'utf8' })).toContain('Done testing');
  });
});

describe('what means harm', () => {
  const text = Buffer.from('x');
  const link = { mode: 0o120777, compress: false } as const;

  it.each([
    ['a way up', () => hostile((zip) => zip.addBuffer(text, 'xx/evil'), [['xx/evil', '../evil']]), 'outside'],
    ['an absolute path', () => hostile((zip) => zip.addBuffer(text, 'xevil'), [['xevil', '/evil']]), 'absolute-path'],
    ['a link outside', () => hostile((zip) => zip.addBuffer(Buffer.from('/etc/passwd'), 'a', link)), 'symlink-outside'],
    [
      'a file through a link',
      () =>
        hostile((zip) => {
          zip.addBuffer(Buffer.from('b'), 'a', link);
          zip.addBuffer(text, 'a/evil');
        }),
      'through-link',
    ],
    ['a device', () => hostile((zip) => zip.addBuffer(text, 'a', { mode: 0o020666 })), 'type'],
    ['a bomb', () => hostile((zip) => zip.addBuffer(Buffer.alloc(40 << 20), 'a')), undefined],
  ])('refuses %s', async (_, make, kind) => {
    await make();
    const limits = kind === undefined ? { maxTotalBytes: 1 << 20 } : {};
    await expect(unpackZip(archive, into, { limits })).rejects.toMatchObject({
      name: 'ArchiveError',
      kind: kind ?? 'too-large',
    });
    expect(existsSync(join(root, 'evil'))).toBe(false);
  });

  it('refuses entries that lie on each other, and takes what is just packed well', async () => {
    const zeros = Buffer.alloc(20 << 20);
    await hostile((zip) => ['a', 'b', 'c'].forEach((name) => void zip.addBuffer(zeros, name)));
    expect(await unpackZip(archive, into)).toHaveLength(3);
    await hostile((zip) => zip.addBuffer(zeros, 'x'));
    const bytes = readFileSync(archive);
    const directoryAt = bytes.indexOf('PK\x01\x02', 0, 'latin1');
    const endAt = bytes.indexOf('PK\x05\x06', 0, 'latin1');
    const record = bytes.subarray(directoryAt, endAt);
    const records = Buffer.concat(
      Array.from({ length: 20 }, (_, at) => {
        const other = Buffer.from(record);
        other[46] = 'd'.charCodeAt(0) + at;
        return other;
      }),
    );
    const end = Buffer.from(bytes.subarray(endAt));
    end.writeUInt16LE(20, 8);
    end.writeUInt16LE(20, 10);
    end.writeUInt32LE(records.length, 12);
    writeFileSync(archive, Buffer.concat([bytes.subarray(0, directoryAt), records, end]));
    await expect(unpackZip(archive, into)).rejects.toMatchObject({ name: 'ArchiveError', kind: 'ratio' });
    expect(existsSync(join(into, 'g'))).toBe(false);
  });

  it('reads zip64', async () => {
    const zip = new ZipFile();
    zip.addBuffer(Buffer.from('hello'), 'a', { forceZip64Format: true });
    zip.end({ forceZip64Format: true, comment: '' });
    await pipeline(zip.outputStream, createWriteStream(archive));
    await unpackZip(archive, into);
    expect(readFileSync(join(into, 'a'), 'utf8')).toBe('hello');
  });

  it('refuses an archive that is cut off, and one that is none', async () => {
    await hostile((zip) => zip.addBuffer(Buffer.alloc(1000), 'a'));
    truncateSync(archive, 60);
    await expect(unpackZip(archive, into)).rejects.toMatchObject({ kind: 'truncated' });
    writeFileSync(archive, 'not a zip');
    await expect(unpackZip(archive, into)).rejects.toMatchObject({ name: 'ArchiveError' });
  });

  it('refuses content that is another size than it says', async () => {
    await hostile((zip) => zip.addBuffer(Buffer.from('hello'.repeat(100)), 'a'));
    const bytes = readFileSync(archive);
    bytes[60] = bytes[60]! ^ 0xff;
    writeFileSync(archive, bytes);
    await expect(unpackZip(archive, into)).rejects.toMatchObject({ name: 'ArchiveError' });
  });
});
