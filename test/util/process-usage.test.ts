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

const now = (leader: number): ProcessUsage | undefined => usageOfSessions([leader]).get(leader);

describe.skipIf(!existsSync('/proc/self/stat'))('usageOfSessions', () => {
  it('counts what children used that have ended', async () => {
    using idle = await started('');
    using busy = await started('sh -c "i=0; while [ \\$i -lt 200000 ]; do i=\\$((i+1)); done"');
    const both = usageOfSessions([idle.pid, busy.pid]);
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

  it('knows nothing of sessions that are not there', async () => {
    expect(usageOfSessions([2 ** 22 + 1])).toEqual(new Map());
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

  it('compares with the last reading before the start, and reads only at the first start and after a kill', () => {
    let kills = 0;
    let readings = 0;
    const watch = oomWatch(() => {
      readings++;
      return { machine: kills, own: kills };
    });
    const first = watch.started();
    const second = watch.started();
    kills = 1;
    expect(readings).toBe(1);
    expect(first()).toBe('possible');
    // The other one may have been it as well.
    expect(second()).toBe('possible');
    const later = watch.started();
    expect(readings).toBe(3);
    expect(later()).toBe('ruled-out');
  });

  it.skipIf(!existsSync('/proc/vmstat'))('reads what the kernel counts', () => {
    const { machine, own } = readOomKills();
    expect(machine).toBeTypeOf('number');
    expect(own ?? 0).toBeLessThanOrEqual(machine!);
  });
});
