import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootstrap } from '../../../src/executors/docker/bootstrap.ts';
import { readStats } from '../../../src/executors/docker/engine-stats.ts';
import { listenForUsage, readRecord } from '../../../src/executors/docker/usage-record.ts';
import { tellUsage } from '../../../src/executors/docker/usage-words.ts';
import { preamble } from '../../../src/executors/preamble.ts';
import { removeTree } from '../../../src/util/files/remove-tree.ts';
import { runCommand } from '../../../src/util/process-command.ts';
import { collect } from '../contract.ts';

const mark = 'abcdef0123456789';
const shells = [['/bin/dash'], ['/bin/bash'], ['/bin/busybox', 'sh']].filter(([file]) => existsSync(file!));

describe('listenForUsage', () => {
  const record = `\0ci-usage ${mark} cpu-us usage_usec 2500000;kills oom_kill 2;${mark}\n`;

  it('takes the reading out and leaves all else, however the output is cut', async () => {
    const noise = fc.array(fc.constantFrom('a', '\n', '\0', '\0ci-', '\0ci-usage ', mark, 'é'), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(noise, noise, fc.array(fc.nat(40), { maxLength: 30 }), async (before, after, cuts) => {
        const bytes = Buffer.from(before.join('') + record + after.join(''));
        const sink = collect();
        const listener = listenForUsage(mark, sink);
        let at = 0;
        for (const length of [...cuts, bytes.length]) {
          // A sink may keep using its chunk's memory for something else.
          const chunk = Uint8Array.from(bytes.subarray(at, at + length));
          await listener.sink.write(chunk);
          chunk.fill(0);
          at += length;
        }
        expect(await listener.end()).toEqual({ cpuMs: 2500, oomKills: 2 });
        expect(sink.text()).toBe(before.join('') + after.join(''));
      }),
    );
  });

  it('keeps nothing of what only looks like one', async () => {
    for (const text of ['\0ci-usage ', `\0ci-usage ${mark}`, record.slice(1), '\0', 'end']) {
      const sink = collect();
      const listener = listenForUsage(mark, sink);
      await listener.sink.write(Buffer.from(text));
      expect(await listener.end()).toBeUndefined();
      expect(sink.text()).toBe(text);
    }
  });
});

it('does not show a reading that was cut off', async () => {
  const sink = collect();
  const listener = listenForUsage(mark, sink);
  await listener.sink.write(Buffer.from(`last words\n\0ci-usage ${mark} cpu-us usage`));
  expect(await listener.end()).toBeUndefined();
  expect(sink.text()).toBe('last words\n');
});

describe('readRecord', () => {
  it('reads the files of version 1', () => {
    const lines = [
      'cpu-ns 211399858',
      'peak 34312192',
      'memory inactive_file 1',
      'memory active_file 2',
      'memory total_inactive_file 31457280',
      'memory total_active_file 4096',
      'kills oom_kill 0',
      'disk 8:0 Read 4096',
      'disk 8:0 Write 8192',
      'disk 8:0 Total 12288',
      'disk 8:16 Read 1',
      'network     lo:       7       0    0    0    0     0          0         0        7       0    0    0    0     0       0          0',
      'network   eth0:     290       3    0    0    0     0          0         0       44       0    0    0    0     0       0          0',
    ];
    expect(readRecord(`${lines.join(';')};`)).toEqual({
      cpuMs: 211.399858,
      memoryPeakBytes: 34312192,
      fileCacheBytes: 31461376,
      oomKills: 0,
      diskReadBytes: 4097,
      diskWrittenBytes: 8192,
      networkReceivedBytes: 290,
      networkSentBytes: 44,
    });
  });

  it('reads the files of version 2, and says nothing about what is not there', () => {
    expect(
      readRecord(
        'cpu-us usage_usec 1500;memory inactive_file 10;memory active_file 5;kills oom_kill 1;disk 8:0 rbytes=3 wbytes=4 rios=1;',
      ),
    ).toEqual({ cpuMs: 1.5, fileCacheBytes: 15, oomKills: 1, diskReadBytes: 3, diskWrittenBytes: 4 });
    expect(readRecord('')).toEqual({});
  });
});

