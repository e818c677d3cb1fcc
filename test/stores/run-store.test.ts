import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noteKept, readKeptJobs } from '../../src/stores/kept-places.ts';
import { projectKey } from '../../src/stores/project-key.ts';
import { listDeadWorkspaces, pruneRuns } from '../../src/stores/prune-runs.ts';
import type { JobRecord, RunState } from '../../src/stores/run-state.ts';
import { createRun, listRuns, projectDirectory, readRun } from '../../src/stores/run-store.ts';
import { safeName } from '../../src/stores/safe-name.ts';
import { processIdentity } from '../../src/util/process-identity.ts';

let base: string;
let location: { readonly stateDirectory: string; readonly projectRoot: string };
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'runs-'));
  location = { stateDirectory: join(base, 'state'), projectRoot: join(base, 'my project') };
  mkdirSync(location.projectRoot);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const create = (nowMs = 0) => createRun(location, { file: '.ci.yml', nowMs });
async function finish(id: string): Promise<void> {
  const { run, state } = (await readRun(location, id))!;
  await run.writeState({ ...state, status: 'success', finishedAt: new Date(1).toISOString() });
}

describe('projectKey', () => {
  it('is readable and the same for every way to the project', () => {
    symlinkSync(location.projectRoot, join(base, 'link'));
    expect(projectKey(join(base, 'link'))).toBe(projectKey(location.projectRoot));
    expect(projectKey(location.projectRoot)).toMatch(/^my-project-[0-9a-f]{12}$/);
    expect(projectKey('/')).toMatch(/^project-[0-9a-f]{12}$/);
  });
});

