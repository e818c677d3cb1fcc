import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { adaptiveConcurrency } from '../../../src/runner/network/adaptive-concurrency.ts';
import { runnerHealth } from '../../../src/runner/network/runner-health.ts';
import { shortToken } from '../../../src/runner/runner-log.ts';
import { systemId } from '../../../src/runner/system-id.ts';
import { jumpingClock, networkGiven } from '../support/network.ts';

const directory = mkdtempSync(join(tmpdir(), 'runner-state-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it.each([0, -86_400_000, 86_400_000])(
  'leaves a runner alone for a while after three failures in a row, also where the clock is set by %i ms',
  (byMs) => {
    const clock = jumpingClock();
    const health = runnerHealth({ clock });
    for (const outcome of ['unhealthy', 'unhealthy', 'healthy', 'unhealthy', 'unhealthy'] as const)
      health.record(outcome);
    expect(health.isHealthy()).toBe(true);
    health.record('unhealthy');
    expect(health.isHealthy()).toBe(false);
    clock.set(byMs);
    clock.advance(3_599_999);
    expect(health.isHealthy()).toBe(false);
    clock.advance(1);
    expect(health.isHealthy()).toBe(true);
    expect(health.failures).toBe(0);
    for (let count = 0; count < 4; count++) health.record('unhealthy');
    expect(health.isHealthy()).toBe(false);
    health.record('healthy');
    expect(health.isHealthy()).toBe(true);
  },
);

it('asks more often where there are jobs, and less when told so', () => {
  const adaptive = adaptiveConcurrency(() => 4);
  expect(adaptive.limit).toBe(1);
  for (let count = 0; count < 30; count++) adaptive.record('job');
  expect(adaptive.limit).toBe(4);
  adaptive.record('retried');
  expect(adaptive.limit).toBe(2);
  for (let count = 0; count < 60; count++) adaptive.record('empty');
  expect(adaptive.limit).toBe(1);
  expect(adaptiveConcurrency(() => 0).limit).toBe(1);
});

it('shows of a token what comes after its kind', () => {
  const tokens = [
    'glrt-t1_abcdefghijkl',
    'glrt-abcdefghijkl',
    't2_abcdefghijkl',
    'glcbt-abcdefghijkl',
    'GR1348941abcdefghijkl',
  ];
  for (const token of tokens) expect(shortToken(token)).toBe('abcdefghi');
});

it('has one name for a machine, kept beside the configuration', async () => {
  const { log, lines } = networkGiven();
  const machine = join(directory, 'machine-id');
  writeFileSync(machine, '0123456789abcdef0123456789abcdef\n');
  const given = { directory, log, machineIdFiles: [join(directory, 'none'), machine] };
  const id = await systemId(given);
  // HMAC-SHA256 of `gitlab-runner` by the machine's id: `openssl dgst -sha256 -hmac`.
  expect(id).toBe('s_ee3af03959fe');
  const path = join(directory, '.runner_system_id');
  expect(readFileSync(path, 'utf8')).toBe(id);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, 'r_ABCdef012345');
  expect(await systemId(given)).toBe('r_ABCdef012345');
  writeFileSync(path, 'nonsense');
  expect(await systemId(given)).toBe(id);
  rmSync(path);
  expect(await systemId({ directory, log, machineIdFiles: [] })).toMatch(/^r_[0-9a-zA-Z]{12}$/);
  expect(await systemId({ directory: '/dev/null', log, machineIdFiles: [machine] })).toBe(id);
  expect(lines).toMatchObject([{ level: 'warning', fields: { file: '/dev/null/.runner_system_id' } }]);
});
