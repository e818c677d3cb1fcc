import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { resourceLocks } from '../../src/stores/resource-locks.ts';

let base: string;
let bundle: string;
const { signal } = new AbortController();
beforeAll(async () => {
  bundle = join(mkdtempSync(join(tmpdir(), 'locks-child-')), 'locker.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'locker.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile: bundle,
  });
});
afterAll(() => rmSync(join(bundle, '..'), { recursive: true, force: true }));
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'locks-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function child(...args: string[]): ChildProcess {
  return spawn(process.execPath, [bundle, join(base, 'locks'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

describe('resourceLocks', () => {
  it('lets one of a process have a name at a time, others of other names', async () => {
    const locks = resourceLocks(join(base, 'locks'));
    const order: string[] = [];
    let inside = 0;
    await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        await using _lock = await locks.acquire('deploy', signal);
        expect(++inside).toBe(1);
        order.push(String(i));
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
      }),
    );
    expect(order).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    await using _a = await locks.acquire('a', signal);
    await using _b = await locks.acquire('../b/\0', signal);
    expect(readdirSync(base)).toEqual(['locks']);
  });

  it('excludes other instances too, and wakes them when it is released', async () => {
    const first = await resourceLocks(join(base, 'locks')).acquire('x', signal);
    let got = false;
    const second = resourceLocks(join(base, 'locks'))
      .acquire('x', signal)
      .then((lock) => {
        got = true;
        return lock;
      });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(got).toBe(false);
    await first[Symbol.asyncDispose]();
    await (await second)[Symbol.asyncDispose]();
  });

  it('excludes processes: 6 of them, 10 times each', async () => {
    const log = join(base, 'log');
    writeFileSync(log, '');
    const children = Array.from({ length: 6 }, () => child('work', log));
    const codes = await Promise.all(children.map(async (each) => (await once(each, 'exit'))[0]));
    expect(codes).toEqual([0, 0, 0, 0, 0, 0]);
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    expect(lines).toHaveLength(120);
    for (let i = 0; i < lines.length; i += 2) {
      expect(lines[i]!.replace('in', 'out')).toBe(lines[i + 1]);
    }
  });

  it('takes over the lock of a killed process within 2 s', async () => {
    const holder = child('hold');
    await once(holder.stdout!, 'data');
    const waiting = resourceLocks(join(base, 'locks')).acquire('x', signal);
    holder.kill('SIGKILL');
    const killedAt = performance.now();
    await using _lock = await waiting;
    expect(performance.now() - killedAt).toBeLessThan(2000);
  });

  it('takes over a lock whose pid is used again by another process, and a damaged one', async () => {
    const locks = resourceLocks(join(base, 'locks'));
    const first = await locks.acquire('x', signal);
    await first[Symbol.asyncDispose]();
    const [place] = readdirSync(join(base, 'locks'));
    const [file] = readdirSync(join(base, 'locks', place!));
    const path = join(base, 'locks', place!, file!);
    const by = { pid: process.pid, started: '1', boot: 'another' };
    writeFileSync(path, JSON.stringify({ state: 'held', name: 'x', by }));
    await (await locks.acquire('x', signal))[Symbol.asyncDispose]();
    appendFileSync(join(base, 'locks', place!, String(Number(file) + 1)), '{"');
    await (await locks.acquire('x', signal))[Symbol.asyncDispose]();
    expect(readdirSync(join(base, 'locks', place!))).toHaveLength(1);
  });

  it('stops waiting when the signal is aborted, and does not hinder others', async () => {
    const locks = resourceLocks(join(base, 'locks'));
    const elsewhere = await resourceLocks(join(base, 'locks')).acquire('x', signal);
    const [inLine, inFiles] = [new AbortController(), new AbortController()];
    const atFiles = locks.acquire('x', inFiles.signal);
    const atLine = locks.acquire('x', inLine.signal);
    const patient = locks.acquire('x', signal);
    inLine.abort(new Error('stop'));
    await expect(atLine).rejects.toThrow('stop');
    inFiles.abort(new Error('stop too'));
    await expect(atFiles).rejects.toThrow('stop too');
    await elsewhere[Symbol.asyncDispose]();
    await (await patient)[Symbol.asyncDispose]();
    await expect(locks.acquire('x', AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
  });
});
