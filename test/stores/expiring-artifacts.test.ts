import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { noteExpiry, removeExpired, removeExpiredArtifacts } from '../../src/stores/expiring-artifacts.ts';
import { runsDirectory } from '../../src/stores/run-store.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'expiring-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function piece(artifacts: string, path: string, at: number): string {
  const directory = join(artifacts, path);
  mkdirSync(join(directory, 'files'), { recursive: true });
  writeFileSync(join(directory, 'files/x'), '1');
  noteExpiry(artifacts, directory, at);
  return directory;
}

it('removes what is due and forgets it, and keeps the rest', async () => {
  const old = piece(base, 'build/uploads/1-1', 1000);
  const young = piece(base, 'build/uploads/1-2', 3000);
  expect(await removeExpired(base, 2000)).toBe(1);
  expect([existsSync(old), existsSync(young)]).toEqual([false, true]);
  expect(readFileSync(join(base, '.expiring'), 'utf8')).not.toContain('1-1');
  expect(await removeExpired(base, 2000)).toBe(0);
  expect(await removeExpired(base, 4000)).toBe(1);
  expect(existsSync(join(base, '.expiring'))).toBe(false);
});

it('touches nothing outside of pieces, whatever the list says', async () => {
  const other = join(base, 'other');
  mkdirSync(other);
  const artifacts = join(base, 'artifacts');
  mkdirSync(join(artifacts, 'build'), { recursive: true });
  for (const path of [other, join(artifacts, 'build'), artifacts, join(base, 'a/b/1-1')])
    noteExpiry(artifacts, path, 0);
  await removeExpired(artifacts, 1);
  expect([existsSync(other), existsSync(join(artifacts, 'build'))]).toEqual([true, true]);
});

it('leaves the newest two runs alone', async () => {
  const location = { stateDirectory: join(base, 'state'), projectRoot: base };
  const pieces = ['1', '2', '3'].map((id) =>
    piece(join(runsDirectory(location), id, 'artifacts'), 'build/uploads/1-1', 0),
  );
  await removeExpiredArtifacts(location, { nowMs: 1, signal: new AbortController().signal });
  expect(pieces.map((path) => existsSync(path))).toEqual([false, true, true]);
});
