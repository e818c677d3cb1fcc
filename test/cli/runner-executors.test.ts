import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Invocation } from '../../src/cli/invocation.ts';
import { runnerExecutors } from '../../src/cli/runner/runner-executors.ts';
import type { EngineLocation } from '../../src/executors/docker/engine-address.ts';
import { readConfigFile } from '../../src/runner/config/config-file.ts';
import type { RunnerEntry } from '../../src/runner/config/runner-config.ts';

let own: string;

beforeEach(() => {
  own = mkdtempSync(join(tmpdir(), 'executors-'));
});
afterEach(() => rmSync(own, { recursive: true, force: true }));

function runner(text: string): RunnerEntry {
  const path = join(own, 'runner.toml');
  writeFileSync(path, `concurrent = 1\n[[runners]]\nname = "a"\nurl = "http://x"\ntoken = "t"\n${text}`);
  return readConfigFile(path, {}).config.runners[0]!;
}

function executorsOf(runners: () => readonly RunnerEntry[]) {
  const watched: EngineLocation[] = [];
  const env = { PATH: process.env['PATH'], HOME: own, DOCKER_HOST: 'unix:///of/the/environment', DOCKER_CONTEXT: 'x' };
  const executors = runnerExecutors({ env } as unknown as Invocation, {
    places: { own, workspaces: join(own, 'w') },
    runners,
    reaper: { watch: (engine) => void watched.push(engine) },
    warn: () => {},
  });
  return { executors, watched };
}

it('closes an executor once the file wants it no more and its last job has ended', async () => {
  const before = runner('executor = "shell"');
  const after = runner('executor = "shell"\nbuilds_dir = "/elsewhere"');
  let runners = [before];
  const { executors } = executorsOf(() => runners);
  const first = await executors.lease(before);
  const second = await executors.lease(before);
  expect(second.executor).toBe(first.executor);
  await first[Symbol.asyncDispose]();
  runners = [after];
  executors.release();
  // In use still.
  expect((await executors.lease(before)).executor).toBe(first.executor);
  const other = await executors.lease(after);
  expect(other.executor).not.toBe(first.executor);
  await executors.close();
  expect(readdirSync(join(own, 'w')).filter((name) => name.endsWith('.pipes'))).toEqual([]);
});

it('makes a new one where the settings come back', async () => {
  const before = runner('executor = "shell"');
  let runners = [before];
  const { executors } = executorsOf(() => runners);
  const first = await executors.lease(before);
  await first[Symbol.asyncDispose]();
  const again = await executors.lease(before);
  expect(again.executor).toBe(first.executor);
  await again[Symbol.asyncDispose]();
  runners = [];
  executors.release();
  expect((await executors.lease(before)).executor).not.toBe(first.executor);
  await executors.close();
});

it('lets the reaper know the engine of [runners.docker], which beats the environment', async () => {
  const here = runner('executor = "docker"\n[runners.docker]\nimage = "a"\nhost = "unix:///of/the/file"');
  const { executors, watched } = executorsOf(() => [here]);
  await executors.lease(here);
  expect(watched).toMatchObject([{ configuredHost: 'unix:///of/the/file' }]);
  expect(watched[0]).not.toHaveProperty('host');
  expect(watched[0]).not.toHaveProperty('context');
  await executors.close();
});
