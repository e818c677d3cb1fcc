import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { judgeKill, oomWatch, readOomKills } from '../../src/util/oom-kills.ts';
import { type ProcessUsage, usageOfSessions } from '../../src/util/process-usage.ts';

/** Starts a shell as leader of a session; the script prints `ready` and waits for its input to end. */
async function started(script: string): Promise<{ readonly pid: number } & Disposable> {
  const child = spawn('sh', ['-c', `${script}\necho ready\nread -r line`], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  await once(child.stdout, 'data');
  return { pid: child.pid!, [Symbol.dispose]: () => child.stdin.end() };
}

function descendantsOf(leader: number): readonly number[] {
  const children = readFileSync(`/proc/${leader}/task/${leader}/children`, 'utf8').trim().split(' ');
  return children.filter((text) => text !== '').flatMap((text) => [...descendantsOf(Number(text)), Number(text)]);
}

function anonymousOf(pid: number): number {
  return Number(/^RssAnon:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

const now = (leader: number, knownBytes = 0): ProcessUsage | undefined =>
  usageOfSessions(new Map([[leader, knownBytes]])).get(leader);

describe.skipIf(!existsSync('/proc/self/stat'))('usageOfSessions', () => {
  it('counts what children used that have ended', async () => {
    using idle = await started('');
    using busy = await started('sh -c "i=0; while [ \\$i -lt 200000 ]; do i=\\$((i+1)); done"');
    const both = usageOfSessions(new Map([idle.pid, busy.pid].map((pid) => [pid, 0])));
    expect(both.get(busy.pid)!.cpuMs).toBeGreaterThan(50);
    expect(both.get(idle.pid)!.cpuMs).toBeLessThan(50);
    expect(both.get(busy.pid)!.diskReadBytes).toBeTypeOf('number');
  });

  it('counts the memory of all, also of those that left the session', async () => {
    // The last one reads nothing, so the one before it has to keep what it wants to write.
    const holds = 'head -c 30m /dev/zero | tail -c 30m | sleep 600';
    using here = await started(`${holds} &\nsetsid sh -c '${holds}' &`);
    try {
      while ((now(here.pid)?.memoryBytes ?? 0) < 60e6) await sleep(50);
      expect(now(here.pid)!.memoryBytes).toBeLessThan(120e6);
    } finally {
      for (const pid of descendantsOf(here.pid)) process.kill(pid, 'SIGKILL');
    }
  });

  it.skipIf(!existsSync('/proc/self/smaps_rollup'))('counts once what forked processes share', async () => {
    // A shell that holds 40 MB, and a fork of it that holds the same.
    const holds = 'x=$(head -c 40000000 /dev/zero | tr "\\0" x); (echo ready; sleep 1000; : "$x")';
    using forked = await started(`${holds} & wait`);
    const own = now(forked.pid)!.memoryBytes;
    expect(own).toBeGreaterThan(40e6);
    const each = [forked.pid, ...descendantsOf(forked.pid)].map(anonymousOf);
    const twice = each.reduce((sum, bytes) => sum + bytes, 0);
    expect(twice).toBeGreaterThan(own + 30e6);
    // What can't be the most is not looked at closely.
    expect(now(forked.pid, 1e9)!.memoryBytes).toBeGreaterThan(own + 30e6);
    for (const pid of descendantsOf(forked.pid)) process.kill(pid, 'SIGKILL');
  });

  it('knows nothing of sessions that are not there', async () => {
    expect(usageOfSessions(new Map([[2 ** 22 + 1, 0]]))).toEqual(new Map());
    const gone = await started('');
    gone[Symbol.dispose]();
    while (existsSync(`/proc/${gone.pid}/stat`)) await sleep(5);
    expect(now(gone.pid)).toBeUndefined();
  });
});

describe('judgeKill', () => {
  it.each([
    [{ machine: 3, own: 1 }, { machine: 3, own: 1 }, 'ruled-out'],
    [{ machine: 3, own: 1 }, { machine: 5, own: 2 }, 'possible'],
    [{ machine: 3, own: 1 }, { machine: 4, own: 1 }, undefined],
    [{ machine: 3 }, { machine: 4 }, 'possible'],
    [{ own: 1 }, { own: 1 }, undefined],
    [{}, {}, undefined],
  ] as const)('%j, then %j: %s', (before, after, verdict) => {
    expect(judgeKill(before, after)).toBe(verdict);
  });

  it('counts from the start of each process, and takes one reading for many that start at once', () => {
    let [kills, readings, nowMs] = [0, 0, 1000];
    const watch = oomWatch(
      () => {
        readings++;
        return { machine: kills, own: kills };
      },
      () => nowMs,
    );
    const first = watch.started();
    nowMs += 200;
    const second = watch.started();
    expect(readings).toBe(1);
    kills = 1;
    expect(first()).toBe('possible');
    expect(second()).toBe('possible');
    // Somebody else's, before this one was started.
    kills = 2;
    nowMs += 250;
    const later = watch.started();
    expect(later()).toBe('ruled-out');
    kills = 3;
    expect(later()).toBe('possible');
  });

  it.skipIf(!existsSync('/proc/vmstat'))('reads what the kernel counts', () => {
    const { machine, own } = readOomKills();
    expect(machine).toBeTypeOf('number');
    expect(own ?? 0).toBeLessThanOrEqual(machine!);
  });
});