describe('safeName', () => {
  it.each([
    ['build', 'build'],
    ['Build', /^build~[0-9a-f]{16}$/],
    ['test: [18, linux]', /^test-18-linux~[0-9a-f]{16}$/],
    ['../../etc/passwd', /^etc-passwd~[0-9a-f]{16}$/],
    ['', /^x~[0-9a-f]{16}$/],
    ['nul', /^nul~[0-9a-f]{16}$/],
    ['...', /^x~[0-9a-f]{16}$/],
  ])('%j', (name, expected) => expect(safeName(name)).toMatch(expected));

  it('is one component, never hidden, and different for different texts', () => {
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (name) => {
        const file = safeName(name);
        expect(file).toMatch(/^[a-z0-9_][a-z0-9._~-]{0,100}$/);
        expect(basename(file)).toBe(file);
        const other = seen.get(file);
        if (other !== undefined) expect(other).toBe(name);
        seen.set(file, name);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('runs', () => {
  it('count up, also after all were removed', async () => {
    expect((await create()).id).toBe('1');
    expect((await create()).id).toBe('2');
    await finish('1');
    await finish('2');
    await pruneRuns(location, { keep: 0, nowMs: 0, mode: 'remove' });
    expect(await listRuns(location)).toEqual([]);
    expect(await readRun(location, 'last')).toBeUndefined();
    expect((await create()).id).toBe('3');
  });

  it('keep state, readable by the owner alone', async () => {
    const run = await create(Date.UTC(2030, 0, 1));
    const stored = (await readRun(location, 'last'))!;
    expect(stored.state).toMatchObject({
      schema: 'ci/1',
      id: '1',
      file: '.ci.yml',
      startedAt: '2030-01-01T00:00:00.000Z',
    });
    expect(stored.isRunning).toBe(true);
    const state: RunState = {
      ...stored.state,
      finishedAt: '2030-01-01T00:01:00.000Z',
      status: 'failed',
      jobs: {
        build: {
          status: 'failed',
          allowFailure: false,
          durationMs: 1,
          attempts: 1,
          artifacts: [],
          logPath: run.logPath('build'),
        },
      },
    };
    await run.writeState(state);
    expect(await readRun(location, '1')).toMatchObject({ state, isRunning: false });
    expect(statSync(join(run.directory, 'run.json')).mode & 0o077).toBe(0);
    writeFileSync(run.logPath('../evil'), 'log');
    expect(dirname(run.logPath('../evil'))).toBe(join(run.directory, 'logs'));
  });

  it('know of each job that has ended while they go on, also when they are killed in the middle of a line', async () => {
    const run = await create();
    const record = (id: string): JobRecord => ({
      status: 'success',
      allowFailure: false,
      durationMs: 1,
      attempts: 1,
      artifacts: [],
      logPath: run.logPath(id),
    });
    const { state } = (await readRun(location, run.id))!;
    await run.writeState({ ...state, planned: ['a', 'b'], jobs: { earlier: record('earlier') } });
    run.recordJob('a', record('a'));
    run.recordJob('b', record('b'));
    const path = join(run.directory, 'jobs.ndjson');
    writeFileSync(path, '{"job":"c","rec', { flag: 'a' });
    expect(statSync(path).mode & 0o077).toBe(0);
    const { jobs, planned } = (await readRun(location, run.id))!.state;
    expect(planned).toEqual(['a', 'b']);
    expect(jobs).toEqual({ earlier: record('earlier'), a: record('a'), b: record('b') });
    await finish(run.id);
    expect((await readRun(location, run.id))!.state.jobs).toEqual(jobs);
  });

  it('with a damaged or hostile state or id are not found', async () => {
    const run = await create();
    writeFileSync(join(run.directory, 'run.json'), '{"schema":');
    expect(await readRun(location, '1')).toBeUndefined();
    expect(await readRun(location, '../1')).toBeUndefined();
    expect(await readRun(location, 'last')).toBeUndefined();
  });

  it('are pruned by number and age, never a running one', async () => {
    const day = 86_400_000;
    for (let i = 0; i < 5; i++) await create(i * day);
    for (const id of ['1', '2', '4', '5']) await finish(id);
    const rule = { keep: 3, olderThanMs: 2.5 * day, nowMs: 5 * day } as const;
    const listed = await pruneRuns(location, { ...rule, mode: 'list' });
    expect(listed.map(({ id }) => id)).toEqual(['2', '1']);
    expect(listed[0]!.totalBytes).toBeGreaterThan(0);
    expect((await listRuns(location)).map(({ run }) => run.id)).toEqual(['5', '4', '3', '2', '1']);
    await pruneRuns(location, { ...rule, mode: 'remove' });
    expect((await listRuns(location)).map(({ run }) => run.id)).toEqual(['5', '4', '3']);
    await pruneRuns(location, { ...rule, keep: 0, mode: 'remove' });
    expect((await listRuns(location)).map(({ run }) => run.id)).toEqual(['3']);
  });

  it('are left to another process that has finished but is still there', async () => {
    const run = await create();
    await finish(run.id);
    await create();
    const { state } = (await readRun(location, run.id))!;
    await run.writeState({ ...state, process: processIdentity(process.ppid)! });
    mkdirSync(run.workspacesDirectory);
    const rule = { keep: 1, nowMs: 0, mode: 'remove' } as const;
    expect(await pruneRuns(location, rule)).toEqual([]);
    expect(await listDeadWorkspaces(location)).toEqual([]);
    await run.writeState(state);
    expect(await listDeadWorkspaces(location)).toEqual([run.workspacesDirectory]);
    expect((await pruneRuns(location, rule)).map(({ id }) => id)).toEqual([run.id]);
  });

  it('that were killed leave what nobody kept', async () => {
    const run = await create();
    for (const name of ['a-1', 'a-12', 'b-1']) mkdirSync(join(run.keptDirectory, name, 'project'), { recursive: true });
    const job = { job: 'a', name: join(run.keptDirectory, 'a-1/project'), enter: 'sh' };
    const takeBack = await noteKept(run, job);
    expect(readKeptJobs(run)).toEqual([job]);
    expect(await listDeadWorkspaces(location)).toEqual([]);
    const { state } = (await readRun(location, run.id))!;
    await run.writeState({ ...state, process: { ...state.process, started: 'reused pid' } });
    expect(await listDeadWorkspaces(location)).toEqual([
      join(run.keptDirectory, 'a-12'),
      join(run.keptDirectory, 'b-1'),
    ]);
    await create();
    const rule = { keep: 1, nowMs: 0, mode: 'remove' } as const;
    expect(await pruneRuns(location, rule)).toEqual([]);
    await takeBack();
    expect((await pruneRuns(location, rule)).map(({ id }) => id)).toEqual([run.id]);
  });

  it('a killed process is not running any more', async () => {
    const run = await create();
    const { state } = (await readRun(location, run.id))!;
    await run.writeState({ ...state, process: { ...state.process, started: 'reused pid' } });
    expect((await readRun(location, run.id))!.isRunning).toBe(false);
  });

  it('of 20 processes at once have 20 numbers', async () => {
    const script = join(base, 'create.mjs');
    await build({
      stdin: {
        contents: `import { createRun } from ${JSON.stringify(join(import.meta.dirname, '../../src/stores/run-store.ts'))};
          const [stateDirectory, projectRoot] = process.argv.slice(2);
          console.log((await createRun({ stateDirectory, projectRoot }, { file: 'x', nowMs: 0 })).id);`,
        resolveDir: base,
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      outfile: script,
    });
    const ids = await Promise.all(
      Array.from({ length: 20 }, () => {
        const child = spawn(process.execPath, [script, location.stateDirectory, location.projectRoot], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        return text(child.stdout);
      }),
    );
    expect(new Set(ids.map((id) => id.trim())).size).toBe(20);
    expect(await listRuns(location)).toHaveLength(20);
  });

  it('say which path cannot be written', async () => {
    writeFileSync(location.stateDirectory, '');
    await expect(create()).rejects.toMatchObject({ name: 'SystemError', message: expect.stringContaining('state') });
    expect(existsSync(projectDirectory(location))).toBe(false);
    expect(readdirSync(base)).not.toContain('projects');
    expect(readFileSync(location.stateDirectory, 'utf8')).toBe('');
  });
});
