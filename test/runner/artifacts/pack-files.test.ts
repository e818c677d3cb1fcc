import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import type { FileEntry } from '../../../src/model/files.ts';
import { packFiles } from '../../../src/runner/artifacts/pack-files.ts';

const root = mkdtempSync(join(tmpdir(), 'ci-pack-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const never = new AbortController().signal;
const large = Array.from({ length: 100_000 }, (_, at) => `line ${at}\n`).join('');
mkdirSync(join(root, 'out'));
writeFileSync(join(root, 'out', 'a'), 'first\n');
writeFileSync(join(root, 'out', 'b'), large);

const file = (path: string) => ({ path, type: 'file' }) as FileEntry;
const entries = [{ path: 'out', type: 'directory' } as FileEntry, file('out/a'), file('out/b')];

it('packs reports one behind the other, each by itself', async () => {
  const path = await packFiles({ root, entries }, 'gzip', join(root, 'packed.gz'), never);
  expect(gunzipSync(readFileSync(path)).toString()).toBe(`first\n${large}`);
});

it.each([
  ['a file that is gone', file('gone'), never, /ENOENT/],
  ['the end of its job', file('out/b'), AbortSignal.abort(), /abort/],
])('ends at %s', async (_, entry, signal, expected) => {
  const packing = packFiles({ root, entries: [entry] }, 'gzip', join(root, 'other.gz'), signal);
  await expect(packing).rejects.toThrow(expected);
});

it('sends one file as it is', async () => {
  expect(await packFiles({ root, entries: [file('out/a')] }, 'raw', 'x', never)).toBe(join(root, 'out/a'));
  // As where GitLab Runner's uploader ends with 1.
  await expect(packFiles({ root, entries }, 'rar', 'x', never)).rejects.toMatchObject({
    ...{ reason: 'script_failure', exit: { kind: 'code', code: 1 } },
  });
  await expect(packFiles({ root, entries }, 'raw', 'x', never)).rejects.toMatchObject({
    reason: 'script_failure',
    exit: { kind: 'code', code: 1 },
    message: expect.stringContaining('is one file, not 2'),
  });
});
