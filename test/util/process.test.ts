import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { monotonicMs } from '../../src/util/monotonic.ts';
import { type ProcessRequest, type RunningProcess, startProcess } from '../../src/util/process.ts';
import { runCommand } from '../../src/util/process-command.ts';
import { processHelper } from '../../src/util/process-launcher.ts';
import { endFamily, findStrays, isAlive, killByVariable, markerName } from '../../src/util/process-strays.ts';

const path = process.env.PATH ?? '/usr/bin:/bin';

interface Started {
  readonly running: RunningProcess;
  readonly marker: string;
  output(): string;
  /** Resolves once the output holds the text. */
  says(text: string): Promise<void>;
}

type Start = (request: ProcessRequest) => Promise<RunningProcess>;

const helper = processHelper(1000, path);
afterAll(() => helper?.close());

const startByHelper: Start = async (request) => {
  for (;;) {
    const started = helper?.start(request);
    if (started !== undefined) return started;
    await sleep(5);
  }
};

async function start(
  script: string,
  take?: (bytes: Uint8Array) => Promise<void>,
  begin: Start = startProcess,
): Promise<Started> {
  const marker = randomBytes(12).toString('hex');
  const chunks: Uint8Array[] = [];
  let wake = (): void => {};
  const collect = async (bytes: Uint8Array): Promise<void> => {
    await take?.(bytes);
    chunks.push(bytes);
    wake();
  };
  const running = await begin({
    file: 'bash',
    args: [],
    directory: '/',
    env: { PATH: path, [markerName]: marker },
    stdin: script,
    stdout: collect,
    stderr: collect,
  });
  const output = (): string => Buffer.concat(chunks).toString('utf8');
  return {
    running,
    marker,
    output,
    says: async (text) => {
      while (!output().includes(text)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

async function waitFor(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

const family = ({ running, marker }: Started) => ({
  ...{ marker, groups: [running.pid] },
  ...{ since: running.pid, sinceMs: monotonicMs() },
});

const starts: readonly (readonly [string, Start])[] = [
  ['startProcess', startProcess],
  ...(helper === undefined ? [] : [['the helper', startByHelper] as const]),
];

describe.each(starts)('%s', (_, begin) => {
  const run = (script: string, take?: (bytes: Uint8Array) => Promise<void>) => start(script, take, begin);

  it('tells exit codes and signals apart', async () => {
    expect(await (await run('exit 7')).running.ended).toEqual({ kind: 'code', code: 7 });
    expect(await (await run('kill -KILL $$')).running.ended).toEqual({ kind: 'signal', signal: 'SIGKILL' });
  });

  it('rejects when the program is not there', async () => {
    const request = { args: [], directory: '/', env: {}, stdin: '', stdout: async () => {}, stderr: async () => {} };
    await expect(begin({ ...request, file: '/no/such/program' })).rejects.toThrow(/ENOENT/);
  });

  it('gives a slow sink every byte, one chunk at a time', async () => {
    let at = 0;
    let total = 0;
    const started = await run('head -c 3000000 /dev/zero', async (bytes) => {
      expect(++at).toBe(1);
      await sleep(2);
      total += bytes.length;
      at--;
    });
    await started.running.ended;
    expect(total).toBe(3_000_000);
  });

  it('does not hang on a child that holds the pipes, and loses nothing of what was written before', async () => {
    const started = await run('sleep 1000 & yes | head -c 500000; echo end');
    expect(await started.running.ended).toEqual({ kind: 'code', code: 0 });
    expect(started.output()).toHaveLength(500_004);
    expect(isAlive(family(started))).toBe(true);
    await endFamily(family(started), 1000);
    expect(isAlive(family(started))).toBe(false);
  });

  it('does not hang on a child that writes for ever', async () => {
    const started = await run('yes & echo end');
    expect(await started.running.ended).toEqual({ kind: 'code', code: 0 });
    await endFamily(family(started), 1000);
  });

  it('does not hang on a child that never stops to write a little', async () => {
    const pause = 'read -t 0.005 -u 9';
    const child = `exec 9<> <(:); for at in {1..1500}; do echo more; ${pause}; done; echo late; sleep 1000`;
    const started = await run(`(${child}) & echo end`);
    try {
      expect(await started.running.ended).toEqual({ kind: 'code', code: 0 });
      expect(started.output()).toContain('end\n');
      expect(started.output()).not.toContain('late\n');
    } finally {
      await endFamily(family(started), 100);
    }
  });

  it('rejects with the error of the sink', async () => {
    const started = await run('echo a; sleep 1000', async () => {
      throw new Error('disk full');
    });
    await expect(started.running.ended).rejects.toThrow('disk full');
    await endFamily(family(started), 100);
  });

  it('takes what a child writes just after the end', async () => {
    const started = await run('exec > >(while read -r line; do echo "late $line"; done); echo end');
    await started.running.ended;
    expect(started.output()).toBe('late end\n');
  });

  it('lets a process wait whose output nobody takes, and others meanwhile go on', async () => {
    let taken = 0;
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const slow = await run('head -c 5000000 /dev/zero; echo "written" >&2', async (bytes) => {
      await gate;
      taken += bytes.length;
    });
    const other = await run('echo other');
    await other.running.ended;
    expect(other.output()).toBe('other\n');
    expect(taken).toBe(0);
    open();
    expect(await slow.running.ended).toEqual({ kind: 'code', code: 0 });
    expect(slow.output()).toHaveLength(5_000_008);
  });

  it('gives both streams as they are, each to its own', async () => {
    const got = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
    const bytes = randomBytes(200_000).filter((byte) => byte !== 0);
    const octal = [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
    const running = await begin({
      file: 'bash',
      args: [],
      directory: '/',
      env: { PATH: path },
      stdin: `printf '${octal}'; printf 'ended 1 0 0\\n' >&2`,
      stdout: async (chunk) => void got.stdout.push(chunk),
      stderr: async (chunk) => void got.stderr.push(chunk),
    });
    expect(await running.ended).toEqual({ kind: 'code', code: 0 });
    expect(Buffer.concat(got.stdout).equals(bytes)).toBe(true);
    expect(Buffer.concat(got.stderr).toString()).toBe('ended 1 0 0\n');
  });

  it('survives a process that does not read its input', async () => {
    const started = await run(`exit 3\n${'#'.repeat(1_000_000)}`);
    expect(await started.running.ended).toEqual({ kind: 'code', code: 3 });
  });
});

describe('endFamily', () => {
  it.skipIf(!existsSync('/proc/self/environ'))(
    'ends children, grandchildren, daemons and those that ignore TERM',
    async () => {
      const started = await start(`
      sleep 1001 &
      (sleep 1002 & wait) &
      setsid sleep 1003 </dev/null >/dev/null 2>&1 &
      nohup sleep 1004 >/dev/null 2>&1 &
      (trap '' TERM; sleep 1005; sleep 1006) &
      setsid bash -c "trap '' TERM; sleep 1007; sleep 1008" &
      sleep 0.2; echo ready; wait`);
      await started.says('ready');
      expect(findStrays(family(started)).length).toBeGreaterThanOrEqual(9);
      await endFamily(family(started), 300);
      expect(findStrays({ ...family(started), since: 0 })).toEqual([]);
      expect(await started.running.ended).toEqual({ kind: 'signal', signal: 'SIGTERM' });
    },
  );

  it('finds those that have smaller pids, once the kernel may have begun anew', async () => {
    const started = await start('echo up; sleep 1000');
    const later = await start('echo up; sleep 1000');
    await started.says('up');
    await later.says('up');
    // As if pids had gone all the way round: the first process of the family had the pid of the later one.
    const { marker } = started;
    const since = Math.max(started.running.pid, later.running.pid);
    try {
      await endFamily({ marker, groups: [], since, sinceMs: monotonicMs() - 10_000 }, 1000);
      expect(await started.running.ended).toMatchObject({ kind: 'signal' });
      expect(isAlive(family(later))).toBe(true);
    } finally {
      await endFamily(family(started), 0);
      await endFamily(family(later), 0);
    }
  });

  it('gives processes the time to end by themselves', async () => {
    const started = await start(`trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.02; done`);
    await started.says('ready');
    await endFamily(family(started), 10_000);
    expect(await started.running.ended).toEqual({ kind: 'code', code: 5 });
    expect(started.output()).toContain('bye');
  });
});

describe.skipIf(process.platform !== 'linux')('killByVariable', () => {
  it('ends also what a job started without its environment, and nobody else', async () => {
    const other = await start('echo up; sleep 1000', undefined);
    const started = await start('env -i /bin/sleep 1000 & echo "pid $!"; wait');
    await started.says('pid ');
    await other.says('up');
    const pid = /pid (\d+)/.exec(started.output())![1]!;
    await waitFor(() => readFileSync(`/proc/${pid}/environ`, 'utf8') === '');
    try {
      await killByVariable(markerName, started.marker);
      await waitFor(() => !existsSync(`/proc/${pid}/exe`));
      expect(isAlive(family(other))).toBe(true);
    } finally {
      await endFamily(family(started), 0);
      await endFamily(family(other), 0);
    }
  });
});

describe('runCommand', () => {
  it('gives output and code, and takes arguments literally', async () => {
    const result = await runCommand(['printf', '%s|', '$(id)', 'a b', '*'], { env: { PATH: path } });
    expect(result).toEqual({ code: 0, signal: undefined, stdout: '$(id)|a b|*|', stderr: '' });
    expect(await runCommand(['sh', '-c', 'cat; exit 4'], { env: { PATH: path }, input: 'x' })).toMatchObject({
      code: 4,
      stdout: 'x',
    });
  });

  it('rejects when the command is missing or takes too long', async () => {
    await expect(runCommand(['/no/such/program'], { env: {} })).rejects.toThrow(/ENOENT/);
    await expect(runCommand(['sleep', '100'], { env: { PATH: path }, timeoutMs: 20 })).rejects.toThrow(/timed out/);
  });
});
