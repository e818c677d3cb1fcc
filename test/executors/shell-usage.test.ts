import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sessionUsage } from '../../src/executors/shell/session-usage.ts';
import { createShellExecutor } from '../../src/executors/shell/shell-executor.ts';
import { removeTree } from '../../src/util/files/remove-tree.ts';
import type { ProcessUsage } from '../../src/util/process-usage.ts';
import { collect, jobSpec, never, run } from './contract.ts';

const place = mkdtempSync(join(tmpdir(), 'ci-shell-usage-'));
const executor = createShellExecutor({ root: join(place, 'b'), graceMs: 200, env: { PATH: process.env.PATH ?? '' } });

afterAll(async () => {
  await executor.close();
  await removeTree(place);
});

describe.skipIf(!existsSync('/proc/vmstat'))('use of a job in the shell', () => {
  it('is not known of short scripts, and added up of long ones', async () => {
    await using session = await executor.open(jobSpec(), collect(), never);
    await run(session, 'true');
    expect(await session.stats?.()).toBeUndefined();
    // Ends when it has been looked at: what it waits for is made below.
    const long = async (): Promise<void> => {
      const before = (await session.stats?.())?.cpuMs ?? 0;
      const running = run(session, 'i=0; while [ ! -e seen ]; do i=$((i+1)); done; rm seen');
      while (((await session.stats?.())?.cpuMs ?? 0) < before + 100) await new Promise((done) => setTimeout(done, 50));
      await session.files.write('seen', new Uint8Array(0), 0o600);
      await running;
    };
    await long();
    const once = (await session.stats?.())!;
    expect(once.cpuMs).toBeGreaterThanOrEqual(100);
    expect(once.memoryPeakBytes).toBeGreaterThan(100_000);
    expect(once).not.toHaveProperty('networkReceivedBytes');
    await long();
    expect((await session.stats?.())!.cpuMs).toBeGreaterThanOrEqual(once.cpuMs! + 100);
  });

  it('says of a script that was killed whether the kernel did it', async () => {
    await using session = await executor.open(jobSpec(), collect(), never);
    const { exit } = await run(session, 'kill -9 $$');
    // Other tests of this machine may run out of memory meanwhile.
    expect([undefined, 'ruled-out', 'possible']).toContain(exit.kind === 'signal' ? exit.lackOfMemory : 'no signal');
    expect(exit).toMatchObject({ kind: 'signal', signal: 'SIGKILL' });
    expect((await run(session, 'exit 3')).exit).toEqual({ kind: 'code', code: 3 });
  });
});

describe('sessionUsage', () => {
  it('keeps the most of each script, adds scripts up, and knows nothing of disks where one script does not', () => {
    const takers: ((usage: ProcessUsage) => void)[] = [];
    const peaks: (() => number)[] = [];
    const usage = sessionUsage({
      watch: (_, { onUsage, peakBytes }) => {
        takers.push(onUsage);
        peaks.push(peakBytes);
        return () => {};
      },
    });
    usage.started(1);
    usage.started(1);
    usage.started(2);
    expect(usage.total()).toBeUndefined();
    takers[0]!({ cpuMs: 10, memoryBytes: 500, diskReadBytes: 5, diskWrittenBytes: 7 });
    takers[0]!({ cpuMs: 5, memoryBytes: 900, diskReadBytes: 6, diskWrittenBytes: 7 });
    expect(usage.total()).toEqual({ cpuMs: 10, memoryPeakBytes: 900, diskReadBytes: 6, diskWrittenBytes: 7 });
    takers[1]!({ cpuMs: 100, memoryBytes: 300, diskReadBytes: 1, diskWrittenBytes: 1 });
    expect(usage.total()).toEqual({ cpuMs: 110, memoryPeakBytes: 900, diskReadBytes: 7, diskWrittenBytes: 8 });
    takers[1]!({ cpuMs: 100, memoryBytes: 300 });
    expect(peaks.map((peakBytes) => peakBytes())).toEqual([900, 300, 0]);
    expect(usage.total()).toEqual({ cpuMs: 110, memoryPeakBytes: 900 });
  });
});
