import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { afterAll, describe, expect, it } from 'vitest';
import { createDockerExecutor, type DockerExecutorOptions } from '../../src/executors/docker/docker-executor.ts';
import type { Executor } from '../../src/executors/executor.ts';
import type { JobSpec } from '../../src/model/job-spec.ts';
import { collect, jobSpec, never, run } from './contract.ts';
import { engineLocation, labelled, testEngine } from './support/engine.ts';

const engine = await testEngine();
const runId = `usage-${process.pid}`;
const span = { file: '.ci.yml', start: 0, end: 0 };
const executors: Executor[] = [];
const memoryBytes = 32 << 20;

function make(over: Partial<DockerExecutorOptions> = {}): Executor {
  const executor = createDockerExecutor({ engine: engineLocation, pull: 'never', graceMs: 500, ...over });
  executors.push(executor);
  return executor;
}

const job = (over: Partial<JobSpec> = {}): JobSpec =>
  jobSpec({ runId, executor: 'docker', image: { name: 'ci-test/debian', span }, ...over });

describe.skipIf(engine === undefined).each(['ci-test/debian', 'ci-test/busybox'])(
  'use of a container of %s',
  (name) => {
    const image = { name, span };
    // Holds 64 MB of its own, for a moment.
    const wantsMemory = 'head -c 64m /dev/zero | tail -c 64m >/dev/null';
    const burnsTime = 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done';

    afterAll(async () => {
      await Promise.all(executors.map((executor) => executor.close()));
      expect(await labelled(engine!.api, runId)).toEqual([]);
    });

    it('is told for a short job, added up over its scripts, and is not in its output', async () => {
      await using session = await make().open(job({ image }), collect(), never);
      expect(await session.stats?.()).toBeUndefined();
      const first = await run(session, `echo out; echo err >&2; ${burnsTime}`);
      expect({ ...first, stdout: first.stdout.toString(), stderr: first.stderr.toString() }).toEqual({
        exit: { kind: 'code', code: 0 },
        stdout: 'out\n',
        stderr: 'err\n',
      });
      const once = (await session.stats?.())!;
      expect(once.cpuMs).toBeGreaterThan(50);
      expect(once.cpuMs).toBeLessThan(20_000);
      expect(once.networkReceivedBytes).toBeTypeOf('number');
      await run(session, burnsTime);
      expect((await session.stats?.())!.cpuMs).toBeGreaterThan(once.cpuMs! + 50);
    });

    it('holds the memory that a script had at most, and not the files that it wrote', async () => {
      await using session = await make().open(job({ image }), collect(), never);
      await run(session, wantsMemory);
      const { memoryPeakBytes } = (await session.stats?.())!;
      expect(memoryPeakBytes).toBeGreaterThan(60 << 20);
      expect(memoryPeakBytes).toBeLessThan(120 << 20);
      await using other = await make().open(job({ image }), collect(), never);
      await run(other, 'dd if=/dev/zero of=big bs=1M count=100 2>/dev/null');
      const used = (await other.stats?.())!;
      expect(used.memoryPeakBytes ?? 0).toBeLessThan(60 << 20);
    });

    it('is told of commands beside each other', async () => {
      await using session = await make().open(job({ image }), collect(), never);
      await run(session, 'sleep 100', { background: true });
      const ran = await run(session, `${burnsTime}; echo done; exit 3`);
      expect({ exit: ran.exit, stderr: ran.stderr.toString() }).toEqual({
        exit: { kind: 'code', code: 3 },
        stderr: '',
      });
      expect((await session.stats?.())!.cpuMs).toBeGreaterThan(50);
    });

    it('is told by the engine where a job is killed, and of network', async () => {
      const body = randomBytes(300_000);
      const server = createServer((_, answer) => answer.end(body));
      await new Promise<void>((resolve) => server.listen(0, () => resolve()));
      const { port } = server.address() as { port: number };
      const networks = (await engine!.api.getNetwork('bridge').inspect()) as {
        IPAM: { Config: { Gateway: string }[] };
      };
      const url = `http://${networks.IPAM.Config[0]!.Gateway}:${port}/`;
      try {
        await using session = await make({ graceMs: 100 }).open(
          job({ image: { ...image, name: 'ci-test/busybox' } }),
          collect(),
          never,
        );
        const stdout = collect();
        const stop = new AbortController();
        const script = `trap '' TERM; wget -qO- ${url} | wc -c; ${burnsTime}; while :; do sleep 1; done`;
        const running = session.run({ script, env: {}, stdout, stderr: collect() }, stop.signal);
        await stdout.says(String(body.length));
        // The engine looks once a second: at first perhaps before anything has come.
        const isSeen = async (): Promise<boolean> => {
          const { networkReceivedBytes = 0, cpuMs = 0 } = (await session.stats?.()) ?? {};
          return networkReceivedBytes > body.length && cpuMs > 50;
        };
        while (!(await isSeen())) await new Promise((resolve) => setTimeout(resolve, 100));
        stop.abort();
        await running;
        const used = (await session.stats?.())!;
        expect(used.networkReceivedBytes).toBeGreaterThan(300_000);
        expect(used.networkReceivedBytes).toBeLessThan(600_000);
        expect(used.networkSentBytes).toBeGreaterThan(0);
        expect(used.cpuMs).toBeGreaterThan(50);
        expect(used.memoryPeakBytes).toBeGreaterThan(0);
      } finally {
        server.close();
      }
    });

    it('says nothing of a network that is not its own', async () => {
      await using session = await make({ containers: { network: 'host' } }).open(job({ image }), collect(), never);
      await run(session, burnsTime);
      const used = (await session.stats?.())!;
      expect(used.cpuMs).toBeGreaterThan(50);
      expect(used).not.toHaveProperty('networkReceivedBytes');
    });

    describe('with little memory', () => {
      const containers = { memoryBytes };
      const hungry = 'head -c 256m /dev/zero | tail -c 256m >/dev/null';
      // The kernel is told whom to kill: it may choose the script's shell.
      const hungryChild = `(echo 1000 > /proc/self/oom_score_adj; ${hungry})`;

      it('is told where the script itself fails by it', async () => {
        await using session = await make({ containers }).open(job({ image }), collect(), never);
        const { exit } = await run(session, `${hungryChild}; exit $?`);
        expect(exit).toEqual({ kind: 'out-of-memory', code: 137, limitBytes: memoryBytes });
        // The kernel counts anew: what comes later is not blamed for it.
        expect((await run(session, 'kill -9 $$')).exit).toEqual({ kind: 'code', code: 137, lackOfMemory: 'ruled-out' });
        expect((await run(session, 'exit 4')).exit).toEqual({ kind: 'code', code: 4 });
      });

      it('is told where the script goes on and fails otherwise, and warned of where it does not', async () => {
        await using session = await make({ containers }).open(job({ image }), collect(), never);
        const { exit } = await run(session, `${hungryChild} || exit 2`);
        expect(exit).toEqual({ kind: 'out-of-memory', code: 2, limitBytes: memoryBytes });
        const forgiven = await run(session, `${hungryChild} || true`);
        expect(forgiven.exit).toEqual({ kind: 'code', code: 0 });
        // The subshell may go with it.
        expect(forgiven.stderr.toString()).toMatch(
          /WARNING: (a process was|2 processes were) killed: out of memory \(limit 32 MB\)\n/,
        );
      });

      it('is told of commands beside each other, each for its own', async () => {
        await using session = await make({ containers }).open(job({ image }), collect(), never);
        await run(session, 'sleep 100', { background: true });
        expect((await run(session, `${hungryChild}; exit $?`)).exit).toMatchObject({
          kind: 'out-of-memory',
          code: 137,
        });
        expect((await run(session, 'kill -9 $$')).exit).toEqual({ kind: 'code', code: 137, lackOfMemory: 'ruled-out' });
      });
    });
  },
);