describe('readStats', () => {
  it("does not take an engine's placeholders for figures", () => {
    expect(readStats({})).toEqual({});
    expect(readStats({ cpu_stats: { cpu_usage: { total_usage: 0 } }, memory_stats: {}, networks: null })).toEqual({});
    const podman = { memory_stats: { usage: 5000, max_usage: 9000, limit: 9000, stats: null } };
    expect(readStats(podman)).toEqual({ memoryBytes: 5000 });
  });
});

describe.each(shells)('the bootstrap in %s %s', (...shell) => {
  const argv = shell.filter((word) => word !== undefined);
  const told = async (
    usageMark: string | undefined,
  ): Promise<{ readonly stderr: string; readonly code: number | undefined }> => {
    const env = { PATH: '/usr/bin:/bin', SHLVL: '1' };
    const { line } = preamble({ env: {}, shell: 'sh', ...(usageMark === undefined ? {} : { usageMark }) });
    return runCommand([...argv, '-c', bootstrap], { env, input: `${line}set | grep -c mark >&2; exit 7\n` });
  };

  it('tells what was used, after all else and in one line', async () => {
    const { stderr, code } = await told(mark);
    expect(code).toBe(7);
    expect(stderr).toMatch(new RegExp(`^0\n\0ci-usage ${mark} (.*;)?${mark}\n$`));
    expect(readRecord(stderr).networkReceivedBytes).toBeTypeOf('number');
  });

  it.each([
    ['version 2', '0::/\n', ''],
    ["version 2, seen from outside of the container's own tree", '0::/docker/ab c\n', '/docker/ab c'],
    ['both, with the controllers at version 1', '4:memory:/x\n0::/\n', undefined],
  ])('reads cgroups of %s', async (_, own, branch) => {
    const place = mkdtempSync(join(tmpdir(), 'ci-cgroup-'));
    const tree = join(place, 'tree');
    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      writeFileSync(join(tree, path), text);
    };
    try {
      writeFileSync(join(place, 'own'), own);
      if (branch === undefined) {
        write('cpuacct/cpuacct.usage', '2500000000\n');
        write('memory/memory.max_usage_in_bytes', '9000\n');
        write(
          'memory/memory.stat',
          'cache 5\ninactive_file 1\nactive_file 1\ntotal_inactive_file 2\ntotal_active_file 4\n',
        );
        write('memory/memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n');
        write('blkio/blkio.throttle.io_service_bytes_recursive', '8:0 Read 10\n8:0 Write 20\n8:0 Total 30\nTotal 30\n');
      } else {
        // The machine's own, which has figures too.
        write('cpu.stat', 'usage_usec 77\n');
        write(`${branch}/cpu.stat`, 'usage_usec 2500000\nuser_usec 1\nsystem_usec 2\n');
        write(`${branch}/memory.peak`, '9000\n');
        write(`${branch}/memory.stat`, 'anon 5\nfile 9\ninactive_file 2\nactive_file 4\n');
        write(`${branch}/memory.events`, 'low 0\noom 4\noom_kill 3\noom_group_kill 0\n');
        write(`${branch}/io.stat`, '8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n');
      }
      const words = tellUsage
        .replaceAll('/sys/fs/cgroup', tree)
        .replaceAll('/proc/self/cgroup', join(place, 'own'))
        .replaceAll('/proc/net/dev', '/nothing');
      const { stderr } = await runCommand([...argv, '-c', `__ci_mark=${mark}\n${words}`], { env: {} });
      const sink = collect();
      const listener = listenForUsage(mark, sink);
      await listener.sink.write(Buffer.from(stderr));
      expect(await listener.end()).toEqual({
        ...{
          cpuMs: 2500,
          memoryPeakBytes: 9000,
          fileCacheBytes: 6,
          oomKills: 3,
          ...(branch === undefined ? {} : { limitHits: 4 }),
        },
        ...{ diskReadBytes: 10, diskWrittenBytes: 20 },
      });
      expect(sink.text()).toBe('');
    } finally {
      await removeTree(place);
    }
  });

  it('tells nothing unasked', async () => {
    expect(await told(undefined)).toMatchObject({ stderr: '0\n', code: 7 });
  });
});
