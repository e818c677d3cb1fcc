import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { removeTree } from '../../src/util/files/remove-tree.ts';
import { namedPipes } from '../../src/util/named-pipes.ts';
import { startPipedProcess } from '../../src/util/piped-process.ts';
import type { ProcessRequest } from '../../src/util/process.ts';
import { type ProcessHelper, startProcessHelper } from '../../src/util/process-helper.ts';
import { processHelper } from '../../src/util/process-launcher.ts';

const place = mkdtempSync(join(tmpdir(), 'ci-launcher-'));
const path = process.env.PATH ?? '';
const pipes = namedPipes({ directory: join(place, 'pipes'), path });
let helping: ProcessHelper | undefined;
afterEach(() => helping?.close());
afterAll(() => removeTree(place));

async function run(script: string, over: Partial<ProcessRequest> = {}) {
  const said = { stdout: '', stderr: '' };
  const take = (name: keyof typeof said) => async (bytes: Uint8Array) => {
    said[name] += Buffer.from(bytes).toString();
  };
  const request = { file: 'bash', args: [], directory: place, env: { PATH: path, SECRET: 'é\n"\'' }, stdin: script };
  const sinks = { stdout: take('stdout'), stderr: take('stderr') };
  const running = await startPipedProcess({ ...request, ...sinks, ...over }, { helper: helping, pipes });
  return { ...said, pid: running.pid, end: await running.ended, ...said };
}

const parentOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1]!;

/** Starts processes until the helper does it, which is the case when their parent is another. */
async function helper(): Promise<number> {
  for (let tries = 0; tries < 2000; tries++) {
    const { stdout } = await run('echo $PPID');
    if (Number(stdout) !== process.pid) return Number(stdout);
  }
  throw new Error('there is no helper');
}

describe.skipIf(process.platform !== 'linux')('the launcher of processes', () => {
  it('leaves it to a helper once that is ready, with the same results', async () => {
    helping = processHelper(1000, path);
    const script = 'printf "%s" "$SECRET"; echo $((6*7)) > /dev/stderr; pwd; cat; exit 3';
    const [{ pid: _, ...first }] = [await run(script)];
    expect(first).toMatchObject({ end: { kind: 'code', code: 3 }, stderr: '42\n' });
    expect(first.stdout).toBe(`é\n"'${place}\n`);
    await helper();
    const { pid: __, ...second } = await run(script);
    expect(second).toEqual(first);
    expect((await run('kill -9 $$')).end).toEqual({ kind: 'signal', signal: 'SIGKILL' });
    await expect(run('', { file: '/no/such/program' })).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(run('', { directory: '/no/such/directory' })).rejects.toMatchObject({ code: 'ENOENT' });
    const long = { HUGE: 'x'.repeat(200_000), PATH: path };
    await expect(run('', { env: long })).rejects.toMatchObject({ code: 'E2BIG' });
    const megabyte = await run(`head -c 1000000 /dev/zero | tr '\\0' x; ${'# long script\n'.repeat(20_000)}`);
    expect(megabyte.stdout).toHaveLength(1_000_000);
  });

  it('makes each process a leader of its session, and leaves no name of a pipe', async () => {
    const leads = async (): Promise<void> => {
      const { stdout, pid } = await run('ps -o sid= -o pgid= -p $$; echo $$');
      expect(new Set(stdout.trim().split(/\s+/))).toEqual(new Set([String(pid)]));
    };
    const left = (): number => readdirSync(join(place, 'pipes')).length;
    helping = undefined;
    await leads();
    await pipes.close();
    const before = left();
    await leads();
    await pipes.close();
    // Two were used; more may have been made meanwhile.
    expect(left()).not.toBe(before);
    helping = processHelper(1000, path);
    await helper();
    // What was begun before is ended first: pipes are made in a process of their own, beside the jobs.
    await pipes.close();
    const after = left();
    await leads();
    expect(left()).toBe(after);
  });

  it('shows nothing of a job in the arguments of the helper, and ends it when it is closed', async () => {
    helping = processHelper(1000, path);
    const pid = await helper();
    await run('true');
    expect(parentOf(pid)).toBe(String(process.pid));
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain(
      'SECRET=',
    );
    helping?.close();
    while (existsSync(`/proc/${pid}/fd/0`)) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('sends a helper away that is no helper', async () => {
    const odd = join(place, 'perl');
    const told = join(place, 'pid');
    writeFileSync(odd, `#!/bin/sh\necho "$$" > ${told}; echo "Welcome to perl"; exec sleep 1000\n`, { mode: 0o755 });
    const from = startProcessHelper(odd);
    const isGone = (): boolean => {
      const pid = existsSync(told) ? readFileSync(told, 'utf8').trim() : '';
      return pid !== '' && !existsSync(`/proc/${pid}/exe`);
    };
    while (!isGone()) await new Promise((resolve) => setTimeout(resolve, 5));
    const request = { file: 'true', args: [], directory: place, env: {}, stdin: '' };
    expect(from.start({ ...request, stdout: async () => {}, stderr: async () => {} })).toBeUndefined();
  });

  it('says when it does not know any more how a process ended, and goes on by itself', async () => {
    helping = processHelper(1000, path);
    const pid = await helper();
    const lost = run('sleep 0.2; echo still there');
    const waiting = expect(lost).rejects.toMatchObject({ name: 'ProcessLost' });
    await new Promise((resolve) => setImmediate(resolve));
    process.kill(pid, 'SIGKILL');
    await waiting;
    expect((await run('echo $PPID')).stdout).toBe(`${process.pid}\n`);
  });
});
