import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extract, type Header } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packTree } from '../../../src/util/archive/pack-tree.ts';
import { unpackTar } from '../../../src/util/archive/unpack-tar.ts';

let base: string;
let from: string;
let to: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'pack-'));
  from = join(base, 'from');
  to = join(base, 'to');
  mkdirSync(from);
  mkdirSync(to);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('packTree', () => {
  it('gives what unpackTar takes: content, modes, times, links, long and odd names', async () => {
    const long = `${'directory/'.repeat(20)}name-${'n'.repeat(120)}`;
    mkdirSync(join(from, long, '..'), { recursive: true });
    writeFileSync(join(from, long), 'long');
    writeFileSync(join(from, 'ünïcode "quotes"\nnewline'), 'odd');
    writeFileSync(join(from, 'large'), Buffer.alloc(3_000_001, 7));
    writeFileSync(join(from, 'run'), 'x');
    chmodSync(join(from, 'run'), 0o4755);
    utimesSync(join(from, 'run'), 1000, 1234);
    linkSync(join(from, 'run'), join(from, 'same'));
    symlinkSync('/outside', join(from, 'link'));
    mkdirSync(join(from, 'empty'), { mode: 0o700 });
    await unpackTar(packTree({ root: from }, { prefix: 'p/' }), to, { stripPrefix: 'p', symlinks: 'literal' });
    expect(readFileSync(join(to, long), 'utf8')).toBe('long');
    expect(readFileSync(join(to, 'ünïcode "quotes"\nnewline'), 'utf8')).toBe('odd');
    expect(readFileSync(join(to, 'large')).equals(readFileSync(join(from, 'large')))).toBe(true);
    expect(lstatSync(join(to, 'run')).mode & 0o7777).toBe(0o755);
    expect(lstatSync(join(to, 'run')).mtimeMs).toBe(1_234_000);
    expect(lstatSync(join(to, 'same')).ino).toBe(lstatSync(join(to, 'run')).ino);
    expect(readlinkSync(join(to, 'link'))).toBe('/outside');
    expect(lstatSync(join(to, 'empty')).mode & 0o777).toBe(0o700);
  });

  it('tells of a tree that is not there when it is read, however late', async () => {
    const packed = packTree({ root: join(from, 'nothing') });
    packed.on('error', () => {});
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    await expect(unpackTar(packed, to)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('packs the named entries alone and tells what is missing', async () => {
    writeFileSync(join(from, 'a'), 'a');
    writeFileSync(join(from, 'b'), 'b');
    const skipped: string[] = [];
    const entries = await unpackTar(
      packTree(
        { root: from, entries: [{ path: 'b' }, { path: 'gone' }] },
        { onSkipped: ({ path }) => skipped.push(path) },
      ),
      to,
    );
    expect(entries.map((entry) => entry.path)).toEqual(['b']);
    expect(skipped).toEqual(['gone']);
  });

  it('writes owners of any size', async () => {
    writeFileSync(join(from, 'a'), 'a');
    const parser = extract();
    const headers: Header[] = [];
    parser.on('entry', (header, stream, next) => {
      headers.push(header);
      stream.resume();
      stream.on('end', () => next());
    });
    for await (const chunk of packTree({ root: from }, { uid: 1000, gid: 1_000_000_001 })) parser.write(chunk);
    expect(headers[0]).toMatchObject({ uid: 1000, pax: { gid: '1000000001' } });
  });

  it('reads no faster than it is consumed', async () => {
    for (let i = 0; i < 200; i++) writeFileSync(join(from, `f${i}`), Buffer.alloc(60_000));
    const stream = packTree({ root: from });
    let read = 0;
    for await (const chunk of stream) {
      read += (chunk as Buffer).length;
      if (read > 500_000) break;
    }
    expect(read).toBeLessThan(1_000_000);
    expect(stream.destroyed).toBe(true);
  });

  it('fails the stream when the root is missing', async () => {
    await expect(unpackTar(packTree({ root: join(base, 'none') }), to)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
