import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JobDescription } from '../gitlab-server/description.ts';
import type { RunnerProcess } from '../support/runner-process.ts';
import { runnerRoom } from '../support/runner-room.ts';

const room = runnerRoom();
const { addJobs, job, says, start } = room;

/** Starts it with pages, and tells where they are. */
async function startWithPages(table = ''): Promise<{ readonly runner: RunnerProcess; readonly base: string }> {
  const runner = start({ global: 'listen_address = "127.0.0.1:0"\nconcurrent = 3', table });
  const [, address] = await runner.said(/Metrics are served {2}address=(127\.0\.0\.1:\d+)/);
  return { runner, base: `http://${address}` };
}

const waiting: JobDescription = {
  name: 'waits',
  script: ['echo begun', 'while [ ! -e "$GO" ]; do sleep 0.05; done'],
};
const token = (): string => [...room.server.store.runners.values()][0]!.token;
const begun = () => says('waits', '\nbegun');
const get = async (address: string): Promise<string> => (await fetch(address)).text();

/** The samples of a page whose lines begin like this. */
async function samples(base: string, name: string): Promise<readonly string[]> {
  return (await get(`${base}/metrics`)).split('\n').filter((line) => line.startsWith(name));
}

/** `address:port` of the TCP sockets that a process listens on, in the kernel's hexadecimals. */
function listening(pid: number): readonly string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => /socket:\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]),
  );
  return ['tcp', 'tcp6'].flatMap((kind) =>
    readFileSync(`/proc/${pid}/net/${kind}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A' && inodes.has(fields[9]))
      .map((fields) => fields[1]!),
  );
}

describe('metrics and pages of ci runner run', () => {
  it('counts jobs while they run and after they have ended', async () => {
    const go = join(room.home, 'go');
    addJobs({ ...waiting, variables: { GO: go } }, { name: 'fails', script: ['exit 3'] });
    const { base } = await startWithPages();
    await begun();
    await room.server.until(() => job('fails').status === 'failed');
    expect(await samples(base, 'gitlab_runner_jobs{')).toContainEqual(
      expect.stringMatching(
        /executor_stage="run",runner="\S{9}",runner_name="one",stage="step_script",state="running",.* 1$/,
      ),
    );
    expect(await get(`${base}/debug/jobs/list`)).toMatch(
      /^url=http\S+\/-\/jobs\/\d+ state=running stage=step_script executor_stage=run duration=[\d.]+m?s$/m,
    );
    writeFileSync(go, '');
    await room.server.until(() => job('waits').status === 'success');
    await expect
      .poll(() => samples(base, 'gitlab_runner_job_duration_seconds_count'))
      .toEqual([
        expect.stringMatching(/\{mode="traditional",runner="\S{9}",runner_name="one",system_id="[sr]_\w{12}"\} 2$/),
      ]);
    const page = await get(`${base}/metrics`);
    expect(page).toMatch(/^gitlab_runner_jobs_total\{.*\} 2$/m);
    expect(page).toMatch(/^gitlab_runner_failed_jobs_total\{failure_reason="script_failure",.*\} 1$/m);
    expect(page).toMatch(
      /^gitlab_runner_worker_processing_failures_total\{failure_type="job_failure",runner="\S{9}".*\} 1$/m,
    );
    expect(page).toMatch(/^gitlab_runner_worker_slot_operations_total\{operation="started"\} 3$/m);
    expect(page).toMatch(/^gitlab_runner_worker_slot_operations_total\{operation="stopped"\} 0$/m);
    expect(page).toMatch(/^gitlab_runner_job_execution_mode_total\{executor="shell",mode="traditional"\} 2$/m);
    expect(page).toMatch(/^gitlab_runner_job_queue_duration_seconds_count\{project_jobs_running=".*\} \d$/m);
    expect(page).toMatch(/^gitlab_runner_jobs\{executor_stage="idle",.*state="idle",.*\} 0$/m);
    expect(page).toMatch(
      /^gitlab_runner_api_request_statuses_total\{endpoint="request_job",method="post",.*status="201",.*\} 2$/m,
    );
    expect(page).toMatch(
      /^gitlab_runner_api_request_duration_seconds_count\{endpoint="patch_trace",.*status_class="2xx",/m,
    );
    expect(page).toMatch(/^gitlab_runner_api_request_retries_total\{method="put",path="jobs\/\{id\}"\} [4-9]$/m);
    expect(page).toMatch(/^gitlab_runner_concurrent 3$/m);
    expect(page).toMatch(/^gitlab_runner_version_info\{.*name="pipewright".*\} 1$/m);
    expect(page).not.toContain('gitlab_runner_job_stage_duration_seconds');
    expect(await get(`${base}/debug/jobs/list`)).toBe('');
    expect(room.server.violations).toEqual([]);
  });

  it('counts stages of jobs where that is wanted', async () => {
    addJobs({ name: 'short', script: ['true'] });
    const { base } = await startWithPages('[runners.feature_flags]\nFF_EXPORT_HIGH_CARDINALITY_METRICS = true');
    await room.server.until(() => job('short').status === 'success');
    await expect
      .poll(() => samples(base, 'gitlab_runner_job_stage_duration_seconds_count'))
      .toContainEqual(expect.stringContaining('stage="get_sources"'));
  });

  it('shows tokens and variables on no page', async () => {
    const go = join(room.home, 'go');
    addJobs({
      ...waiting,
      variables: { GO: go, PLAIN: 'plain-value', SECRET: { value: 'secret-value', masked: true } },
    });
    const { base } = await startWithPages();
    await begun();
    const names = ['/metrics', '/debug/jobs/list', '/debug/process/state', '/health/ready', '/debug/health'];
    const pages = await Promise.all(names.map((name) => get(`${base}${name}?x=1`)));
    for (const page of pages) {
      expect(page).not.toBe('');
      for (const secret of [token(), job('waits').token, 'plain-value', 'secret-value', 'gitlab-ci-token', go]) {
        expect(page).not.toContain(secret);
      }
    }
    writeFileSync(go, '');
  });

  it('tells whether it takes jobs, and ends with all connections', async () => {
    const go = join(room.home, 'go');
    addJobs({ ...waiting, variables: { GO: go } });
    const { runner, base } = await startWithPages();
    await begun();
    expect((await fetch(`${base}/health/ready`)).status).toBe(200);
    expect(await get(`${base}/debug/process/state`)).toBe('running\n');
    expect(await (await fetch(`${base}/debug/health`)).json()).toMatchObject({
      status: 'ok',
      state: 'running',
      runners: [{ name: 'one', healthy: true, jobs: 1 }],
    });
    runner.child.kill('SIGQUIT');
    await runner.said(/SIGQUIT/);
    expect((await fetch(`${base}/health/ready`)).status).toBe(503);
    expect(await get(`${base}/debug/process/state`)).toBe('graceful-shutdown\n');
    expect(await samples(base, 'gitlab_runner_process_state_info')).toEqual([
      'gitlab_runner_process_state_info{state="graceful-shutdown"} 1',
    ]);
    writeFileSync(go, '');
    expect((await runner.ended).code).toBe(0);
  });

  it('can only be read', async () => {
    const { base } = await startWithPages();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const answer = await fetch(`${base}/metrics`, { method });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    }
    const head = await fetch(`${base}/metrics`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(1000);
    expect(head.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    for (const path of ['/', '/debug', '/__proto__', '/metrics/..%2f', '/constructor']) {
      expect((await fetch(`${base}${path}`)).status).toBe(404);
    }
  });

  it('tells that a server can not be asked', async () => {
    const { base } = await startWithPages('unhealthy_requests_limit = 1\nunhealthy_interval = "1h"');
    const body = JSON.stringify({ token: token() });
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${room.server.url}/api/v4/runners`, { method: 'DELETE', headers, body })).status).toBe(204);
    await expect.poll(async () => (await fetch(`${base}/debug/health`)).status, { timeout: 20_000 }).toBe(503);
    expect(await samples(base, 'gitlab_runner_worker_health_check_failures_total')).toEqual([
      expect.stringMatching(/ [1-9]\d*$/),
    ]);
    expect(await samples(base, 'gitlab_runner_errors_total{level="error"}')).toEqual([
      expect.stringMatching(/ [1-9]\d*$/),
    ]);
  });

  it.skipIf(!existsSync('/proc/self/net/tcp'))('listens where it was told, and nowhere else', async () => {
    const { runner, base } = await startWithPages();
    const port = Number(new URL(base).port).toString(16).toUpperCase().padStart(4, '0');
    expect(listening(runner.child.pid!)).toEqual([`0100007F:${port}`]);
    runner.child.kill('SIGKILL');
    const silent = start();
    await room.server.until(() => room.server.requests.some((request) => request.path.endsWith('/jobs/request')));
    expect(listening(silent.child.pid!)).toEqual([]);
  });

  it('says why it can not listen', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const taken = await start({ global: `listen_address = "127.0.0.1:${port}"` }).ended;
    other.close();
    expect(taken.code).toBe(4);
    expect(taken.output).toMatch(new RegExp(`can't listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`));
    expect(taken.output).toContain('change `listen_address`');
    const wrong = await start({ global: 'listen_address = "http://localhost:9252"' }).ended;
    expect(wrong.code).toBe(2);
    expect(wrong.output).toMatch(/runner\.toml:2: `listen_address` must be like ":9252"/);
  });
});
