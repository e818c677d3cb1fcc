import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { placesOfJob } from '../../../src/executors/shell/places-of-job.ts';

/** Outside of /tmp even where that is what tests use. */
const elsewhere = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const refused = /this machine's and not the job's/;

let own: string;
let shared: string;
beforeEach(() => {
  own = mkdtempSync(join(elsewhere, 'place-'));
  shared = mkdtempSync('/tmp/place-');
  mkdirSync(join(own, 'home/project'), { recursive: true });
});
afterEach(() => {
  for (const path of [own, shared]) rmSync(path, { recursive: true, force: true });
});

describe.skipIf(elsewhere.startsWith('/tmp'))('files of a job in the shell', () => {
  it('are put below its own directories, whether they are there or not', async () => {
    const refuses = placesOfJob([join(own, 'home'), join(own, 'root/app')]);
    for (const path of ['home', 'home/project', 'home/new/er', 'root/app/x']) {
      expect(await refuses(join(own, path)), path).toBeUndefined();
    }
    for (const path of [
      own,
      join(own, 'home2'),
      join(own, 'home/../other'),
      join(own, 'root'),
      '/usr/local/bundle',
      '/',
    ]) {
      expect(await refuses(path), path).toMatch(refused);
    }
  });

  it('follow no link out of them', async () => {
    symlinkSync(elsewhere, join(own, 'home/out'));
    const refuses = placesOfJob([join(own, 'home')]);
    expect(await refuses(join(own, 'home/out'))).toMatch(refused);
    expect(await refuses(join(own, 'home/out/deep/er'))).toMatch(refused);
    symlinkSync(own, join(shared, 'out'));
    expect(await refuses(join(shared, 'out/deep'))).toMatch(refused);
    expect(await refuses(join(shared, 'out/home/deep'))).toBeUndefined();
  });

  it('are put below /tmp, but not where somebody else may change what is there', async () => {
    const refuses = placesOfJob([join(own, 'home')]);
    expect(await refuses('/tmp')).toBeUndefined();
    expect(await refuses(join(shared, 'deep/er'))).toBeUndefined();
    if (process.getuid?.() !== 0) return;
    chownSync(shared, 23_456, 23_456);
    expect(await refuses(join(shared, 'deep/er'))).toBe(`${shared} is another user's`);
  });
});
