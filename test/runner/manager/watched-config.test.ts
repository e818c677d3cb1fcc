import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WatchedConfig } from '../../../src/runner/manager/watched-config.ts';

let directory: string;
let path: string;
let told: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ci-watched-'));
  path = join(directory, 'runner.toml');
  told = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function watched(text: string): WatchedConfig {
  writeFileSync(path, text);
  return new WatchedConfig(path, {}, (level, message) => {
    if (level !== 'info') told.push(message);
  });
}

it('counts how often the file was read, and leaves the last good one in force', () => {
  const config = watched('concurrent = 2\n');
  expect(config.readings).toEqual({ loaded: 1, failed: 0 });
  writeFileSync(path, 'concurrent = 0\n');
  expect(config.refresh('always')).toBe(false);
  expect(config.current.config.concurrent).toBe(2);
  writeFileSync(path, 'concurrent = 3\n');
  expect(config.refresh('always')).toBe(true);
  expect(config.readings).toEqual({ loaded: 2, failed: 1 });
  expect(told).toEqual([expect.stringContaining('stays in force')]);
});

function linkToItself(): void {
  rmSync(path);
  symlinkSync(path, path);
}

it.each([
  ['has a mistake', () => writeFileSync(path, 'concurrent = "2"\n'), /`concurrent` must be a whole number; the conf/],
  ['is no TOML', () => writeFileSync(path, 'concurrent ='), /is no valid TOML: .*stays in force/],
  ['is gone', () => rmSync(path), /is gone; the configuration before this change stays in force/],
  ['is a link to itself', linkToItself, /can't be read: too many symbolic links.*stays in force/],
])('keeps what was said before a file that %s, and says so once', (_, damage, message) => {
  const config = watched('concurrent = 2\n');
  damage();
  for (let count = 0; count < 3; count++) expect(config.refresh('if-changed')).toBe(false);
  expect(told).toEqual([expect.stringMatching(message)]);
  expect(config.current.config.concurrent).toBe(2);
  rmSync(path, { force: true });
  writeFileSync(path, 'concurrent = 33\n');
  expect(config.refresh('if-changed')).toBe(true);
  expect(config.current.config.concurrent).toBe(33);
  expect(told).toHaveLength(1);
});

it('tells that a new address of metrics is for the next start', () => {
  const config = watched('listen_address = ":9252"\n');
  config.refresh('always');
  expect(told).toEqual([]);
  writeFileSync(path, 'listen_address = ":9253"\n');
  config.refresh('always');
  expect(told).toEqual(['`listen_address` has changed: that counts from the next start']);
});

it('tells that new addresses of terminals are for the next start, and that how long one may stay is not', () => {
  const config = watched('[session_server]\nlisten_address = "a:8093"\nsession_timeout = 1800\n');
  writeFileSync(path, '[session_server]\nlisten_address = "a:8093"\nsession_timeout = 60\n');
  config.refresh('always');
  expect(told).toEqual([]);
  expect(config.current.config.sessionServer?.sessionTimeoutMs).toBe(60_000);
  writeFileSync(path, '[session_server]\nlisten_address = "a:8094"\n');
  config.refresh('always');
  expect(told).toEqual([expect.stringContaining('that counts from the next start')]);
});
